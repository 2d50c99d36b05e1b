//! Writes: may they be done, and what exactly is to be done? One file per family.
//!
//! Each operation checks in the order of Apache's server, since clients see which error comes first.

mod check;
mod create;
mod delete;
mod multi;
mod quota;
mod reconfig;
mod session;
mod set_acl;
mod set_data;

use std::sync::Arc;

use zk_proto::txn::Txn;
use zk_proto::{Acl, ErrorCode, Permissions, Request};

use super::pending::{Draft, NodeFacts, Place};
use super::proposer::{ProposerSettings, Requester, SessionStanding};
use crate::auth::{AccessControl, AclRoom, Verdicts};

pub(super) use delete::delete_container;
pub(super) use quota::QuotaExcess;
pub(super) use session::close_session;

/// Judges one request of a client.
pub(super) struct Validator<'v> {
    draft: Draft<'v>,
    access: &'v AccessControl,
    requester: &'v Requester<'v>,
    settings: ProposerSettings,
    acl_room: AclRoom,
    verdicts: Verdicts,
    excess: Option<QuotaExcess>,
}

type Judged = Result<Txn, ErrorCode>;

impl<'v> Validator<'v> {
    pub(super) fn new(
        draft: Draft<'v>,
        access: &'v AccessControl,
        requester: &'v Requester<'v>,
        settings: ProposerSettings,
    ) -> Self {
        let (acl_room, verdicts) = (AclRoom::default(), Verdicts::default());
        Self { draft, access, requester, settings, acl_room, verdicts, excess: None }
    }

    pub(super) fn judge(&mut self, request: &Request<'_>) -> Judged {
        match request {
            Request::Create(request) => self.create(request, create::Verb::Create),
            Request::Create2(request) => self.create(request, create::Verb::Create2),
            Request::CreateContainer(request) => self.create(request, create::Verb::Container),
            Request::CreateTtl(request) => self.create_ttl(request),
            Request::Delete(request) => self.delete(request),
            Request::SetData(request) => self.set_data(request),
            Request::SetAcl(request) => self.set_acl(request),
            Request::Multi(request) => self.multi(request),
            Request::Reconfig(_) => self.reconfig(),
            // Reads do not come here, and the rest was turned away by its op code.
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    /// The quota that was exceeded last, if one was.
    pub(super) fn take_excess(&mut self) -> Option<QuotaExcess> {
        self.excess.take()
    }

    pub(super) fn into_draft(self) -> Draft<'v> {
        self.draft
    }

    /// That the session may write at all.
    fn check_session(&self) -> Result<(), ErrorCode> {
        if self.draft.is_closing(self.requester.session) {
            return Err(ErrorCode::SessionExpired);
        }
        match self.requester.standing {
            SessionStanding::Live | SessionStanding::LocalOnly => Ok(()),
            SessionStanding::Gone => Err(ErrorCode::SessionExpired),
            SessionStanding::Moved => Err(ErrorCode::SessionMoved),
        }
    }

    fn existing(&self, at: Place<'_>) -> Result<NodeFacts, ErrorCode> {
        self.draft.node(at).ok_or(ErrorCode::NoNode)
    }

    fn check_access(&self, acl: &Arc<[Acl]>, wanted: Permissions) -> Result<(), ErrorCode> {
        let asker = (None, self.requester.identities);
        let allowed = self.verdicts.allows(self.access, asker, acl, wanted);
        if allowed { Ok(()) } else { Err(ErrorCode::NoAuth) }
    }

    fn fix_up(&mut self, acl: &[Acl]) -> Result<Arc<[Acl]>, ErrorCode> {
        let identities = self.requester.identities;
        let fixed = self.access.fix_up(identities, acl, &mut self.acl_room);
        fixed.map_err(|_| ErrorCode::InvalidAcl)
    }
}

/// The version after `current`, if that is the expected one. Versions wrap at 32 bits.
fn next_version(current: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected != zk_proto::ANY_VERSION && expected != current {
        return Err(ErrorCode::BadVersion);
    }
    Ok(current.wrapping_add(1))
}

/// The whole path must be valid.
fn check_path(path: &str) -> Result<(), ErrorCode> {
    zk_proto::path::validate(path).map_err(|_| ErrorCode::BadArguments)
}

/// The path up to its last slash, which is all of the path that create and delete look at first.
/// Unlike [`zk_proto::path::parent`] the root is its own parent: creating it must end with
/// NODEEXISTS.
fn parent_of(path: &str) -> Result<&str, ErrorCode> {
    match path.bytes().rposition(|byte| byte == b'/') {
        _ if path.bytes().any(|byte| byte == 0) => Err(ErrorCode::BadArguments),
        None => Err(ErrorCode::BadArguments),
        Some(0) => Ok("/"),
        Some(at) => Ok(&path[..at]),
    }
}
