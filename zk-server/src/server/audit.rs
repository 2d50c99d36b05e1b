//! The audit log: which change was asked for by whom, and whether it was made.
//!
//! Its events have the target [`TARGET`] and Apache's fields, each only where it says something:
//! `session`, `user`, `ip`, `operation`, `znode`, `znode_type`, `acl`, `result`. What failed is an
//! error, as in Apache. A multi is noted operation by operation if it was made, and once if not.

use std::fmt::Display;
use std::net::IpAddr;

use tracing::field::display;
use zk_proto::{Acl, CreateMode, MultiOp, Request, SessionId};

use super::Server;
use super::connection::Connection;
use crate::ConnectionId;
use crate::tree::{Change, ChangeKind, Outcome};

/// What to filter the log by.
pub(crate) const TARGET: &str = "zk_server::audit";

/// What a request wants to change: a list for a multi.
#[derive(Debug)]
pub(super) struct Audited {
    session: SessionId,
    changes: Vec<Wanted>,
    is_multi: bool,
}

/// One operation of a request.
#[derive(Debug)]
struct Wanted {
    operation: &'static str,
    path: String,
    mode: Option<CreateMode>,
    acl: Option<String>,
}

/// Who asks.
struct Subject {
    session: SessionId,
    users: String,
    ip: Option<IpAddr>,
}

impl Audited {
    /// What is worth a line if it is made, and if it is not.
    pub(super) fn of(session: SessionId, request: &Request<'_>) -> Self {
        let is_multi = matches!(request, Request::Multi(_));
        let changes = match request {
            Request::Multi(multi) => multi.ops.iter().filter_map(Wanted::of_multi).collect(),
            other => Wanted::of(other).into_iter().collect(),
        };
        Self { session, changes, is_multi }
    }
}

impl Wanted {
    fn of(request: &Request<'_>) -> Option<Self> {
        Some(match request {
            Request::Create(create) | Request::Create2(create) => {
                Self::create(create.path, create.flags)
            }
            Request::CreateContainer(create) => Self::create(create.path, create.flags),
            Request::CreateTtl(create) => Self::create(create.path, create.flags),
            Request::Delete(delete) => Self::new("delete", delete.path),
            Request::SetData(set) => Self::new("setData", set.path),
            Request::SetAcl(set) => {
                Self { acl: Some(shown_acl(&set.acl)), ..Self::new("setAcl", set.path) }
            }
            Request::Reconfig(_) => Self::new("reconfig", ""),
            _ => return None,
        })
    }

    fn of_multi(op: &MultiOp<'_>) -> Option<Self> {
        Some(match op {
            MultiOp::Create(create) | MultiOp::Create2(create) => {
                Self::create(create.path, create.flags)
            }
            MultiOp::CreateContainer(create) => Self::create(create.path, create.flags),
            MultiOp::CreateTtl(create) => Self::create(create.path, create.flags),
            MultiOp::Delete(delete) => Self::new("delete", delete.path),
            MultiOp::SetData(set) => Self::new("setData", set.path),
            _ => return None,
        })
    }

    fn new(operation: &'static str, path: &str) -> Self {
        Self { operation, path: path.to_owned(), mode: None, acl: None }
    }

    fn create(path: &str, flags: i32) -> Self {
        Self { mode: CreateMode::try_from(flags).ok(), ..Self::new("create", path) }
    }
}

impl Server {
    /// Notes what became of a client's request.
    pub(super) fn audit(&self, conn: ConnectionId, audited: &Audited, outcome: &Outcome<'_>) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let subject = self.subject(audited.session, connection);
        let outcomes = match outcome {
            Outcome::Multi(outcomes) => &outcomes[..],
            one => std::slice::from_ref(one),
        };
        let failed = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_)));
        if failed && audited.is_multi {
            return note(&subject, &Wanted::new("multiOperation", ""), None, true);
        }
        // Checks of versions change nothing and are not noted.
        let changed = outcomes.iter().filter(|outcome| !matches!(outcome, Outcome::Checked));
        for (wanted, outcome) in audited.changes.iter().zip(changed) {
            let path = match outcome {
                Outcome::Created { path, .. } => Some(*path),
                _ => None,
            };
            note(&subject, wanted, path, failed);
        }
    }

    /// Notes the ephemeral nodes that went with their session: the server's own doing.
    pub(super) fn audit_end_of_session(&self, session: SessionId, changes: &[Change<'_>]) {
        const OPERATION: &str = "ephemeralZNodeDeletionOnSessionCloseOrExpire";
        let environment = (self.probe.environment)();
        let user = environment.into_iter().find(|(key, _)| *key == "user.name");
        let users = user.map(|(_, name)| name).unwrap_or_default();
        let subject = Subject { session, users, ip: None };
        for change in changes.iter().filter(|change| change.kind == ChangeKind::Deleted) {
            note(&subject, &Wanted::new(OPERATION, &change.path), None, false);
        }
    }

    fn subject(&self, session: SessionId, connection: &Connection) -> Subject {
        let identities = self.access.who_am_i(&connection.identities);
        let users: Vec<_> = identities.into_iter().map(|identity| identity.user).collect();
        let ip = Some(connection.peer.ip());
        Subject { session, users: users.join(","), ip }
    }
}

/// `made` is the path of what was created, which may have got a number.
fn note(subject: &Subject, wanted: &Wanted, made: Option<&str>, failed: bool) {
    let session = display(subject.session);
    let user = display(printable(&subject.users));
    let ip = subject.ip.map(display);
    let operation = display(wanted.operation);
    let path = made.unwrap_or(&wanted.path);
    let znode = (!path.is_empty()).then(|| display(printable(path)));
    let znode_type = wanted.mode.map(|mode| display(mode_name(mode)));
    let acl = wanted.acl.as_deref().map(|acl| display(printable(acl)));
    if failed {
        let result = display("failure");
        tracing::error!(target: TARGET, session, user, ip, operation, znode, znode_type, acl, result);
    } else {
        let result = display("success");
        tracing::info!(target: TARGET, session, user, ip, operation, znode, znode_type, acl, result);
    }
}

fn mode_name(mode: CreateMode) -> &'static str {
    match mode {
        CreateMode::Persistent => "persistent",
        CreateMode::Ephemeral => "ephemeral",
        CreateMode::PersistentSequential => "persistent_sequential",
        CreateMode::EphemeralSequential => "ephemeral_sequential",
        CreateMode::Container => "container",
        CreateMode::PersistentWithTtl => "persistent_with_ttl",
        CreateMode::PersistentSequentialWithTtl => "persistent_sequential_with_ttl",
    }
}

/// As it was asked for. What follows a user's name in the scheme `digest` is a hash of the password
/// and stays out.
fn shown_acl(acl: &[Acl]) -> String {
    let entry = |entry: &Acl| {
        let id = if entry.scheme == "digest" {
            entry.id.split(':').next().unwrap_or_default()
        } else {
            &entry.id
        };
        format!("{}:{id}:{}", entry.scheme, entry.perms)
    };
    acl.iter().map(entry).collect::<Vec<_>>().join(",")
}

/// A client's text must not begin a line of the log.
fn printable(text: &str) -> impl Display {
    let escape =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect::<String>()
}
