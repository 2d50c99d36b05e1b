//! What nodes will be once all transactions on their way are applied.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use zk_proto::{Acl, EphemeralOwner, SessionId, Zxid};

use super::proposer::Slot;
use crate::tree::{ContentSum, DataTree, DiskStat, NodeDigest, NodeRef, Quota, TreeDigest};

/// What validation must know of a node.
#[derive(Clone, Debug)]
pub(super) struct NodeFacts {
    pub(super) owner: EphemeralOwner,
    pub(super) stat: DiskStat,
    /// Creates ever under the node: the next sequence number. It may wrap; what is on disk stays.
    pub(super) create_count: i32,
    pub(super) child_count: usize,
    pub(super) data_len: usize,
    pub(super) acl: Arc<[Acl]>,
    /// `None`: as it is in the tree.
    pub(super) content: Option<ContentSum>,
}

impl NodeFacts {
    /// A child is created, by the transaction `zxid`.
    pub(super) fn add_child(&mut self, zxid: Zxid) {
        self.create_count = self.create_count.wrapping_add(1);
        self.child_count += 1;
        if self.create_count > self.stat.create_count {
            self.stat.create_count = self.create_count;
            self.stat.pzxid = zxid;
        }
    }

    /// Its data is set.
    pub(super) fn set_data(&mut self, path: &str, data: Option<&[u8]>, slot: Slot) {
        self.data_len = data.map_or(0, <[u8]>::len);
        self.content = Some(ContentSum::of(path, data));
        self.stat.mzxid = slot.zxid;
        self.stat.mtime_ms = slot.wall_ms;
    }

    fn digest(&mut self, path: &str, tree: &DataTree) -> NodeDigest {
        let in_tree = || tree.node(path).map(|node| node.content_sum(path));
        self.content = self.content.or_else(in_tree);
        self.content.map_or(NodeDigest::NONE, |content| content.with(&self.stat))
    }
}

impl From<NodeRef<'_>> for NodeFacts {
    fn from(node: NodeRef<'_>) -> Self {
        Self {
            owner: node.owner(),
            stat: node.disk_stat(),
            create_count: node.create_count(),
            child_count: node.child_count(),
            data_len: node.data().map_or(0, <[u8]>::len),
            acl: Arc::clone(node.acl()),
            content: None,
        }
    }
}

/// A node as the last pending transaction that touches it leaves it; `None`: deleted.
type After = Option<NodeFacts>;

/// The effects of the transactions that were proposed and are not applied yet.
///
/// As large as the number of pending requests lets it grow, which the server bounds.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    /// Looked up, and iterated only where the order of what is found does not show.
    nodes: HashMap<Arc<str>, Touched>,
    /// What each transaction touched, in their order.
    touched: VecDeque<(Zxid, Arc<str>)>,
    /// Sessions whose end is pending, and its transaction.
    closing: BTreeMap<SessionId, Zxid>,
    /// What the tree will add up to; of no meaning while nothing is `touched`.
    digest: TreeDigest,
}

/// A node that a pending transaction changes.
#[derive(Debug)]
struct Touched {
    /// The last such.
    by: Zxid,
    after: After,
    /// What the node will add to the tree's digest.
    digest: NodeDigest,
}

impl Outstanding {
    /// Forgets the effects of transactions up to `zxid`: they are in the tree now.
    pub(super) fn forget(&mut self, zxid: Zxid) {
        while let Some((_, path)) = self.touched.front().filter(|(by, _)| *by <= zxid) {
            // A later transaction may have touched the node again.
            if self.nodes.get(path).is_some_and(|touched| touched.by <= zxid) {
                self.nodes.remove(path);
            }
            self.touched.pop_front();
        }
        self.closing.retain(|_, by| *by > zxid);
    }

    /// Whether a pending transaction ends the session.
    pub(super) fn is_closing(&self, session: SessionId) -> bool {
        self.closing.contains_key(&session)
    }

    /// Notes that a transaction ends a session.
    pub(super) fn close(&mut self, session: SessionId, zxid: Zxid) {
        self.closing.insert(session, zxid);
    }

    /// Whether a pending transaction touches the node.
    pub(super) fn touches(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// Takes over the effects of one transaction.
    pub(super) fn adopt(&mut self, tree: &DataTree, zxid: Zxid, effects: Effects) {
        self.digest = self.digest(tree);
        for (path, mut after) in effects.0 {
            let path: Arc<str> = path.into();
            let before = match self.nodes.get(&path) {
                Some(touched) => touched.digest,
                None => digest_in(tree, &path),
            };
            let digest = after.as_mut().map_or(NodeDigest::NONE, |facts| facts.digest(&path, tree));
            self.digest.subtract(before);
            self.digest.add(digest);
            self.touched.push_back((zxid, Arc::clone(&path)));
            self.nodes.insert(path, Touched { by: zxid, after, digest });
        }
    }

    /// What the tree will add up to once everything pending is applied.
    pub(super) fn digest(&self, tree: &DataTree) -> TreeDigest {
        if self.touched.is_empty() { tree.running_digest() } else { self.digest }
    }

    /// The nodes that pending transactions leave in a session's hands, in no particular order.
    fn owned_by(&self, session: SessionId) -> impl Iterator<Item = &str> {
        let owner = EphemeralOwner::Session(session);
        let owned = move |after: &After| after.as_ref().is_some_and(|facts| facts.owner == owner);
        self.nodes.iter().filter(move |(_, touched)| owned(&touched.after)).map(|(path, _)| &**path)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.touched.is_empty() && self.closing.is_empty()
    }
}

fn digest_in(tree: &DataTree, path: &str) -> NodeDigest {
    tree.node(path).map_or(NodeDigest::NONE, |node| node.content_sum(path).with(&node.disk_stat()))
}

/// What one transaction does to nodes.
#[derive(Debug, Default)]
pub(super) struct Effects(BTreeMap<String, After>);

/// The tree, what is pending, and on top the effects of the request that is being validated: each
/// operation of a multi sees those before it, and if the multi fails they are dropped together.
#[derive(Debug)]
pub(super) struct Draft<'d> {
    tree: &'d DataTree,
    outstanding: &'d Outstanding,
    slot: Slot,
    effects: Effects,
}

impl<'d> Draft<'d> {
    pub(super) fn new(tree: &'d DataTree, outstanding: &'d Outstanding, slot: Slot) -> Self {
        Self { tree, outstanding, slot, effects: Effects::default() }
    }

    /// The node as it will be when the request's turn comes.
    pub(super) fn node(&self, path: &str) -> Option<NodeFacts> {
        if let Some(after) = self.effects.0.get(path) {
            return after.clone();
        }
        if let Some(touched) = self.outstanding.nodes.get(path) {
            return touched.after.clone();
        }
        self.tree.node(path).map(NodeFacts::from)
    }

    /// The place of the request that is being validated.
    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    pub(super) fn put(&mut self, path: &str, facts: NodeFacts) {
        self.effects.0.insert(path.to_owned(), Some(facts));
    }

    /// Deletes a node and takes it from its parent's children.
    pub(super) fn delete(&mut self, path: &str) {
        self.effects.0.insert(path.to_owned(), None);
        if let Some(parent_path) = zk_proto::path::parent(path)
            && let Some(mut parent) = self.node(parent_path)
        {
            parent.child_count = parent.child_count.saturating_sub(1);
            parent.stat.pzxid = self.slot.zxid;
            self.put(parent_path, parent);
        }
    }

    /// Deletes nodes that have no children, and each of which is there.
    pub(super) fn delete_all(&mut self, paths: &[String]) {
        let mut gone_below: BTreeMap<&str, usize> = BTreeMap::new();
        for path in paths {
            self.effects.0.insert(path.clone(), None);
            let parent = zk_proto::path::parent(path).unwrap_or_default();
            *gone_below.entry(parent).or_default() += 1;
        }
        for (path, gone) in gone_below {
            if let Some(mut parent) = self.node(path) {
                parent.child_count = parent.child_count.saturating_sub(gone);
                parent.stat.pzxid = self.slot.zxid;
                self.put(path, parent);
            }
        }
    }

    /// The ephemeral nodes that a session will have, in order.
    pub(super) fn ephemerals_of(&self, session: SessionId) -> Vec<String> {
        let candidates = self.tree.ephemerals_of(session);
        let candidates = candidates.chain(self.outstanding.owned_by(session));
        let owner = EphemeralOwner::Session(session);
        let mut owned: Vec<String> = candidates
            .filter(|path| self.node(path).is_some_and(|node| node.owner == owner))
            .map(str::to_owned)
            .collect();
        owned.sort_unstable();
        owned.dedup();
        owned
    }

    /// The quota that a node at this path counts for, as of what is applied.
    pub(super) fn quota_above(&self, path: &str) -> Option<Quota> {
        self.tree.quota_above(path)
    }

    pub(super) fn is_closing(&self, session: SessionId) -> bool {
        self.outstanding.is_closing(session)
    }

    /// Whether a transaction on its way touches the node.
    pub(super) fn is_busy(&self, path: &str) -> bool {
        self.outstanding.touches(path)
    }

    /// Drops the request's own effects.
    pub(super) fn roll_back(&mut self) {
        self.effects.0.clear();
    }

    pub(super) fn into_effects(self) -> Effects {
        self.effects
    }
}
