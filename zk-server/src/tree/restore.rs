//! A tree from a snapshot.

use std::collections::HashMap;

use zk_proto::{Acl, Zxid, path};

use super::acl_table::AclKey;
use super::arena::NodeId;
use super::digest::{ContentSum, DigestLog, TreeDigest};
use super::node::Node;
use super::owners::Owners;
use super::quota::QuotaPaths;
use super::snapshot::{NOBODY, nobody};
use super::{AclTable, Arena, DataTree, special};
use crate::storage::format::{OPEN_ACL, SnapshotError, SnapshotNode};

/// A tree that is being read from a snapshot.
#[derive(Debug)]
pub struct TreeRestore {
    tree: DataTree,
    acls: HashMap<i64, Vec<Acl>>,
    lacks_acls: bool,
    /// The nodes between the root and the last one, with the lengths of their paths.
    trail: Vec<(usize, NodeId)>,
    last_path: String,
}

impl TreeRestore {
    /// A tree without nodes, and the ACLs that they will name.
    #[must_use]
    pub fn new(extended_types: bool, zxid: Zxid, acls: Vec<(i64, Vec<Acl>)>) -> Self {
        let mut nodes = Arena::default();
        let root = nodes.insert(Node::default());
        let tree = DataTree {
            nodes,
            root,
            acls: AclTable::default(),
            owners: Owners::default(),
            quotas: QuotaPaths::default(),
            last_zxid: zxid,
            data_size: 0,
            digest: TreeDigest::default(),
            digests: DigestLog::default(),
            moment: None,
            extended_types,
        };
        let trail = vec![(0, root)];
        Self {
            tree,
            acls: acls.into_iter().collect(),
            lacks_acls: false,
            trail,
            last_path: String::new(),
        }
    }

    /// Adds a node.
    ///
    /// # Errors
    ///
    /// If its parent is not there, or it is.
    pub fn add(&mut self, node: &SnapshotNode) -> Result<(), SnapshotError> {
        let at = node.path.as_str();
        let misplaced = || SnapshotError::Misplaced { path: at.to_owned() };
        let key = self.intern(node.acl);
        let data_len = node.data.as_ref().map_or(0, |data| data.len());
        let restored = Node {
            data: node.data.as_ref().map(|data| Box::from(&data[..])),
            acl: key,
            content: ContentSum::of(at, node.data.as_deref()),
            ..Node::from(node.stat)
        };
        if at.is_empty() {
            let root = self.tree.root;
            if self.tree.nodes.get(root).child_count() > 0 {
                return Err(misplaced());
            }
            self.tree.digest.add(restored.digest());
            *self.tree.nodes.get_mut(root) = restored;
            self.tree.data_size += data_len;
            return Ok(());
        }
        let (parent_path, name) = at.rsplit_once('/').ok_or_else(misplaced)?;
        let parent = self.parent(parent_path).ok_or_else(misplaced)?;
        if name.is_empty() {
            return Err(misplaced());
        }
        let digest = restored.digest();
        let id = self.tree.attach(parent, name, restored).map_err(|_| misplaced())?;
        self.tree.data_size += at.len() + data_len;
        self.tree.owners.add(self.tree.owner(node.stat.owner_bits), at);
        self.tree.digest.add(digest);
        self.trail.push((at.len(), id));
        self.last_path.clear();
        self.last_path.push_str(at);
        Ok(())
    }

    /// Whether a node has named an ACL that was not among them: then the snapshot is only whole
    /// with the log, which sets it.
    #[must_use]
    pub fn lacks_acls(&self) -> bool {
        self.lacks_acls
    }

    /// The tree.
    #[must_use]
    pub fn finish(mut self) -> DataTree {
        self.tree.grow_missing_special();
        self.tree.find_quotas();
        self.tree
    }

    /// The node at a path, which usually is among the last one's parents.
    fn parent(&mut self, parent: &str) -> Option<NodeId> {
        while let Some(&(len, id)) = self.trail.last() {
            if len == parent.len() && self.last_path.get(..len) == Some(parent) {
                return Some(id);
            }
            if len == 0 {
                break;
            }
            self.trail.pop();
        }
        // Out of order: the trail starts again here.
        let id = self.tree.find(parent)?;
        self.trail.truncate(1);
        Some(id)
    }

    fn intern(&mut self, key: i64) -> AclKey {
        if key == OPEN_ACL {
            return AclKey::OPEN;
        }
        self.lacks_acls |= key == NOBODY;
        match self.acls.get(&key) {
            Some(list) => self.tree.acls.intern(list),
            // The log sets it; until then nobody may do anything.
            None => {
                self.lacks_acls = true;
                self.tree.acls.intern(&[nobody()])
            }
        }
    }
}

impl DataTree {
    /// Plants those of the special nodes that a snapshot of long ago does not have.
    fn grow_missing_special(&mut self) {
        for (at, acl, version) in special::PLANTED {
            if self.find(at).is_none() && path::parent(at).is_some_and(|p| self.find(p).is_some()) {
                self.plant(at, &acl(), version);
            }
        }
    }
}
