//! The nodes that every tree has and that no client can delete.

use zk_proto::{Acl, path};

use super::node::Node;
use super::{ContentSum, DataTree};

/// The root of all paths.
pub const ROOT: &str = "/";
/// The server's own subtree.
pub const ZOOKEEPER: &str = "/zookeeper";
/// Below it are limits and usage of each subtree that has a quota.
pub const QUOTA: &str = "/zookeeper/quota";
/// Holds the configuration of the ensemble; empty in a standalone server.
pub const CONFIG: &str = "/zookeeper/config";

/// A node's path, its ACL, and the version of that.
type Planted = (&'static str, fn() -> Vec<Acl>, i32);

/// The special nodes below the root, parents first. Only super may
/// change the configuration. Apache sets its ACL without a version, hence -1.
pub(super) const PLANTED: [Planted; 3] =
    [(ZOOKEEPER, Acl::open, 0), (QUOTA, Acl::open, 0), (CONFIG, Acl::read_only, -1)];

/// Whether the path is one of the four.
#[must_use]
pub fn is_special(path: &str) -> bool {
    [ROOT, ZOOKEEPER, QUOTA, CONFIG].contains(&path)
}

impl DataTree {
    /// Plants the special nodes. No transaction stands behind them: all their zxids and times are 0,
    /// and their creation does not count as one.
    pub(super) fn grow_special(&mut self) {
        let root = self.nodes.get_mut(self.root);
        root.data = Some(Box::default());
        root.content = ContentSum::of(ROOT, None);
        self.digest.add(root.digest());
        for (at, acl, version) in PLANTED {
            self.plant(at, &acl(), version);
        }
    }

    pub(super) fn plant(&mut self, at: &str, acl: &[Acl], acl_version: i32) {
        let parent = path::parent(at).and_then(|parent| self.find(parent));
        let parent = parent.expect("invariant: parents are planted first");
        let acl = self.acls.intern(acl);
        let content = ContentSum::of(at, None);
        let node =
            Node { data: Some(Box::default()), acl, acl_version, content, ..Node::default() };
        self.data_size += at.len();
        self.digest.add(node.digest());
        let attached = self.attach(parent, path::basename(at), node);
        debug_assert!(attached.is_ok(), "only what is not there is planted");
    }
}
