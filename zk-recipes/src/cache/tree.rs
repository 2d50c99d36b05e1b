//! What is known of the nodes, and what a read changes about it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use zk_client::{Stat, Zxid};

use super::{CacheChange, CachedNode};
use crate::parents::child;

/// The nodes by path, and the changes that nobody has been told of yet.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Entry>,
    /// At most a few for each node that was read since they were taken.
    untold: Vec<CacheChange>,
}

#[derive(Debug)]
struct Entry {
    node: Arc<CachedNode>,
    /// The version of the ACL under which the data was last read.
    acl: i32,
    /// The last change of the children that the list reflects. That each of them was read as well is
    /// another matter: the connection may have broken in between.
    listed: Option<Zxid>,
}

/// What has to be read of a node that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outdated {
    pub(super) data: bool,
    pub(super) children: bool,
}

impl Tree {
    pub(super) fn knows(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    pub(super) fn take_untold(&mut self) -> Vec<CacheChange> {
        std::mem::take(&mut self.untold)
    }

    /// A node was read. Something older than what is known is left alone.
    pub(super) fn accept(&mut self, path: &str, data: Bytes, stat: Stat) {
        let known = self.nodes.get_mut(path).map(|entry| {
            entry.acl = stat.aversion;
            (entry.node.stat, entry.listed)
        });
        if let Some((known, _)) = known
            && (stat.czxid, stat.mzxid) <= (known.czxid, known.mzxid)
        {
            return;
        }
        let node = Arc::new(CachedNode { path: path.to_owned(), data, stat });
        self.untold.push(match known {
            None => CacheChange::Added(node.clone()),
            Some((known, _)) if known.czxid != stat.czxid => CacheChange::Replaced(node.clone()),
            Some(_) => CacheChange::Updated(node.clone()),
        });
        let listed = known.and_then(|(known, listed)| listed.filter(|_| known.czxid == stat.czxid));
        self.nodes.insert(path.to_owned(), Entry { node, acl: stat.aversion, listed });
    }

    /// A node's children were listed: those that are not among `names` are gone. The paths of all
    /// that are there.
    pub(super) fn list(&mut self, path: &str, names: Vec<String>, stat: &Stat) -> Vec<String> {
        let paths: BTreeSet<String> = names.iter().map(|name| child(path, name)).collect();
        for gone in self.children(path) {
            if !paths.contains(&gone) {
                self.remove(&gone);
            }
        }
        if let Some(entry) = self.nodes.get_mut(path) {
            entry.listed = Some(stat.pzxid);
        }
        paths.into_iter().collect()
    }

    /// A node is gone, and all below it.
    pub(super) fn remove(&mut self, path: &str) {
        let below = child(path, "");
        let mut gone: Vec<String> = self.below(&below).map(|(path, _)| path.clone()).collect();
        if self.knows(path) {
            gone.insert(0, path.to_owned());
        }
        // Children before their parents, as it happened.
        for path in gone.into_iter().rev() {
            if let Some(entry) = self.nodes.remove(&path) {
                self.untold.push(CacheChange::Removed(entry.node));
            }
        }
    }

    /// What has to be read again of a node whose metadata is now `stat`. After a change of the ACL it
    /// has to be seen whether it may still be read: older servers show the metadata to anybody.
    pub(super) fn outdated(&self, path: &str, stat: &Stat) -> Outdated {
        match self.nodes.get(path) {
            None => Outdated { data: true, children: true },
            Some(Entry { node, acl, listed }) => Outdated {
                data: (stat.czxid, stat.mzxid, stat.aversion)
                    != (node.stat.czxid, node.stat.mzxid, *acl),
                children: *listed != Some(stat.pzxid) || !self.knows_all_children(path, stat),
            },
        }
    }

    /// Whether as many children are known as there are. One that may not be read never is, so its
    /// parent is listed again whenever it is looked at.
    fn knows_all_children(&self, path: &str, stat: &Stat) -> bool {
        usize::try_from(stat.num_children).is_ok_and(|there| self.children(path).len() == there)
    }

    /// The paths of the known children.
    pub(super) fn children(&self, path: &str) -> Vec<String> {
        let below = child(path, "");
        let direct = |path: &&String| !path[below.len()..].contains('/');
        self.below(&below).map(|(path, _)| path).filter(direct).cloned().collect()
    }

    fn below(&self, prefix: &str) -> impl Iterator<Item = (&String, &Entry)> {
        let from = (Bound::Excluded(prefix), Bound::Unbounded);
        self.nodes.range::<str, _>(from).take_while(move |(path, _)| path.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(czxid: i64, mzxid: i64, pzxid: i64) -> Stat {
        Stat { czxid: Zxid(czxid), mzxid: Zxid(mzxid), pzxid: Zxid(pzxid), ..Stat::default() }
    }

    fn told(tree: &mut Tree) -> Vec<String> {
        let name = |change: &CacheChange| match change {
            CacheChange::Added(node) => format!("+{}", node.path),
            CacheChange::Updated(node) => format!("={}", node.path),
            CacheChange::Replaced(node) => format!("!{}", node.path),
            CacheChange::Removed(node) => format!("-{}", node.path),
            CacheChange::Missed { .. } => unreachable!(),
        };
        tree.take_untold().iter().map(name).collect()
    }

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            tree.accept(path, Bytes::new(), stat(1, 1, 1));
        }
        tree.take_untold();
        tree
    }

    #[test]
    fn a_read_is_news_by_its_zxids() {
        let mut tree = Tree::default();
        for (created, changed) in [(1, 1), (1, 1), (1, 3), (1, 2), (4, 4), (1, 3)] {
            tree.accept("/a", Bytes::new(), stat(created, changed, created));
        }
        assert_eq!(told(&mut tree), ["+/a", "=/a", "!/a"]);
    }

    #[test]
    fn a_node_takes_along_what_is_below_it_and_nothing_else() {
        let mut tree = tree(&["/a", "/a/b", "/a/b/c", "/ab", "/a/b-", "/a0"]);
        tree.remove("/a");
        assert_eq!(told(&mut tree), ["-/a/b/c", "-/a/b-", "-/a/b", "-/a"]);
        assert!(tree.knows("/ab") && tree.knows("/a0"));
    }

    #[test]
    fn a_list_tells_what_is_gone() {
        let mut tree = tree(&["/a", "/a/b", "/a/b/c", "/a/d"]);
        let there = tree.list("/a", vec!["d".to_owned(), "e".to_owned()], &stat(1, 1, 7));
        assert_eq!(there, ["/a/d", "/a/e"]);
        assert_eq!(told(&mut tree), ["-/a/b/c", "-/a/b"]);
        let now = Stat { num_children: 2, ..stat(1, 1, 7) };
        let unread = tree.outdated("/a", &now);
        assert_eq!(unread, Outdated { data: false, children: true }, "nobody has read /a/e yet");
        tree.accept("/a/e", Bytes::new(), stat(7, 7, 7));
        assert_eq!(tree.outdated("/a", &now), Outdated { data: false, children: false });
        assert_eq!(tree.outdated("/a", &stat(1, 2, 8)), Outdated { data: true, children: true });
        tree.accept("/a", Bytes::new(), stat(9, 9, 7));
        assert!(tree.outdated("/a", &stat(9, 9, 7)).children, "another node's children");
    }

    #[test]
    fn another_acl_has_to_be_tried() {
        let mut tree = tree(&["/a"]);
        let changed = Stat { aversion: 1, ..stat(1, 1, 1) };
        tree.list("/a", Vec::new(), &changed);
        assert_eq!(tree.outdated("/a", &changed), Outdated { data: true, children: false });
        tree.accept("/a", Bytes::new(), changed);
        assert_eq!(tree.outdated("/a", &changed), Outdated { data: false, children: false });
        assert!(told(&mut tree).is_empty(), "the data is what it was");
    }

    #[test]
    fn the_root_has_children_like_any_other() {
        let mut tree = tree(&["/", "/a", "/a/b"]);
        assert_eq!(tree.children("/"), ["/a"]);
        tree.remove("/");
        assert_eq!(told(&mut tree).len(), 3);
    }
}
