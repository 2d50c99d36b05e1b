mod creates;
mod multi;
mod quota;
mod reads;
mod refusals;
mod replies;
mod sequence;
mod sessions;
mod watching;

use bytes::BytesMut;
use zk_proto::codec::{Decode, Reader};
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{
    Acl, CreateMode, CreateRequest, CreateTtlRequest, DeleteRequest, ErrorCode, Permissions,
    Request, SessionId, SetAclRequest, SetDataRequest, Zxid,
};

use super::read::ReadContext;
use super::respond::{self, ReplyShape};
use super::{
    Proposal, Proposer, ProposerSettings, Requester, ServerRequest, SessionStanding, Slot,
};
use crate::auth::{AccessControl, AuthConfig, Identities, digest_id};
use crate::by_namespace::ByNamespace;
use crate::connection_id::ConnectionId;
use crate::server::summary::Distribution;
use crate::tree::{Applied, DataTree};
use crate::watch::WatchManager;

const SESSION: SessionId = SessionId(0x11);
const OTHER: SessionId = SessionId(0x22);
const HERE: ConnectionId = ConnectionId(1);

/// Everything that requests are about, and one client.
struct World {
    tree: DataTree,
    access: AccessControl,
    watches: WatchManager,
    proposer: Proposer,
    identities: Identities,
    session: SessionId,
    standing: SessionStanding,
    zxid: Zxid,
    traffic: ByNamespace<Distribution>,
}

impl World {
    fn new() -> Self {
        Self::with(ProposerSettings { extended_types_enabled: true, ..Default::default() })
    }

    fn with(settings: ProposerSettings) -> Self {
        Self {
            tree: DataTree::new(settings.extended_types_enabled),
            access: AccessControl::new(AuthConfig::default()),
            watches: WatchManager::default(),
            proposer: Proposer::new(settings),
            identities: Identities::of_peer([10, 0, 0, 1].into()),
            session: SESSION,
            standing: SessionStanding::Live,
            zxid: Zxid::ZERO,
            traffic: ByNamespace::default(),
        }
    }

    fn slot(&mut self) -> Slot {
        self.zxid = self.zxid.next().unwrap();
        Slot { zxid: self.zxid, wall_ms: self.zxid.0 * 1000 }
    }

    /// Proposes without applying.
    fn propose(&mut self, request: &Request<'_>) -> Proposal {
        let slot = self.slot();
        let (session, standing) = (self.session, self.standing);
        let requester = Requester { session, cxid: 7, standing, identities: &self.identities };
        self.proposer.propose(&self.tree, &self.access, &requester, request, slot)
    }

    fn propose_server(&mut self, request: ServerRequest) -> Proposal {
        let slot = self.slot();
        self.proposer.propose_server(&self.tree, request, slot)
    }

    fn apply<'t>(&mut self, proposal: &'t Proposal) -> Applied<'t> {
        let applied = self.tree.apply(&proposal.header, &proposal.txn);
        self.proposer.applied(applied.zxid);
        applied
    }

    /// The error that a write ends with, after it was applied.
    fn write(&mut self, request: &Request<'_>) -> ErrorCode {
        let (code, _) = self.reply(request);
        code
    }

    /// What the client is answered, after the write was applied.
    fn reply(&mut self, request: &Request<'_>) -> (ErrorCode, BytesMut) {
        let proposal = self.propose(request);
        let applied = self.apply(&proposal);
        let mut body = BytesMut::new();
        let answer = respond::encode(&ReplyShape::of(request), &applied.outcome, &mut body);
        (answer.err().unwrap_or(ErrorCode::Ok), body)
    }

    fn must(&mut self, request: &Request<'_>) {
        assert_eq!(self.write(request), ErrorCode::Ok, "{request:?}");
    }

    fn read(&mut self, request: &Request<'_>) -> Result<BytesMut, ErrorCode> {
        let mut context = ReadContext {
            tree: &self.tree,
            access: &self.access,
            watches: &mut self.watches,
            connection: HERE,
            session: self.session,
            identities: &self.identities,
            traffic: &mut self.traffic,
        };
        let mut body = BytesMut::new();
        let answer = super::read::answer(&mut context, request, &mut body);
        assert!(answer.is_ok() || body.is_empty(), "an error leaves nothing behind");
        answer.map(|()| body)
    }

    fn exists(&self, path: &str) -> bool {
        self.tree.node(path).is_some()
    }

    fn authenticate(&mut self, credentials: &str) {
        let credentials = credentials.as_bytes();
        self.access.authenticate("digest", credentials, &mut self.identities).unwrap();
    }
}

/// The refusal in a proposal.
fn refusal(proposal: &Proposal) -> Option<ErrorCode> {
    match proposal.txn {
        Txn::Error(code) => Some(code),
        _ => None,
    }
}

fn created_path(proposal: &Proposal) -> &str {
    match &proposal.txn {
        Txn::Create { path, .. }
        | Txn::CreateContainer { path, .. }
        | Txn::CreateTtl { path, .. } => path,
        txn => panic!("{txn:?} creates nothing"),
    }
}

fn decoded<T: for<'a> Decode<'a>>(body: &[u8]) -> T {
    let mut reader = Reader::new(body);
    let value = T::decode(&mut reader).unwrap();
    assert!(reader.is_empty(), "{} bytes too many", reader.remaining().len());
    value
}

fn create_request(path: &str, mode: CreateMode) -> CreateRequest<'_> {
    CreateRequest { path, data: Some(b"data"), acl: Acl::open(), flags: mode.flags() }
}

/// With the operation that a client uses for that mode.
fn create(path: &str, mode: CreateMode) -> Request<'_> {
    if mode.is_container() {
        Request::CreateContainer(create_request(path, mode))
    } else if mode.is_ttl() {
        create_ttl(path, mode.flags(), 60_000)
    } else {
        Request::Create(create_request(path, mode))
    }
}

fn create_with_acl(path: &str, acl: Vec<Acl>) -> Request<'_> {
    Request::Create(CreateRequest { acl, ..create_request(path, CreateMode::Persistent) })
}

fn create_ttl(path: &str, flags: i32, ttl_ms: i64) -> Request<'_> {
    Request::CreateTtl(CreateTtlRequest { path, data: None, acl: Acl::open(), flags, ttl_ms })
}

fn persistent(path: &str) -> Request<'_> {
    create(path, CreateMode::Persistent)
}

fn delete(path: &str, version: i32) -> Request<'_> {
    Request::Delete(DeleteRequest { path, version })
}

fn set_data(path: &str, version: i32) -> Request<'_> {
    Request::SetData(SetDataRequest { path, data: Some(b"new"), version })
}

fn set_acl(path: &str, acl: Vec<Acl>, version: i32) -> Request<'_> {
    Request::SetAcl(SetAclRequest { path, acl, version })
}

/// Only somebody else may, and only this.
fn others_only(perms: Permissions) -> Vec<Acl> {
    vec![Acl::new(perms, "digest", digest_id("somebody:else"))]
}

/// Everybody may, but not this.
fn all_but(perms: Permissions) -> Vec<Acl> {
    vec![Acl::new(Permissions(Permissions::ALL.0 & !perms.0), "world", "anyone")]
}
