//! A tree to a snapshot.
//!
//! A snapshot is taken piece by piece while the tree goes on changing, in one of two ways:
//!
//! | | what it holds | so it is whole |
//! | --- | --- | --- |
//! | [`begin`](SnapshotCursor::begin) | every node that existed when it began and still exists when its turn comes, as it is then | with the log from where it began |
//! | [`begin_moment`](SnapshotCursor::begin_moment) | every node as it was when it began | by itself |
//!
//! Nodes that came later are left out of both: the log brings them, or they are none of it. For the
//! second the tree keeps what it changes meanwhile, as it was ([`Moment`]).

use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::txn::TxnDigest;
use zk_proto::{Acl, Permissions, SessionId, Zxid};

use super::DataTree;
use super::acl_table::AclKey;
use super::arena::NodeId;
use super::moment::{Moment, Position};
use crate::storage::format::{OPEN_ACL, SnapshotEncoder};

/// The place of a snapshot that is being taken.
#[derive(Debug)]
pub struct SnapshotCursor {
    encoder: SnapshotEncoder,
    zxid: Zxid,
    /// The ACLs as they were at the beginning; a key may mean another one by now.
    acls: Vec<(AclKey, Arc<[Acl]>)>,
    position: Position,
    phase: Phase,
    trailer: Trailer,
}

/// What stands behind the nodes.
#[derive(Clone, Copy, Debug)]
enum Trailer {
    /// What the tree adds up to at the end, and where that is: what the snapshot leads to once the
    /// log was replayed up to there.
    OfEnd,
    /// What it added up to at the beginning, and where that was.
    OfMoment(TxnDigest),
    /// Said later.
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Root,
    Nodes,
    /// Nodes that were there and are not any more.
    Deleted,
    Done,
}

/// More than [`PRESERVED_LEN_MAX`](super::PRESERVED_LEN_MAX) was changed while a snapshot of one
/// moment was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "clients changed more than {} MiB of the data while the snapshot was taken. Try again when \
     they write less", super::PRESERVED_LEN_MAX >> 20
)]
#[non_exhaustive]
pub struct Overrun;

impl SnapshotCursor {
    /// Begins a snapshot of a tree as it is now, and appends what comes before the nodes.
    pub fn begin(tree: &DataTree, sessions: &[(SessionId, i32)], out: &mut BytesMut) -> Self {
        Self::with(tree, sessions, Trailer::OfEnd, out)
    }

    /// The same of a tree that does not change until the snapshot is done, which is to be the state
    /// after a transaction that is [said at the end](Self::close).
    pub fn begin_open(tree: &DataTree, sessions: &[(SessionId, i32)], out: &mut BytesMut) -> Self {
        Self::with(tree, sessions, Trailer::Open, out)
    }

    /// Begins a snapshot of a tree as it is at this moment: whatever becomes of the tree while it is
    /// taken shows nothing in it. The tree keeps what it changes until
    /// [`DataTree::forget_moment`]; it has one moment at a time.
    pub fn begin_moment(
        tree: &mut DataTree,
        sessions: &[(SessionId, i32)],
        out: &mut BytesMut,
    ) -> Self {
        tree.moment = Some(Box::new(Moment::new(tree.last_zxid)));
        Self::with(tree, sessions, Trailer::OfMoment(tree.digest()), out)
    }

    fn with(
        tree: &DataTree,
        sessions: &[(SessionId, i32)],
        trailer: Trailer,
        out: &mut BytesMut,
    ) -> Self {
        let mut encoder = SnapshotEncoder::default();
        let acls: Vec<_> = tree.acls.lists().filter(|(key, _)| *key != AclKey::OPEN).collect();
        let table: Vec<_> = acls.iter().map(|(key, list)| (key.number(), &list[..])).collect();
        let nobody = [nobody()];
        let table = table.into_iter().chain([(NOBODY, &nobody[..])]).collect::<Vec<_>>();
        encoder.begin(sessions, table.into_iter(), out);
        let (zxid, position) = (tree.last_zxid, Position::default());
        Self { encoder, zxid, acls, position, phase: Phase::Root, trailer }
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
        self.walk(tree, None, nodes, bytes, out)
    }

    /// The same of a snapshot that was [begun](Self::begin_moment) for one moment.
    ///
    /// # Errors
    ///
    /// When it cannot be finished.
    pub fn advance_moment(
        &mut self,
        tree: &mut DataTree,
        nodes: usize,
        bytes: usize,
        out: &mut BytesMut,
    ) -> Result<bool, Overrun> {
        let mut moment = tree.moment.take().filter(|moment| !moment.is_overrun()).ok_or(Overrun)?;
        let more = self.walk(tree, Some(&mut moment), nodes, bytes, out);
        if more {
            moment.reach(&self.position);
            tree.moment = Some(moment);
        }
        Ok(more)
    }

    /// Appends what ends a snapshot that was [begun open](Self::begin_open): the tree adds up to
    /// this after this transaction.
    pub fn close(&mut self, zxid: Zxid, digest: TxnDigest, out: &mut BytesMut) {
        self.encoder.digest(zxid, digest.version, digest.tree, out);
        self.encoder.last_zxid(zxid, out);
    }

    fn walk(
        &mut self,
        tree: &DataTree,
        mut moment: Option<&mut Moment>,
        nodes: usize,
        bytes: usize,
        out: &mut BytesMut,
    ) -> bool {
        let mut left = nodes;
        if self.phase == Phase::Root {
            self.write(tree, moment.as_deref_mut(), "", tree.root, out);
            self.position.root = true;
            self.phase = Phase::Nodes;
        }
        let mut open = self.resume(tree);
        let mut at = self.position.path();
        while self.phase == Phase::Nodes && left > 0 && out.len() < bytes {
            left -= 1;
            let parent = *open.last().expect("the root is always open");
            match tree.nodes.get(parent).child_after(self.position.after.as_deref()) {
                Some((name, id)) if tree.nodes.get(id).czxid > self.zxid => {
                    self.position.after = Some(name.into());
                }
                Some((name, id)) => {
                    at.push('/');
                    at.push_str(name);
                    self.write(tree, moment.as_deref_mut(), &at, id, out);
                    self.position.trail.push(name.into());
                    open.push(id);
                    self.position.after = None;
                }
                None => match self.position.trail.pop() {
                    Some(name) => {
                        open.pop();
                        at.truncate(at.len() - name.len() - 1);
                        self.position.after = Some(name);
                    }
                    None => self.phase = Phase::Deleted,
                },
            }
        }
        while self.phase == Phase::Deleted && left > 0 && out.len() < bytes {
            left -= 1;
            match moment.as_deref_mut().and_then(Moment::take_first) {
                Some(node) => self.encoder.node(&node, out),
                None => {
                    self.end(tree, out);
                    self.phase = Phase::Done;
                }
            }
        }
        self.phase != Phase::Done
    }

    fn end(&mut self, tree: &DataTree, out: &mut BytesMut) {
        self.encoder.end_nodes(out);
        match self.trailer {
            Trailer::OfEnd => self.close(tree.last_zxid, tree.digest(), out),
            Trailer::OfMoment(digest) => self.close(self.zxid, digest, out),
            Trailer::Open => {}
        }
    }

    /// Finds the trail again. Where a node of it is gone, what was below it is gone too.
    fn resume(&mut self, tree: &DataTree) -> Vec<NodeId> {
        let mut open = vec![tree.root];
        let Position { trail, after, .. } = &mut self.position;
        for depth in 0..trail.len() {
            let parent = *open.last().expect("the root is always open");
            match tree.nodes.get(parent).child(&trail[depth]) {
                Some(id) if tree.nodes.get(id).czxid <= self.zxid => open.push(id),
                _ => {
                    *after = trail.drain(depth..).next();
                    break;
                }
            }
        }
        open
    }

    fn write(
        &mut self,
        tree: &DataTree,
        moment: Option<&mut Moment>,
        path: &str,
        id: NodeId,
        out: &mut BytesMut,
    ) {
        if let Some(node) = moment.and_then(|moment| moment.take(path)) {
            return self.encoder.node(&node, out);
        }
        let node = tree.nodes.get(id);
        let acl = self.acl_key(tree, node.acl);
        self.encoder.node(&node.to_snapshot(path, acl), out);
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
pub(super) const NOBODY: i64 = i64::MAX;

pub(super) fn nobody() -> Acl {
    Acl::new(Permissions::NONE, "world", "anyone")
}
