//! What a tree was like at one moment, while it goes on changing.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use zk_proto::Zxid;

use super::acl_table::AclKey;
use super::node::Node;
use super::{DataTree, special};
use crate::storage::format::{OPEN_ACL, SnapshotNode};

/// Bytes of the nodes that are kept as they were. A snapshot that would need more is given up: the
/// memory is the clients'.
pub const PRESERVED_LEN_MAX: usize = 256 << 20;

/// Bytes that a node costs here beside its path and its data, about.
const NODE_LEN: usize = 200;

type Preserved = SnapshotNode<Box<str>, Box<[u8]>>;

/// How far a snapshot is: everything up to here was written, in the order of the names.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// Whether the root was.
    pub(super) root: bool,
    /// The nodes between the root and the last one that was written.
    pub(super) trail: Vec<Box<str>>,
    /// Below the last of them, the child behind which to go on; `None` is before all.
    pub(super) after: Option<Box<str>>,
}

/// The nodes that a snapshot of one moment has still to come to and that have changed since, as
/// they were.
#[derive(Debug)]
pub(super) struct Moment {
    zxid: Zxid,
    position: Position,
    nodes: BTreeMap<Box<str>, Preserved>,
    /// Bytes they take, and may take.
    len: usize,
    pub(super) len_max: usize,
    overrun: bool,
}

impl Position {
    /// The path of the last node on the trail.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for name in &self.trail {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Whether the node at a path, which has no slash at its end, was written if it was there.
    fn is_behind(&self, path: &str) -> bool {
        let mut names = path.split('/').skip(1);
        for reached in self.trail.iter().chain(&self.after) {
            // One above is written before what is below it.
            let Some(name) = names.next() else { return self.root };
            match name.cmp(reached) {
                Ordering::Less => return true,
                Ordering::Greater => return false,
                Ordering::Equal => {}
            }
        }
        self.root && (self.after.is_some() || names.next().is_none())
    }
}

impl Moment {
    pub(super) fn new(zxid: Zxid) -> Self {
        let (position, nodes) = (Position::default(), BTreeMap::new());
        Self { zxid, position, nodes, len: 0, len_max: PRESERVED_LEN_MAX, overrun: false }
    }

    /// Whether too much was changed.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Everything up to here was written.
    pub(super) fn reach(&mut self, position: &Position) {
        self.position = position.clone();
    }

    /// Keeps a node that is about to change or go. The root's path is empty.
    fn keep(&mut self, path: &str, node: &Node) {
        let is_known = node.czxid > self.zxid || self.nodes.contains_key(path);
        if is_known || self.overrun || self.position.is_behind(path) {
            return;
        }
        self.len += len_of(path, node.data.as_deref());
        if self.len > self.len_max {
            (self.overrun, self.nodes) = (true, BTreeMap::new());
            return;
        }
        let acl = if node.acl == AclKey::OPEN { OPEN_ACL } else { node.acl.number() };
        let kept = node.to_snapshot(path, acl).map(Box::from, Box::from);
        self.nodes.insert(path.into(), kept);
    }

    /// The node at a path as it was, if it has changed.
    pub(super) fn take(&mut self, path: &str) -> Option<Preserved> {
        let node = self.nodes.remove(path)?;
        self.len -= len_of(path, node.data.as_deref());
        Some(node)
    }

    /// The first node that was not taken yet; parents come before their children.
    pub(super) fn take_first(&mut self) -> Option<Preserved> {
        let (path, node) = self.nodes.pop_first()?;
        self.len -= len_of(&path, node.data.as_deref());
        Some(node)
    }
}

fn len_of(path: &str, data: Option<&[u8]>) -> usize {
    NODE_LEN + 2 * path.len() + data.map_or(0, <[u8]>::len)
}

impl DataTree {
    /// The snapshot of one moment is done, or given up: nothing is kept for it any more.
    pub fn forget_moment(&mut self) {
        self.moment = None;
    }

    /// Keeps a node for the snapshot that is being taken, if one is.
    pub(super) fn keep_for_moment(&mut self, path: &str, id: super::arena::NodeId) {
        if let Some(moment) = &mut self.moment {
            let path = if path == special::ROOT { "" } else { path };
            moment.keep(path, self.nodes.get(id));
        }
    }
}
