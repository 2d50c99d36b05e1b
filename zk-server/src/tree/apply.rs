//! Transactions to changes.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{Acl, EphemeralOwner, ErrorCode, SessionId, path};

use super::acl_table::AclKey;
use super::applied::{Applied, Change, ChangeKind, Outcome};
use super::arena::NodeId;
use super::node::Node;
use super::{ContentSum, DataTree, special};
use crate::storage::format::StatPersisted;

/// What stands in a very old create for the parent's count of creates: one more than it is.
const ONE_MORE: i32 = -1;

/// A node to create.
struct Creation<'t> {
    path: &'t str,
    data: Option<&'t Bytes>,
    acl: &'t [Acl],
    owner: EphemeralOwner,
    parent_create_count: i32,
}

type Changes<'t> = Vec<Change<'t>>;

impl DataTree {
    /// Applies a transaction. Never fails, asks no clock and draws no lots, so all servers that
    /// apply the same transactions have the same tree.
    ///
    /// Transactions that are there already, in whole or in part, may be applied again if all that
    /// follow them are too: the tree ends up the same.
    pub fn apply<'t>(&mut self, header: &TxnHeader, txn: &'t Txn) -> Applied<'t> {
        let mut changes = match txn {
            Txn::Multi(parts) => Vec::with_capacity(parts.len()),
            _ => Vec::new(),
        };
        let outcome = match txn {
            Txn::Multi(parts) => self.apply_multi(header, parts, &mut changes),
            txn => self.apply_single(header, txn, &mut changes),
        };
        self.count_awaited();
        self.last_zxid = self.last_zxid.max(header.zxid);
        self.digests.note(header.zxid, self.digest);
        Applied { zxid: header.zxid, outcome, changes }
    }

    fn apply_multi<'t>(
        &mut self,
        header: &TxnHeader,
        parts: &'t [Txn],
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        if parts.iter().any(|part| matches!(part, Txn::Error(_))) {
            let failed = |part: &Txn| match part {
                Txn::Error(code) => Outcome::Failed(*code),
                _ => Outcome::Failed(ErrorCode::Ok),
            };
            return Outcome::Multi(parts.iter().map(failed).collect());
        }
        Outcome::Multi(parts.iter().map(|part| self.apply_single(header, part, changes)).collect())
    }

    fn apply_single<'t>(
        &mut self,
        header: &TxnHeader,
        txn: &'t Txn,
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        if let Some(creation) = Creation::of(header.session, txn) {
            return self.create(header, &creation, changes);
        }
        match txn {
            Txn::Delete { path } | Txn::DeleteContainer { path } => {
                self.delete(header, Cow::Borrowed(path), changes)
            }
            Txn::SetData { path, data, version } | Txn::Reconfig { path, data, version } => {
                self.set_data(header, path, data.as_ref(), *version, changes)
            }
            Txn::SetAcl { path, acl, version } => self.set_acl(path, acl, *version),
            Txn::Check { .. } => Outcome::Checked,
            Txn::CreateSession { timeout_ms } => {
                Outcome::SessionCreated { session: header.session, timeout_ms: *timeout_ms }
            }
            Txn::CloseSession { paths } => self.close_session(header, paths.as_deref(), changes),
            Txn::Error(code) => Outcome::Failed(*code),
            // A multi within a multi cannot be decoded. A kind that this version does not know
            // would not have been decoded either.
            _ => Outcome::Failed(ErrorCode::Unimplemented),
        }
    }

    fn create<'t>(
        &mut self,
        header: &TxnHeader,
        creation: &Creation<'t>,
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        let name = path::basename(creation.path);
        let Some(parent_id) = self.find_parent(creation.path) else {
            return Outcome::Failed(ErrorCode::NoNode);
        };
        let parent = self.nodes.get(parent_id);
        let create_count = match creation.parent_create_count {
            ONE_MORE => parent.create_count.wrapping_add(1),
            given => given,
        };
        // Only forward: a replay comes with numbers from the past.
        if create_count > parent.create_count {
            self.keep_for_moment(path::parent(creation.path).unwrap_or_default(), parent_id);
            self.change_stat(parent_id, |parent| {
                parent.create_count = create_count;
                parent.pzxid = parent.pzxid.max(header.zxid);
            });
        }
        let acl = self.acls.intern(creation.acl);
        let node = creation.node(header, acl);
        let digest = node.digest();
        let id = match self.attach(parent_id, name, node) {
            Ok(id) => id,
            Err(existing) => {
                // Only in a replay. The node may be the work of later transactions: what they set is
                // theirs. The ACL they will set once more.
                self.acls.release(acl);
                self.replace_acl(existing, creation.acl);
                return Outcome::Failed(ErrorCode::NodeExists);
            }
        };
        self.digest.add(digest);
        let data_len = creation.data.map_or(0, Bytes::len);
        self.data_size += creation.path.len() + data_len;
        // By bits, so that a TTL is a session where extended types are off, as it will be read.
        self.owners.add(self.owner(creation.owner.bits()), creation.path);
        self.count_created(creation.path, data_len);
        changes.push(self.change(ChangeKind::Created, Cow::Borrowed(creation.path), id, parent_id));
        Outcome::Created { path: creation.path, stat: self.node_ref(id).stat() }
    }

    fn delete<'t>(
        &mut self,
        header: &TxnHeader,
        path: Cow<'t, str>,
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        if &*path == special::ROOT {
            return Outcome::Failed(ErrorCode::BadArguments);
        }
        let Some(parent_id) = self.find_parent(&path) else {
            return Outcome::Failed(ErrorCode::NoNode);
        };
        self.keep_for_moment(path::parent(&path).unwrap_or_default(), parent_id);
        self.change_stat(parent_id, |parent| {
            parent.pzxid = parent.pzxid.max(header.zxid);
        });
        let Some(id) = self.nodes.get_mut(parent_id).remove_child(path::basename(&path)) else {
            return Outcome::Failed(ErrorCode::NoNode);
        };
        let change = self.change(ChangeKind::Deleted, path, id, parent_id);
        self.remove_subtree(&change.path, id);
        changes.push(change);
        Outcome::Deleted
    }

    /// Removes a detached node. It has children only in a replay, and then they came after this
    /// deletion and will come again.
    fn remove_subtree(&mut self, path: &str, id: NodeId) {
        let mut open = Vec::new();
        let mut next = Some((Cow::Borrowed(path), id));
        while let Some((path, id)) = next {
            self.keep_for_moment(&path, id);
            let node = self.nodes.remove(id);
            self.digest.subtract(node.digest());
            let data_len = node.data.as_ref().map_or(0, |data| data.len());
            self.data_size -= path.len() + data_len;
            self.acls.release(node.acl);
            self.owners.remove(self.owner(node.owner_bits), &path);
            self.count_deleted(&path, data_len);
            open.extend(
                node.children().map(|(name, id)| (Cow::Owned(path::join(&path, name)), id)),
            );
            next = open.pop();
        }
    }

    fn set_data<'t>(
        &mut self,
        header: &TxnHeader,
        path: &'t str,
        data: Option<&Bytes>,
        version: i32,
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        let Some((parent, id)) = self.find_with_parent(path) else {
            return Outcome::Failed(ErrorCode::NoNode);
        };
        self.keep_for_moment(path, id);
        let node = self.nodes.get_mut(id);
        self.digest.subtract(node.digest());
        let len_before = node.data.as_ref().map_or(0, |data| data.len());
        node.data = data.map(|data| Box::from(&data[..]));
        node.version = version;
        node.mzxid = header.zxid;
        node.mtime_ms = header.time_ms;
        node.content = ContentSum::of(path, node.data.as_deref());
        self.digest.add(node.digest());
        let len = data.map_or(0, Bytes::len);
        self.data_size = self.data_size - len_before + len;
        self.count_data_set(path, len_before, len);
        changes.push(self.change(ChangeKind::DataChanged, Cow::Borrowed(path), id, parent));
        Outcome::DataSet { stat: self.node_ref(id).stat() }
    }

    fn set_acl(&mut self, path: &str, acl: &[Acl], version: i32) -> Outcome<'static> {
        let Some(id) = self.find(path) else {
            return Outcome::Failed(ErrorCode::NoNode);
        };
        self.keep_for_moment(path, id);
        self.replace_acl(id, acl);
        self.change_stat(id, |node| node.acl_version = version);
        Outcome::AclSet { stat: self.node_ref(id).stat() }
    }

    fn close_session<'t>(
        &mut self,
        header: &TxnHeader,
        paths: Option<&'t [String]>,
        changes: &mut Changes<'t>,
    ) -> Outcome<'t> {
        // Taken out as a whole: one by one costs as much again as to delete them.
        let owned = self.owners.take_session(header.session);
        for path in paths.unwrap_or_default() {
            self.delete(header, Cow::Borrowed(path), changes);
        }
        // The list is complete unless it was too long, or comes from an old log. No ephemeral node
        // may outlive its session in any case.
        let is_left = |tree: &Self, path: &str| tree.find(path).is_some();
        for path in owned {
            if is_left(self, &path) {
                self.delete(header, Cow::Owned(path.into()), changes);
            }
        }
        Outcome::SessionClosed { session: header.session }
    }

    fn replace_acl(&mut self, id: NodeId, acl: &[Acl]) {
        let key = self.acls.intern(acl);
        let former = std::mem::replace(&mut self.nodes.get_mut(id).acl, key);
        self.acls.release(former);
    }

    /// Changes a node's metadata, and the digest with it. It was kept for a snapshot before.
    fn change_stat(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        let node = self.nodes.get_mut(id);
        self.digest.subtract(node.digest());
        change(node);
        self.digest.add(node.digest());
    }

    fn change<'t>(
        &self,
        kind: ChangeKind,
        path: Cow<'t, str>,
        id: NodeId,
        parent: NodeId,
    ) -> Change<'t> {
        let acl_of = |id| Arc::clone(self.acls.get(self.nodes.get(id).acl));
        Change { kind, path, acl: acl_of(id), parent_acl: acl_of(parent) }
    }

    fn find_parent(&self, path: &str) -> Option<NodeId> {
        path::parent(path).and_then(|parent| self.find(parent))
    }

    /// Files a node under its parent, unless a node of that name is there already: that one.
    ///
    /// Not looked up before: among many children that costs as much again.
    pub(super) fn attach(
        &mut self,
        parent: NodeId,
        name: &str,
        node: Node,
    ) -> Result<NodeId, NodeId> {
        let id = self.nodes.insert(node);
        let added = self.nodes.get_mut(parent).add_child(name, id);
        if added.is_err() {
            self.nodes.remove(id);
        }
        added.map(|()| id)
    }
}

impl<'t> Creation<'t> {
    /// The node that a transaction of the create family creates.
    fn of(session: SessionId, txn: &'t Txn) -> Option<Self> {
        let (path, data, acl, parent_create_count, owner) = match txn {
            Txn::Create { path, data, acl, ephemeral, parent_cversion, .. } => {
                let owner = if *ephemeral {
                    EphemeralOwner::Session(session)
                } else {
                    EphemeralOwner::Persistent
                };
                (path, data, acl, parent_cversion, owner)
            }
            Txn::CreateContainer { path, data, acl, parent_cversion } => {
                (path, data, acl, parent_cversion, EphemeralOwner::Container)
            }
            Txn::CreateTtl { path, data, acl, parent_cversion, ttl_ms } => {
                (path, data, acl, parent_cversion, EphemeralOwner::Ttl(*ttl_ms))
            }
            _ => return None,
        };
        let (data, parent_create_count) = (data.as_ref(), *parent_create_count);
        Some(Self { path, data, acl, owner, parent_create_count })
    }

    /// It right after its creation.
    fn node(&self, header: &TxnHeader, acl: AclKey) -> Node {
        Node {
            data: self.data.map(|data| Box::from(&data[..])),
            acl,
            content: ContentSum::of(self.path, self.data.map(|data| &data[..])),
            ..Node::from(StatPersisted::fresh(header.zxid, header.time_ms, self.owner))
        }
    }
}
