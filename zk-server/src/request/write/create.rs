//! `create`, `create2`, `createContainer`, `createTTL`.

use std::sync::Arc;

use bytes::Bytes;
use zk_proto::txn::Txn;
use zk_proto::{
    Acl, CreateMode, CreateRequest, CreateTtlRequest, EphemeralOwner, ErrorCode, Permissions,
};

use super::super::pending::NodeFacts;
use super::super::proposer::{SessionStanding, Slot};
use super::quota::Growth;
use super::{Judged, Validator, check_path, parent_of};
use crate::storage::format::StatPersisted;
use crate::tree::{ContentSum, NodeDigest};

/// Which of the operations was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Create2,
    Container,
    Ttl,
}

impl Verb {
    /// Whether the operation can create nodes of that mode. Apache's server takes any combination
    /// and makes a node that is not what the flags say.
    fn admits(self, mode: CreateMode) -> bool {
        match self {
            Self::Create | Self::Create2 => !mode.is_container() && !mode.is_ttl(),
            Self::Container => mode.is_container(),
            Self::Ttl => mode.is_ttl(),
        }
    }
}

/// A request of any of the operations.
struct Creation<'a> {
    path: &'a str,
    data: Option<&'a [u8]>,
    acl: &'a [Acl],
    mode: CreateMode,
    ttl_ms: i64,
    verb: Verb,
}

/// The time to live of what has none.
const NO_TTL: i64 = -1;

impl Validator<'_> {
    pub(super) fn create(&mut self, request: &CreateRequest<'_>, verb: Verb) -> Judged {
        let mode = mode(request.flags)?;
        let CreateRequest { path, data, ref acl, .. } = *request;
        self.judge_creation(&Creation { path, data, acl, mode, ttl_ms: NO_TTL, verb })
    }

    pub(super) fn create_ttl(&mut self, request: &CreateTtlRequest<'_>) -> Judged {
        let mode = mode(request.flags)?;
        let CreateTtlRequest { path, data, ref acl, ttl_ms, .. } = *request;
        self.judge_creation(&Creation { path, data, acl, mode, ttl_ms, verb: Verb::Ttl })
    }

    fn judge_creation(&mut self, creation: &Creation<'_>) -> Judged {
        self.check_mode(creation)?;
        self.check_session()?;
        if creation.mode.is_ephemeral() && self.requester.standing == SessionStanding::LocalOnly {
            return Err(ErrorCode::EphemeralOnLocalSession);
        }
        let parent_path = parent_of(creation.path)?;
        let acl = self.fix_up(creation.acl)?;
        let parent_at = self.draft.place(parent_path);
        let mut parent = self.existing(parent_at)?;
        self.check_access(&parent.acl, Permissions::CREATE)?;
        // Only now the whole path: what stands before its last slash is in the tree.
        let path = final_path(creation, parent.create_count);
        check_path(&path)?;
        let at = self.draft.place(&path);
        if self.draft.has(at) {
            return Err(ErrorCode::NodeExists);
        }
        if matches!(parent.owner, EphemeralOwner::Session(_)) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        self.check_quota(&path, Growth::of_node(creation.data))?;

        let slot = self.draft.slot();
        parent.add_child(slot.zxid);
        let create_count = parent.create_count;
        self.draft.put(parent_at, parent);
        let owner = self.owner(creation);
        self.draft.put(at, fresh(&path, owner, creation, &acl, slot));
        Ok(transaction(creation, path, acl, create_count))
    }

    fn check_mode(&self, creation: &Creation<'_>) -> Result<(), ErrorCode> {
        let Creation { mode, ttl_ms, verb, .. } = *creation;
        if mode.is_ttl() {
            // Not a bad argument: the same request is fine on a server that is set up for it.
            if !self.settings.extended_types_enabled {
                return Err(ErrorCode::Unimplemented);
            }
            if !EphemeralOwner::is_valid_ttl(ttl_ms) {
                return Err(ErrorCode::BadArguments);
            }
        }
        if verb.admits(mode) { Ok(()) } else { Err(ErrorCode::BadArguments) }
    }

    fn owner(&self, creation: &Creation<'_>) -> EphemeralOwner {
        match creation.mode {
            mode if mode.is_ephemeral() => EphemeralOwner::Session(self.requester.session),
            mode if mode.is_container() => EphemeralOwner::Container,
            mode if mode.is_ttl() => EphemeralOwner::Ttl(creation.ttl_ms),
            _ => EphemeralOwner::Persistent,
        }
    }
}

pub(super) fn mode(flags: i32) -> Result<CreateMode, ErrorCode> {
    CreateMode::try_from(flags).map_err(|_| ErrorCode::BadArguments)
}

/// The path with its sequence number: ten digits, or eleven characters once the count has wrapped.
fn final_path(creation: &Creation<'_>, create_count: i32) -> String {
    if creation.mode.is_sequential() {
        format!("{}{create_count:010}", creation.path)
    } else {
        creation.path.to_owned()
    }
}

/// A node right after its creation.
fn fresh(
    path: &str,
    owner: EphemeralOwner,
    creation: &Creation<'_>,
    acl: &Arc<[Acl]>,
    slot: Slot,
) -> NodeFacts {
    NodeFacts {
        owner,
        stat: StatPersisted::fresh(slot.zxid, slot.wall_ms, owner),
        create_count: 0,
        child_count: 0,
        data_len: creation.data.map_or(0, <[u8]>::len),
        acl: Arc::clone(acl),
        content: ContentSum::of(path, creation.data),
        applied: NodeDigest::NONE,
    }
}

fn transaction(
    creation: &Creation<'_>,
    path: String,
    acl: Arc<[Acl]>,
    parent_cversion: i32,
) -> Txn {
    let data = creation.data.map(Bytes::copy_from_slice);
    let mode = creation.mode;
    if mode.is_container() {
        Txn::CreateContainer { path, data, acl, parent_cversion }
    } else if mode.is_ttl() {
        Txn::CreateTtl { path, data, acl, parent_cversion, ttl_ms: creation.ttl_ms }
    } else {
        let (with_stat, ephemeral) = (creation.verb == Verb::Create2, mode.is_ephemeral());
        Txn::Create { with_stat, path, data, acl, ephemeral, parent_cversion }
    }
}
