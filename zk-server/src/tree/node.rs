//! One znode.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use zk_proto::{EphemeralOwner, Stat, Zxid};

use super::acl_table::AclKey;
use super::arena::NodeId;
use super::digest::{ContentSum, NodeDigest};
use crate::storage::format::{SnapshotNode, StatPersisted};

/// What is kept for each znode. There can be millions: nothing here that most nodes do without, and
/// no spare capacity (the data is exactly its bytes, not a slice that keeps a whole frame alive).
///
/// The path is not kept: it follows from the names in the parents.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// `None` is null.
    pub(super) data: Option<Box<[u8]>>,
    /// By name. Sorted, so that no listing depends on a random seed. Absent in leaves, and most
    /// nodes are leaves.
    #[expect(clippy::box_collection, reason = "8 bytes in each of the leaves instead of 24")]
    pub(super) children: Option<Box<BTreeMap<Box<str>, NodeId>>>,
    // The fields of a `StatPersisted`, not one as a whole: its padding would cost each node 8 bytes.
    pub(super) czxid: Zxid,
    pub(super) mzxid: Zxid,
    pub(super) pzxid: Zxid,
    pub(super) ctime_ms: i64,
    pub(super) mtime_ms: i64,
    /// What ends the node, as [`EphemeralOwner::bits`].
    pub(super) owner_bits: i64,
    pub(super) version: i32,
    pub(super) acl_version: i32,
    /// Creates ever under this node. On disk this is called `cversion`; clients see another one.
    pub(super) create_count: i32,
    pub(super) acl: AclKey,
    /// Of path and data, kept so that a change of metadata need not read the data again: a node
    /// with a megabyte in it may have a thousand children created every second.
    pub(super) content: ContentSum,
}

impl Node {
    /// The metadata as clients see it; `owner` is this node's.
    pub(super) fn stat(&self, owner: EphemeralOwner) -> Stat {
        let num_children = i32::try_from(self.child_count()).unwrap_or(i32::MAX);
        let data_len = self.data.as_ref().map_or(0, |data| data.len());
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime_ms,
            mtime: self.mtime_ms,
            version: self.version,
            // Creates and deletes together: each delete is a create whose child is gone.
            cversion: self.create_count.wrapping_mul(2).wrapping_sub(num_children),
            aversion: self.acl_version,
            ephemeral_owner: owner.visible(),
            data_length: i32::try_from(data_len).unwrap_or(i32::MAX),
            num_children,
            pzxid: self.pzxid,
        }
    }

    /// The metadata as it is on disk.
    pub(super) fn stat_persisted(&self) -> StatPersisted {
        StatPersisted {
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid,
            ctime_ms: self.ctime_ms,
            mtime_ms: self.mtime_ms,
            version: self.version,
            create_count: self.create_count,
            acl_version: self.acl_version,
            owner_bits: self.owner_bits,
        }
    }

    /// As it is on disk.
    pub(super) fn to_snapshot<'n>(
        &'n self,
        path: &'n str,
        acl: i64,
    ) -> SnapshotNode<&'n str, &'n [u8]> {
        SnapshotNode { path, data: self.data.as_deref(), acl, stat: self.stat_persisted() }
    }

    /// What the node adds to the tree's digest.
    pub(super) fn digest(&self) -> NodeDigest {
        self.content.with(&self.stat_persisted())
    }

    pub(super) fn child(&self, name: &str) -> Option<NodeId> {
        self.children.as_ref()?.get(name).copied()
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (&str, NodeId)> {
        self.children.iter().flat_map(|children| children.iter()).map(|(name, id)| (&**name, *id))
    }

    /// The first child whose name comes behind `name`; `None` is before all names.
    pub(super) fn child_after(&self, name: Option<&str>) -> Option<(&str, NodeId)> {
        let children = self.children.as_ref()?;
        let start = name.map_or(Bound::Unbounded, Bound::Excluded);
        let (name, id) = children.range::<str, _>((start, Bound::Unbounded)).next()?;
        Some((name, *id))
    }

    pub(super) fn child_count(&self) -> usize {
        self.children.as_ref().map_or(0, |children| children.len())
    }

    /// Files a child under its name, unless there is one of that name already: that one.
    pub(super) fn add_child(&mut self, name: &str, id: NodeId) -> Result<(), NodeId> {
        match self.children.get_or_insert_default().entry(name.into()) {
            Entry::Vacant(entry) => {
                entry.insert(id);
                Ok(())
            }
            Entry::Occupied(entry) => Err(*entry.get()),
        }
    }

    pub(super) fn remove_child(&mut self, name: &str) -> Option<NodeId> {
        let children = self.children.as_mut()?;
        let removed = children.remove(name);
        if children.is_empty() {
            self.children = None;
        }
        removed
    }
}

impl From<StatPersisted> for Node {
    /// A node with that metadata, and nothing else.
    fn from(stat: StatPersisted) -> Self {
        Self {
            czxid: stat.czxid,
            mzxid: stat.mzxid,
            pzxid: stat.pzxid,
            ctime_ms: stat.ctime_ms,
            mtime_ms: stat.mtime_ms,
            version: stat.version,
            create_count: stat.create_count,
            acl_version: stat.acl_version,
            owner_bits: stat.owner_bits,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that grows by 8 bytes costs a million-node server 8 MB: not by accident.
    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Option<Node>>(), 96);
    }
}
