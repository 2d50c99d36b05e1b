//! What nodes will be once all transactions on their way are applied.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use zk_proto::{Acl, EphemeralOwner, SessionId, Zxid};

use super::proposer::Slot;
use crate::storage::format::StatPersisted;
use crate::tree::{ContentSum, DataTree, NodeDigest, NodeRef, Quota, TreeDigest};

/// What validation must know of a node.
#[derive(Clone, Debug)]
pub(super) struct NodeFacts {
    pub(super) owner: EphemeralOwner,
    pub(super) stat: StatPersisted,
    /// Creates ever under the node: the next sequence number. It may wrap; what is on disk stays.
    pub(super) create_count: i32,
    pub(super) child_count: usize,
    pub(super) data_len: usize,
    pub(super) acl: Arc<[Acl]>,
    pub(super) content: ContentSum,
    /// What the node adds to the tree's digest as long as nothing pending is applied.
    pub(super) applied: NodeDigest,
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
        self.content = ContentSum::of(path, data);
        self.stat.mzxid = slot.zxid;
        self.stat.mtime_ms = slot.wall_ms;
    }

    /// What it will add to the tree's digest.
    fn digest(&self) -> NodeDigest {
        self.content.with(&self.stat)
    }
}

impl From<NodeRef<'_>> for NodeFacts {
    fn from(node: NodeRef<'_>) -> Self {
        Self {
            owner: node.owner(),
            stat: node.stat_persisted(),
            create_count: node.create_count(),
            child_count: node.child_count(),
            data_len: node.data().map_or(0, <[u8]>::len),
            acl: Arc::clone(node.acl()),
            content: node.content_sum(),
            applied: node.digest(),
        }
    }
}

/// A node as the last pending transaction that touches it leaves it; `None`: deleted.
type After = Option<NodeFacts>;

/// A path, and where it stands among what is pending: hashed once, however often it is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    path: &'p str,
    hash: u64,
}

/// A [`Place`] that is kept.
#[derive(Clone, Debug)]
struct KeptPlace {
    path: Arc<str>,
    hash: u64,
}

impl KeptPlace {
    fn place(&self) -> Place<'_> {
        Place { path: &self.path, hash: self.hash }
    }
}

impl From<Place<'_>> for KeptPlace {
    fn from(place: Place<'_>) -> Self {
        Self { path: place.path.into(), hash: place.hash }
    }
}

/// The effects of the transactions that were proposed and are not applied yet.
///
/// As large as the number of pending requests lets it grow, which the server bounds.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    /// Looked up, and iterated only where the order of what is found does not show.
    nodes: HashTable<Touched>,
    /// Clients choose the paths, and a multi brings thousands of them. So they are hashed by the
    /// standard library's keyed function, with keys of the system's randomness: cheaper ones promise
    /// nothing against who looks for paths that meet.
    keys: RandomState,
    /// What each transaction touched, in their order.
    touched: VecDeque<(Zxid, KeptPlace)>,
    /// Sessions whose end is pending, and its transaction.
    closing: BTreeMap<SessionId, Zxid>,
    /// What the tree will add up to; of no meaning while nothing is `touched`.
    digest: TreeDigest,
    /// Room for the next draft's [`Draft::before`].
    room: Vec<(KeptPlace, Before)>,
}

/// How many nodes' room is kept from one draft to the next.
const ROOM_MAX: usize = 256;

/// A node that a pending transaction changes.
#[derive(Debug)]
struct Touched {
    at: KeptPlace,
    /// The last such.
    by: Zxid,
    after: After,
    /// What the node will add to the tree's digest; of no meaning before the draft is [kept](Draft::keep).
    digest: NodeDigest,
}

impl Outstanding {
    /// Forgets the effects of transactions up to `zxid`: they are in the tree now.
    pub(super) fn forget(&mut self, zxid: Zxid) {
        while self.touched.front().is_some_and(|(by, _)| *by <= zxid)
            && let Some((_, at)) = self.touched.pop_front()
        {
            // A later transaction may have touched the node again.
            if let Ok(entry) = self.nodes.find_entry(at.hash, is_at(at.place()))
                && entry.get().by <= zxid
            {
                entry.remove();
            }
        }
        if !self.closing.is_empty() {
            self.closing.retain(|_, by| *by > zxid);
        }
    }

    /// Whether a pending transaction ends the session.
    pub(super) fn is_closing(&self, session: SessionId) -> bool {
        self.closing.contains_key(&session)
    }

    /// Notes that a transaction ends a session.
    pub(super) fn close(&mut self, session: SessionId, zxid: Zxid) {
        self.closing.insert(session, zxid);
    }

    fn place<'p>(&self, path: &'p str) -> Place<'p> {
        Place { path, hash: self.keys.hash_one(path) }
    }

    fn get(&self, place: Place<'_>) -> Option<&Touched> {
        self.nodes.find(place.hash, is_at(place))
    }

    /// What the tree will add up to once everything pending is applied.
    pub(super) fn digest(&self, tree: &DataTree) -> TreeDigest {
        if self.touched.is_empty() { tree.running_digest() } else { self.digest }
    }

    /// The nodes that pending transactions leave in a session's hands, in no particular order.
    fn owned_by(&self, session: SessionId) -> impl Iterator<Item = &str> {
        let owner = EphemeralOwner::Session(session);
        let owned = move |after: &After| after.as_ref().is_some_and(|facts| facts.owner == owner);
        self.nodes
            .iter()
            .filter(move |touched| owned(&touched.after))
            .map(|touched| &*touched.at.path)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.touched.is_empty() && self.closing.is_empty()
    }
}

fn hash_of(touched: &Touched) -> u64 {
    touched.at.hash
}

fn is_at(place: Place<'_>) -> impl Fn(&Touched) -> bool {
    move |touched| *touched.at.path == *place.path
}

/// The tree, what is pending, and on top the effects of the request that is being validated: each
/// operation of a multi sees those before it, and if the multi fails they are dropped together.
///
/// The effects stand among what is pending already; unless they are [kept](Self::keep), dropping
/// the draft takes them back.
#[derive(Debug)]
pub(super) struct Draft<'d> {
    tree: &'d DataTree,
    outstanding: &'d mut Outstanding,
    slot: Slot,
    /// What stood where the request has put something, in the order of its first effects on each
    /// node.
    before: Vec<(KeptPlace, Before)>,
}

/// A node before a request.
#[derive(Debug)]
enum Before {
    /// Nothing pending touches it; what it adds to the tree's digest.
    Applied(NodeDigest),
    /// Something does.
    Pending(Box<Touched>),
}

impl<'d> Draft<'d> {
    pub(super) fn new(tree: &'d DataTree, outstanding: &'d mut Outstanding, slot: Slot) -> Self {
        let before = std::mem::take(&mut outstanding.room);
        Self { tree, outstanding, slot, before }
    }

    /// Where to look a path up.
    pub(super) fn place<'p>(&self, path: &'p str) -> Place<'p> {
        self.outstanding.place(path)
    }

    /// The node as it will be when the request's turn comes.
    pub(super) fn node(&self, at: Place<'_>) -> Option<NodeFacts> {
        match self.outstanding.get(at) {
            Some(touched) => touched.after.clone(),
            None => self.tree.node(at.path).map(NodeFacts::from),
        }
    }

    /// Whether the node will be there when the request's turn comes.
    pub(super) fn has(&self, at: Place<'_>) -> bool {
        match self.outstanding.get(at) {
            Some(touched) => touched.after.is_some(),
            None => self.tree.node(at.path).is_some(),
        }
    }

    /// The turn of the request that is being validated.
    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    pub(super) fn put(&mut self, at: Place<'_>, facts: NodeFacts) {
        self.set(at, facts.applied, Some(facts));
    }

    /// Deletes a node and takes it from its parent's children.
    pub(super) fn delete(&mut self, at: Place<'_>, facts: &NodeFacts, parent: Place<'_>) {
        self.set(at, facts.applied, None);
        self.remove_children(parent, 1);
    }

    /// Deletes nodes that have no children, and each of which is there.
    pub(super) fn delete_all(&mut self, paths: &[String]) {
        let mut gone_below: BTreeMap<&str, usize> = BTreeMap::new();
        for path in paths {
            let at = self.place(path);
            let applied = self.node(at).map_or(NodeDigest::NONE, |facts| facts.applied);
            self.set(at, applied, None);
            let parent = zk_proto::path::parent(path).unwrap_or_default();
            *gone_below.entry(parent).or_default() += 1;
        }
        for (path, gone) in gone_below {
            self.remove_children(self.place(path), gone);
        }
    }

    fn remove_children(&mut self, at: Place<'_>, gone: usize) {
        if let Some(mut parent) = self.node(at) {
            parent.child_count = parent.child_count.saturating_sub(gone);
            parent.stat.pzxid = self.slot.zxid;
            self.put(at, parent);
        }
    }

    /// `applied` is the digest of the node in the tree, if nothing pending touches it.
    fn set(&mut self, place: Place<'_>, applied: NodeDigest, after: After) {
        let by = self.slot.zxid;
        let entry = self.outstanding.nodes.entry(place.hash, is_at(place), hash_of);
        match entry {
            Entry::Occupied(mut entry) if entry.get().by == by => entry.get_mut().after = after,
            Entry::Occupied(mut entry) => {
                let at = entry.get().at.clone();
                let touched = Touched { at: at.clone(), by, after, digest: NodeDigest::NONE };
                let before = std::mem::replace(entry.get_mut(), touched);
                self.before.push((at, Before::Pending(Box::new(before))));
            }
            Entry::Vacant(entry) => {
                let at = KeptPlace::from(place);
                entry.insert(Touched { at: at.clone(), by, after, digest: NodeDigest::NONE });
                self.before.push((at, Before::Applied(applied)));
            }
        }
    }

    /// The ephemeral nodes that a session will have, in order.
    pub(super) fn ephemerals_of(&self, session: SessionId) -> Vec<String> {
        let candidates = self.tree.ephemerals_of(session);
        let candidates = candidates.chain(self.outstanding.owned_by(session));
        let owner = EphemeralOwner::Session(session);
        let mut owned: Vec<String> = candidates
            .filter(|path| self.node(self.place(path)).is_some_and(|node| node.owner == owner))
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
    pub(super) fn is_busy(&self, at: Place<'_>) -> bool {
        self.outstanding.get(at).is_some()
    }

    /// Takes the request's own effects back.
    pub(super) fn roll_back(&mut self) {
        for (at, before) in self.before.drain(..) {
            let Ok(mut entry) = self.outstanding.nodes.find_entry(at.hash, is_at(at.place()))
            else {
                continue;
            };
            match before {
                Before::Pending(touched) => *entry.get_mut() = *touched,
                Before::Applied(_) => drop(entry.remove()),
            }
        }
    }

    /// Lets the effects stand: the request becomes a transaction. Gives what the tree adds up to
    /// after it.
    pub(super) fn keep(mut self) -> TreeDigest {
        let (tree, zxid) = (self.tree, self.slot.zxid);
        let Outstanding { nodes, touched, digest, .. } = &mut *self.outstanding;
        if touched.is_empty() {
            *digest = tree.running_digest();
        }
        for (at, before) in self.before.drain(..) {
            let before = match before {
                Before::Applied(digest) => digest,
                Before::Pending(touched) => touched.digest,
            };
            if let Some(now) = nodes.find_mut(at.hash, is_at(at.place())) {
                now.digest = now.after.as_ref().map_or(NodeDigest::NONE, NodeFacts::digest);
                digest.subtract(before);
                digest.add(now.digest);
            }
            touched.push_back((zxid, at));
        }
        self.outstanding.digest(tree)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        self.roll_back();
        if self.before.capacity() <= ROOM_MAX {
            self.outstanding.room = std::mem::take(&mut self.before);
        }
    }
}
