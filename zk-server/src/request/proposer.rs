//! From requests to transactions.

use zk_proto::txn::{Txn, TxnDigest, TxnHeader};
use zk_proto::{ErrorCode, Request, SessionId, Zxid};

use super::pending::{Draft, Outstanding};
use super::write::Validator;
use crate::auth::{AccessControl, Identities};
use crate::by_namespace::ByNamespace;
use crate::log_limit::LogLimit;
use crate::tree::{DataTree, TreeDigest};

/// Settings that decide which writes are offered.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "filled in by the server's configuration")]
pub struct ProposerSettings {
    /// Whether nodes with a time to live can be created. Default false, as in Apache.
    pub extended_types_enabled: bool,
    /// Whether `reconfig` is allowed. Default false, as in Apache.
    pub reconfig_enabled: bool,
    /// Whether a write that exceeds a hard quota is refused. Default false, as in Apache.
    pub enforce_quota: bool,
    /// Whether transactions say what the tree adds up to after them.
    pub digest_enabled: bool,
}

/// Turns each write into the transaction that carries it out, or into an error transaction that says
/// why not. Either way it has a zxid and a place in the log.
///
/// A write is judged by the state it will meet: the tree, changed by all transactions that were
/// proposed before it and are not applied yet. So call, in any order that keeps each line:
///
/// 1. [`propose`](Self::propose), [`propose_server`](Self::propose_server) or
///    [`refuse`](Self::refuse) with zxids that grow;
/// 2. [`DataTree::apply`] for each proposal, in the order of zxids;
/// 3. [`applied`](Self::applied) right after each of these.
#[derive(Debug, Default)]
pub struct Proposer {
    settings: ProposerSettings,
    outstanding: Outstanding,
    quota_log: LogLimit,
    /// Writes that a hard quota has refused.
    quota_refusals: ByNamespace<u64>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the server for each request")]
pub struct Requester<'a> {
    /// The session.
    pub session: SessionId,
    /// The client's number for the request.
    pub cxid: i32,
    /// Whether the session may still write.
    pub standing: SessionStanding,
    /// What the connection has shown to be.
    pub identities: &'a Identities,
}

/// Whether a session may write, by the session table. That its end is pending the [`Proposer`] knows
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "validation must decide about each standing")]
pub enum SessionStanding {
    /// It may.
    Live,
    /// It has expired or was closed, or never was: SESSIONEXPIRED.
    Gone,
    /// It lives on another connection now: SESSIONMOVED.
    Moved,
    /// It is known to one server only and so cannot own nodes: EPHEMERALONLOCALSESSION.
    LocalOnly,
}

/// The place in the order that a proposal takes.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "made by the server for each request")]
pub struct Slot {
    /// The next zxid.
    pub zxid: Zxid,
    /// The wall clock, in ms since the epoch.
    pub wall_ms: i64,
}

/// A write that a server asks for itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerRequest {
    /// A session begins.
    CreateSession {
        /// Its id.
        session: SessionId,
        /// Its timeout in ms.
        timeout_ms: i32,
    },
    /// A session ends, because its client said so or was silent for too long.
    CloseSession {
        /// Its id.
        session: SessionId,
        /// The client's number for the request; 0 on expiry.
        cxid: i32,
    },
    /// An empty container or a node past its time goes, if nobody is busy with it; see
    /// [`DataTree::sweep_candidates`].
    DeleteContainer {
        /// The node.
        path: String,
    },
}

/// A transaction, ready for the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proposal {
    /// Its header.
    pub header: TxnHeader,
    /// What it does.
    pub txn: Txn,
    /// What the tree adds up to after it. `None` where nothing changes, or digests are off.
    pub digest: Option<TxnDigest>,
}

impl Proposer {
    /// With nothing pending.
    #[must_use]
    pub fn new(settings: ProposerSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// How many writes a hard quota has refused.
    pub(crate) fn quota_refusals(&self) -> &ByNamespace<u64> {
        &self.quota_refusals
    }

    /// Counts those refusals from zero again.
    pub(crate) fn reset_quota_refusals(&mut self) {
        self.quota_refusals = ByNamespace::default();
    }

    /// A client's write.
    pub fn propose(
        &mut self,
        tree: &DataTree,
        access: &AccessControl,
        requester: &Requester<'_>,
        request: &Request<'_>,
        slot: Slot,
    ) -> Proposal {
        let draft = Draft::new(tree, &mut self.outstanding, slot);
        let mut validator = Validator::new(draft, access, requester, self.settings);
        let judged = validator.judge(request);
        if let Some(excess) = validator.take_excess() {
            self.quota_log.warn(slot.wall_ms, &excess);
            if let Some(refusals) = self.quota_refusals.of(excess.refused_below()) {
                *refusals += 1;
            }
        }
        let judged = judged.map(|txn| (txn, validator.into_draft().keep()));
        self.settle(requester.session, requester.cxid, judged, slot)
    }

    /// A write of the server's own.
    pub fn propose_server(
        &mut self,
        tree: &DataTree,
        request: ServerRequest,
        slot: Slot,
    ) -> Proposal {
        let mut draft = Draft::new(tree, &mut self.outstanding, slot);
        let (session, cxid, judged) = match request {
            ServerRequest::CreateSession { session, timeout_ms } => {
                (session, 0, Ok(Txn::CreateSession { timeout_ms }))
            }
            ServerRequest::CloseSession { session, cxid } => {
                (session, cxid, Ok(super::write::close_session(&mut draft, session)))
            }
            ServerRequest::DeleteContainer { path } => {
                (SessionId::NONE, 0, super::write::delete_container(&mut draft, path))
            }
        };
        let judged = judged.map(|txn| (txn, draft.keep()));
        self.settle(session, cxid, judged, slot)
    }

    /// A write that cannot even be judged: its body is no such request, for instance.
    #[must_use]
    pub fn refuse(&self, session: SessionId, cxid: i32, code: ErrorCode, slot: Slot) -> Proposal {
        proposal(session, cxid, Txn::Error(code), None, slot)
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> ProposerSettings {
        self.settings
    }

    /// The tree has everything up to `zxid` now.
    pub fn applied(&mut self, zxid: Zxid) {
        self.outstanding.forget(zxid);
    }

    fn settle(
        &mut self,
        session: SessionId,
        cxid: i32,
        judged: Result<(Txn, TreeDigest), ErrorCode>,
        slot: Slot,
    ) -> Proposal {
        let (txn, digest) = match judged {
            Ok(judged) => judged,
            Err(code) => return proposal(session, cxid, Txn::Error(code), None, slot),
        };
        if matches!(txn, Txn::CloseSession { .. }) {
            self.outstanding.close(session, slot.zxid);
        }
        let digest = self.settings.digest_enabled.then(|| digest.into());
        proposal(session, cxid, txn, digest, slot)
    }

    /// Whether nothing is pending.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.outstanding.is_empty()
    }
}

fn proposal(
    session: SessionId,
    cxid: i32,
    txn: Txn,
    digest: Option<TxnDigest>,
    slot: Slot,
) -> Proposal {
    let (zxid, time_ms) = (slot.zxid, slot.wall_ms);
    let header = TxnHeader { session, cxid, zxid, time_ms, op: txn.op().code() };
    Proposal { header, txn, digest }
}
