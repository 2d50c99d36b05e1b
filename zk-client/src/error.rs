//! What can go wrong, whose fault it is, and what to do next.

use std::time::Duration;

use zk_proto::ErrorCode;

use crate::session::Failure;

/// The result of everything this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// Two questions matter more than the variant, and both have a method:
///
/// - Was the change made? [`is_outcome_unknown`](Self::is_outcome_unknown) says when nobody can
///   know: the request was on its way when the connection went. In all other cases a failed
///   write was not applied.
/// - Is it worth trying again? [`is_retryable`](Self::is_retryable) says when the same call may
///   work later although nothing about it changes.
///
/// Paths are those the caller used: a chroot never shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // What the server said.
    /// The node, or for a create its parent, does not exist.
    #[error("{path} (or, for a create, its parent) does not exist: create it first")]
    NoNode {
        /// The path of the request.
        path: String,
    },
    /// A create found the path taken.
    #[error("{path} exists already: use it, or choose another name")]
    NodeExists {
        /// The path of the request.
        path: String,
    },
    /// The version given is not the node's: somebody else changed it.
    #[error("{path} has another version than the one given: read it again, then decide again")]
    BadVersion {
        /// The path of the request.
        path: String,
    },
    /// A delete of a node that has children.
    #[error("{path} has children: delete them first")]
    NotEmpty {
        /// The path of the request.
        path: String,
    },
    /// The ACL does not allow this to the identities of this client.
    #[error(
        "the ACL of {path} (or of its parent) does not allow this: authenticate, or ask its owner"
    )]
    NoAuth {
        /// The path of the request.
        path: String,
    },
    /// A create below an ephemeral node.
    #[error("the parent of {path} is ephemeral and cannot have children: use a persistent parent")]
    NoChildrenForEphemerals {
        /// The path of the request.
        path: String,
    },
    /// An ACL that is empty, malformed, or names the creator where nobody is authenticated.
    #[error("the ACL given for {path} is empty or malformed, or needs an authenticated client")]
    InvalidAcl {
        /// The path of the request.
        path: String,
    },
    /// The request makes no sense to the server: a path, flag or time to live it cannot take.
    #[error(
        "the server refuses the arguments of the request for {path}: check path, mode and time to live"
    )]
    BadArguments {
        /// The path of the request.
        path: String,
    },
    /// A write would exceed a quota. Servers from 3.7 on.
    #[error("the write to {path} would exceed a quota: delete something, or raise the quota")]
    QuotaExceeded {
        /// The path of the request.
        path: String,
    },
    /// There is no such watch on the server. Servers from 3.5 on.
    #[error("there is no such watch on {path}: it fired or was removed before")]
    NoWatcher {
        /// The path of the request.
        path: String,
    },
    /// An ephemeral create in a local session. Servers from 3.5 on.
    #[error("{path} cannot be ephemeral: the server gave a local session and does not upgrade it")]
    EphemeralOnLocalSession {
        /// The path of the request.
        path: String,
    },
    /// A write to a server that is cut off from its ensemble and serves reads only.
    #[error(
        "the server is read-only at the moment and refuses the write to {path}: try again later"
    )]
    NotReadOnly {
        /// The path of the request.
        path: String,
    },
    /// The server sheds load and did not execute the request. Servers from 3.7 on.
    #[error("the server is overloaded and did not execute the request for {path}: try again later")]
    Throttled {
        /// The path of the request.
        path: String,
    },
    /// The server does not know the operation, or has it switched off.
    #[error(
        "the server does not support {op} (too old, or switched off): do without, or upgrade it"
    )]
    Unimplemented {
        /// The operation.
        op: &'static str,
    },
    /// The servers do not allow their ensemble to be reconfigured.
    #[error("the servers do not allow a reconfiguration: set reconfigEnabled in their zoo.cfg")]
    ReconfigDisabled,
    /// Another reconfiguration is under way.
    #[error("another reconfiguration is under way: wait for it, and read the configuration again")]
    ReconfigInProgress,
    /// Too few of the members to be are there and up to date for a quorum of the new configuration.
    #[error(
        "no quorum of the new configuration is connected and up to date: start the new servers,              and wait until they follow"
    )]
    NewConfigNoQuorum,
    /// Any other code of the server.
    #[error("the server answered \"{code}\" to the request{}", of(.path))]
    Server {
        /// The code.
        code: ErrorCode,
        /// The path of the request; empty if it had none.
        path: String,
    },
    /// One operation of a multi failed, so none was applied.
    #[error("operation {index} of the multi failed and none was applied: {source}")]
    Multi {
        /// Which operation, counted from 0 in the order they were added.
        index: usize,
        /// The path of that operation.
        path: String,
        /// Why that operation failed.
        source: Box<Error>,
    },

    /// The node that a write was [guarded by](crate::Client::guarded_by) is not there any more, or
    /// has another version. Nothing was written.
    #[error("the guard {path} does not hold, so nothing was written: {source}")]
    GuardFailed {
        /// The path of the guard.
        path: String,
        /// What is wrong with it.
        source: Box<Error>,
    },

    // What became of the connection or the session.
    /// The connection broke while a write was on its way: nobody can tell whether it was applied.
    /// Reads are sent again instead, unless ten connections in a row broke over the same one.
    #[error(
        "the connection broke while {op}{} was in flight: it may or may not have been applied, \
             so read before repeating it", of(.path)
    )]
    ConnectionLoss {
        /// The operation.
        op: &'static str,
        /// The path of the request; empty if it had none.
        path: String,
    },
    /// The session ended before the request was sent, or before the watch fired. Its ephemeral
    /// nodes and watches are gone; the client opens a new session unless told not to.
    #[error("the session expired: its ephemeral nodes and watches are gone, so set them up again")]
    SessionExpired,
    /// The client was closed.
    #[error("the client is closed: open another one")]
    Closed,
    /// The request's time ran out.
    #[error("no answer to {op}{} within {after:?}: {}", of(.path), if *.in_flight {
        "it was in flight and may still be applied, so read before repeating it"
    } else {
        "nothing was changed, nor will be, so it is safe to repeat"
    })]
    Timeout {
        /// The operation.
        op: &'static str,
        /// The path of the request; empty if it had none.
        path: String,
        /// The time that was allowed.
        after: Duration,
        /// Whether it was a write that may have reached a server: its outcome is unknown.
        in_flight: bool,
    },
    /// The client could not show who it is, or the server not that it is the right one. Final: the
    /// client is of no further use.
    #[error("{reason}: build a client with credentials that this server takes")]
    AuthFailed {
        /// What was refused, by scheme or SASL mechanism. Never a secret.
        reason: String,
    },
    /// No server answered within the bound of `connect`.
    #[error("no server gave a session within {after:?}: {attempts}")]
    NoServerReachable {
        /// The bound of the connect.
        after: Duration,
        /// The servers tried last and why each failed.
        attempts: String,
    },

    // What the caller got wrong, found before anything was sent.
    /// A path that breaks the rules.
    #[error("the path {path:?} is not valid: {reason}")]
    InvalidPath {
        /// The path as given.
        path: String,
        /// The rule it breaks.
        reason: String,
    },
    /// A connect string that means nothing.
    #[error("the connect string {input:?} is not valid: {reason}")]
    InvalidConnectString {
        /// The string as given.
        input: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting out of its range.
    #[error("the setting {setting} is not usable: {reason}")]
    InvalidConfig {
        /// The builder method.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A request that cannot be put together, such as a time to live on a node without one.
    #[error("the request for {path} makes no sense: {reason}")]
    InvalidRequest {
        /// The path of the request.
        path: String,
        /// What does not fit.
        reason: &'static str,
    },
    /// A request above the frame limit. It was not sent: a server would drop the connection.
    #[error(
        "the request for {path} takes {len} bytes and the limit is {limit}: \
             send less at once, or raise max_frame_len here and jute.maxbuffer on the servers"
    )]
    RequestTooLarge {
        /// The path of the request.
        path: String,
        /// Bytes of the frame.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A reply above the frame limit, such as the list of very many children. A write that is
    /// answered so was applied.
    #[error(
        "the reply to {op}{} takes {len} bytes and the limit is {limit}: \
             ask for less at once, or raise max_frame_len", of(.path)
    )]
    ReplyTooLarge {
        /// The operation.
        op: &'static str,
        /// The path of the request; empty if it had none.
        path: String,
        /// Bytes of the frame.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },

    // What the other end got wrong.
    /// The server sent what its protocol does not allow.
    #[error("the server's answer to {op}{} cannot be read: {reason}", of(.path))]
    Protocol {
        /// The operation.
        op: &'static str,
        /// The path of the request; empty if it had none.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The path in a sentence, for requests that have one.
fn of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" of {path}") }
}

impl Error {
    /// Whether the same call may work later although nothing about it changes: the fault lies with
    /// a connection, a server's load, or a session that the client replaces.
    ///
    /// Whether repeating is *harmless* is the question
    /// [`is_outcome_unknown`](Self::is_outcome_unknown) answers.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ConnectionLoss { .. }
            | Self::SessionExpired
            | Self::Timeout { .. }
            | Self::NoServerReachable { .. }
            | Self::Throttled { .. }
            | Self::ReconfigInProgress
            | Self::NewConfigNoQuorum
            | Self::NotReadOnly { .. } => true,
            Self::Multi { source, .. } => source.is_retryable(),
            _ => false,
        }
    }

    /// Whether the request may or may not have been applied. Read before repeating it; a write
    /// with a version, or a create of a unique name, can be told apart from somebody else's.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::ConnectionLoss { .. } | Self::Timeout { in_flight: true, .. })
    }

    /// The same error about another path: that of the request which this one was a part of.
    pub(crate) fn with_path(mut self, shown: &str) -> Self {
        if let Self::NoNode { path }
        | Self::NodeExists { path }
        | Self::BadVersion { path }
        | Self::NotEmpty { path }
        | Self::NoAuth { path }
        | Self::NoChildrenForEphemerals { path }
        | Self::InvalidAcl { path }
        | Self::BadArguments { path }
        | Self::QuotaExceeded { path }
        | Self::NotReadOnly { path }
        | Self::Throttled { path }
        | Self::Server { path, .. }
        | Self::ConnectionLoss { path, .. }
        | Self::Timeout { path, .. } = &mut self
        {
            shown.clone_into(path);
        }
        self
    }

    /// Whether to ask again: nothing is wrong with the request, only with the moment, and the
    /// session is still the same.
    pub(crate) fn is_passing(&self) -> bool {
        // "Moved" is said by the server that was left behind; the client is on its way to the new one.
        let moved = self.code() == Some(ErrorCode::SessionMoved);
        (self.is_retryable() || self.is_outcome_unknown() || moved)
            && !matches!(self, Self::SessionExpired | Self::Closed | Self::AuthFailed { .. })
    }

    /// The server's code, if a server said so.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        Some(match self {
            Self::NoNode { .. } => ErrorCode::NoNode,
            Self::NodeExists { .. } => ErrorCode::NodeExists,
            Self::BadVersion { .. } => ErrorCode::BadVersion,
            Self::NotEmpty { .. } => ErrorCode::NotEmpty,
            Self::NoAuth { .. } => ErrorCode::NoAuth,
            Self::NoChildrenForEphemerals { .. } => ErrorCode::NoChildrenForEphemerals,
            Self::InvalidAcl { .. } => ErrorCode::InvalidAcl,
            Self::BadArguments { .. } => ErrorCode::BadArguments,
            Self::QuotaExceeded { .. } => ErrorCode::QuotaExceeded,
            Self::NoWatcher { .. } => ErrorCode::NoWatcher,
            Self::EphemeralOnLocalSession { .. } => ErrorCode::EphemeralOnLocalSession,
            Self::NotReadOnly { .. } => ErrorCode::NotReadOnly,
            Self::Throttled { .. } => ErrorCode::ThrottledOp,
            Self::Unimplemented { .. } => ErrorCode::Unimplemented,
            Self::ReconfigDisabled => ErrorCode::ReconfigDisabled,
            Self::ReconfigInProgress => ErrorCode::ReconfigInProgress,
            Self::NewConfigNoQuorum => ErrorCode::NewConfigNoQuorum,
            Self::Server { code, .. } => *code,
            Self::Multi { source, .. } | Self::GuardFailed { source, .. } => return source.code(),
            Self::SessionExpired => ErrorCode::SessionExpired,
            Self::AuthFailed { .. } => ErrorCode::AuthFailed,
            _ => return None,
        })
    }

    /// Why a watch, or a whole session, is over.
    pub(crate) fn from_end(failure: &Failure) -> Self {
        match failure {
            Failure::AuthFailed(reason) => Self::AuthFailed { reason: reason.to_string() },
            Failure::Closed => Self::Closed,
            Failure::Code(code) => Self::from_code(*code, "watch", ""),
            _ => Self::SessionExpired,
        }
    }

    /// What a server's code means for a request of `op` on `path`.
    pub(crate) fn from_code(code: ErrorCode, op: &'static str, path: &str) -> Self {
        let path = path.to_owned();
        match code {
            ErrorCode::NoNode => Self::NoNode { path },
            ErrorCode::NodeExists => Self::NodeExists { path },
            ErrorCode::BadVersion => Self::BadVersion { path },
            ErrorCode::NotEmpty => Self::NotEmpty { path },
            ErrorCode::NoAuth => Self::NoAuth { path },
            ErrorCode::NoChildrenForEphemerals => Self::NoChildrenForEphemerals { path },
            ErrorCode::InvalidAcl => Self::InvalidAcl { path },
            ErrorCode::BadArguments => Self::BadArguments { path },
            ErrorCode::QuotaExceeded => Self::QuotaExceeded { path },
            ErrorCode::NoWatcher => Self::NoWatcher { path },
            ErrorCode::EphemeralOnLocalSession => Self::EphemeralOnLocalSession { path },
            ErrorCode::NotReadOnly => Self::NotReadOnly { path },
            ErrorCode::ThrottledOp => Self::Throttled { path },
            ErrorCode::Unimplemented => Self::Unimplemented { op },
            ErrorCode::ReconfigDisabled => Self::ReconfigDisabled,
            ErrorCode::ReconfigInProgress => Self::ReconfigInProgress,
            ErrorCode::NewConfigNoQuorum => Self::NewConfigNoQuorum,
            ErrorCode::SessionExpired => Self::SessionExpired,
            ErrorCode::AuthFailed => {
                Self::AuthFailed { reason: "the server refused the credentials".to_owned() }
            }
            code => Self::Server { code, path },
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
