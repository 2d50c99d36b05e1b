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
    /// The server refused the credentials. Final: the client is of no further use.
    #[error("the server refused the credentials: build a client with the right ones")]
    AuthFailed,
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
            Self::Server { code, .. } => *code,
            Self::Multi { source, .. } => return source.code(),
            Self::SessionExpired => ErrorCode::SessionExpired,
            Self::AuthFailed => ErrorCode::AuthFailed,
            _ => return None,
        })
    }

    /// Why a watch, or a whole session, is over.
    pub(crate) fn from_end(failure: &Failure) -> Self {
        match failure {
            Failure::AuthFailed => Self::AuthFailed,
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
            ErrorCode::SessionExpired => Self::SessionExpired,
            ErrorCode::AuthFailed => Self::AuthFailed,
            code => Self::Server { code, path },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> String {
        "/a".to_owned()
    }

    #[test]
    fn a_code_survives_the_way_into_an_error_and_back() {
        for number in (-130..0).filter(|number| *number != -4) {
            let code = ErrorCode::from_code(number);
            let error = Error::from_code(code, "get", "/a");
            assert_eq!(error.code(), Some(code), "{error}");
        }
    }

    #[test]
    fn only_what_was_in_flight_has_an_unknown_outcome() {
        let timeout = |in_flight| Error::Timeout {
            op: "set",
            path: path(),
            after: Duration::from_secs(1),
            in_flight,
        };
        assert!(timeout(true).is_outcome_unknown());
        assert!(!timeout(false).is_outcome_unknown());
        assert!(Error::ConnectionLoss { op: "set", path: path() }.is_outcome_unknown());
        assert!(!Error::SessionExpired.is_outcome_unknown());
        assert!(!Error::NoNode { path: path() }.is_outcome_unknown());
    }

    #[test]
    fn a_multi_is_as_retryable_as_the_operation_that_failed() {
        let multi = |source| Error::Multi { index: 1, path: path(), source: Box::new(source) };
        assert!(multi(Error::Throttled { path: path() }).is_retryable());
        assert_eq!(multi(Error::NoNode { path: path() }).code(), Some(ErrorCode::NoNode));
    }

    #[test]
    fn sentences_name_the_path_and_the_next_step() {
        let error = Error::BadVersion { path: path() }.to_string();
        assert!(error.contains("/a") && error.contains("read it again"), "{error}");
        let error = Error::ConnectionLoss { op: "multi", path: String::new() }.to_string();
        assert!(error.contains("while multi was in flight"), "{error}");
    }
}
