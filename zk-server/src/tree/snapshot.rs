//! A tree to a snapshot and back.
//!
//! A snapshot is taken piece by piece while the tree goes on changing. What it holds: every node
//! that existed when it began and still exists when its turn comes, as it is then. Nodes that came
//! later are left out, since the log brings them. Applying the log from where the snapshot began
//! then gives the very tree that there was.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::{Acl, Permissions, SessionId, Zxid, path};

use super::acl_table::AclKey;
use super::arena::NodeId;
use super::digest::{DigestLog, TreeDigest};
use super::node::Node;
use super::owners::Owners;
use super::quota::QuotaPaths;
use super::{AclTable, Arena, DataTree, special};
use crate::storage::format::{OPEN_ACL, SnapshotEncoder, SnapshotError, SnapshotNode};

/// The place of a snapshot that is being taken.
#[derive(Debug)]
pub struct SnapshotCursor {
    encoder: SnapshotEncoder,
    zxid: Zxid,
    /// The ACLs as they were at the beginning; a key may mean another one by now.
    acls: Vec<(AclKey, Arc<[Acl]>)>,
    /// The nodes between the root and the last one that was written.
    trail: Vec<Box<str>>,
    /// Below the last of them, the child behind which to go on; `None` is before all.
    after: Option<Box<str>>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Root,
    Nodes,
    Done,
}

impl SnapshotCursor {
    /// Begins a snapshot of a tree as it is now, and appends what comes before the nodes.
    pub fn begin(tree: &DataTree, sessions: &[(SessionId, i32)], out: &mut BytesMut) -> Self {
        let mut encoder = SnapshotEncoder::default();
        let acls: Vec<_> = tree.acls.lists().filter(|(key, _)| *key != AclKey::OPEN).collect();
        let table: Vec<_> = acls.iter().map(|(key, list)| (key.number(), &list[..])).collect();
        let nobody = [nobody()];
        let table = table.into_iter().chain([(NOBODY, &nobody[..])]).collect::<Vec<_>>();
        encoder.begin(sessions, table.into_iter(), out);
        Self {
            encoder,
            zxid: tree.last_zxid,
            acls,
            trail: Vec::new(),
            after: None,
            phase: Phase::Root,
        }
    }

    /// The last transaction that all of is in the snapshot.
    #[must_use]
    pub fn zxid(&self) -> Zxid {
        self.zxid
    }

    /// Appends up to `nodes` nodes, fewer if they come to `bytes`. False if that was the end.
    pub fn advance(
        &mut self,
        tree: &DataTree,
        nodes: usize,
        bytes: usize,
        out: &mut BytesMut,
    ) -> bool {
        let mut left = nodes;
        if self.phase == Phase::Root {
            self.write(tree, "", tree.root, out);
            self.phase = Phase::Nodes;
        }
        let mut open = self.resume(tree);
        let mut at = path_of(&self.trail);
        while self.phase == Phase::Nodes && left > 0 && out.len() < bytes {
            let parent = *open.last().expect("the root is always open");
            match tree.nodes.get(parent).child_after(self.after.as_deref()) {
                Some((name, id)) if tree.nodes.get(id).czxid > self.zxid => {
                    self.after = Some(name.into());
                    left -= 1;
                }
                Some((name, id)) => {
                    at.push('/');
                    at.push_str(name);
                    self.write(tree, &at, id, out);
                    self.trail.push(name.into());
                    open.push(id);
                    self.after = None;
                    left -= 1;
                }
                None => match self.trail.pop() {
                    Some(name) => {
                        open.pop();
                        at.truncate(at.len() - name.len() - 1);
                        self.after = Some(name);
                    }
                    None => {
                        self.encoder.end_nodes(out);
                        // Of the tree as it is now: what the snapshot leads to once the log was
                        // replayed up to here.
                        let digest = tree.digest();
                        self.encoder.digest(tree.last_zxid, digest.version, digest.tree, out);
                        self.phase = Phase::Done;
                    }
                },
            }
        }
        self.phase != Phase::Done
    }

    /// Finds the trail again. Where a node of it is gone, what was below it is gone too.
    fn resume(&mut self, tree: &DataTree) -> Vec<NodeId> {
        let mut open = vec![tree.root];
        for depth in 0..self.trail.len() {
            let parent = *open.last().expect("the root is always open");
            match tree.nodes.get(parent).child(&self.trail[depth]) {
                Some(id) if tree.nodes.get(id).czxid <= self.zxid => open.push(id),
                _ => {
                    self.after = self.trail.drain(depth..).next();
                    break;
                }
            }
        }
        open
    }

    fn write(&mut self, tree: &DataTree, path: &str, id: NodeId, out: &mut BytesMut) {
        let node = tree.nodes.get(id);
        let acl = self.acl_key(tree, node.acl);
        let node = SnapshotNode {
            path,
            data: node.data.as_deref(),
            acl,
            czxid: node.czxid,
            mzxid: node.mzxid,
            pzxid: node.pzxid,
            ctime_ms: node.ctime_ms,
            mtime_ms: node.mtime_ms,
            version: node.version,
            create_count: node.create_count,
            acl_version: node.acl_version,
            owner_bits: node.owner_bits,
        };
        self.encoder.node(&node, out);
    }

    /// The key of a node's ACL in the snapshot. One that was set after the beginning is not in the
    /// table; the log will set it, and until then nobody may do anything.
    fn acl_key(&self, tree: &DataTree, key: AclKey) -> i64 {
        if key == AclKey::OPEN {
            return OPEN_ACL;
        }
        let known = self.acls.binary_search_by_key(&key, |(key, _)| *key).ok();
        match known {
            Some(i) if Arc::ptr_eq(&self.acls[i].1, tree.acls.get(key)) => key.number(),
            _ => NOBODY,
        }
    }
}

/// The key of the list that allows nothing, beyond those of the table.
const NOBODY: i64 = i64::MAX;

fn nobody() -> Acl {
    Acl::new(Permissions::NONE, "world", "anyone")
}

fn path_of(trail: &[Box<str>]) -> String {
    let mut path = String::new();
    for name in trail {
        path.push('/');
        path.push_str(name);
    }
    path
}

/// A tree that is being read from a snapshot.
#[derive(Debug)]
pub struct TreeRestore {
    tree: DataTree,
    acls: HashMap<i64, Vec<Acl>>,
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
            extended_types,
        };
        let trail = vec![(0, root)];
        Self { tree, acls: acls.into_iter().collect(), trail, last_path: String::new() }
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
            children: None,
            czxid: node.czxid,
            mzxid: node.mzxid,
            pzxid: node.pzxid,
            ctime_ms: node.ctime_ms,
            mtime_ms: node.mtime_ms,
            owner_bits: node.owner_bits,
            version: node.version,
            acl_version: node.acl_version,
            create_count: node.create_count,
            acl: key,
        };
        if at.is_empty() {
            let root = self.tree.root;
            if self.tree.nodes.get(root).child_count() > 0 {
                return Err(misplaced());
            }
            *self.tree.nodes.get_mut(root) = restored;
            self.tree.data_size += data_len;
            self.tree.digest_node(at, root);
            return Ok(());
        }
        let (parent_path, name) = at.rsplit_once('/').ok_or_else(misplaced)?;
        let parent = self.parent(parent_path).ok_or_else(misplaced)?;
        if name.is_empty() || self.tree.nodes.get(parent).child(name).is_some() {
            return Err(misplaced());
        }
        self.tree.data_size += at.len() + data_len;
        self.tree.owners.add(self.tree.owner(node.owner_bits), at);
        let id = self.tree.attach(parent, name, restored);
        self.tree.digest_node(at, id);
        self.trail.push((at.len(), id));
        self.last_path.clear();
        self.last_path.push_str(at);
        Ok(())
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
        match self.acls.get(&key) {
            Some(list) => self.tree.acls.intern(list),
            // The log sets it; until then nobody may do anything.
            None => self.tree.acls.intern(&[nobody()]),
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
