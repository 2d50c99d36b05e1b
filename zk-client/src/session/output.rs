//! What a session machine tells its driver.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zk_proto::codec::{DecodeError, FrameError};
use zk_proto::{ErrorCode, EventType, HostPort, Zxid};

use super::request::{Failure, Outcome};
use crate::handover::SessionHandover;

/// Something for the driver to do or to pass on, in order.
#[derive(Debug)]
pub(crate) enum Output<R, W> {
    /// Resolve this host and open a connection to it, trying all its addresses; then call
    /// `connected` or `connect_failed`. Never given while a connection or an attempt exists.
    Connect {
        /// The server.
        host: HostPort,
        /// How long the machine will wait for the answer of the server before it gives up the
        /// attempt by itself. What several addresses have to share.
        within: Duration,
    },
    /// Ask this server on a connection of its own whether it takes writes, by `isro`, and call
    /// `probed` with the answer; no answer in time is a no. One such question at a time: a new one,
    /// or the end of the session's connection, supersedes it.
    Probe {
        /// The server.
        host: HostPort,
        /// How long that may take, with everything.
        within: Duration,
    },
    /// The session has been left to whoever takes this. Comes before [`Finished`](Self::Finished).
    Detached(SessionHandover),
    /// Drop the connection or the attempt, without waiting for anything. Its end need not be
    /// reported, and nothing more that it delivers must be passed in.
    Disconnect {
        /// Why, for the log.
        why: Loss,
    },
    /// Ask the SASL mechanism for its next step, then call `sasl_stepped`. What it was asked is
    /// void when the connection ends, or with [`Disconnect`](Self::Disconnect).
    Sasl {
        /// The number of the exchange, to be given back: one per connection.
        exchange: u64,
        /// What the server has said; `None` at the beginning, which is the client's.
        challenge: Option<Bytes>,
    },
    /// A request has ended.
    Complete {
        /// The caller's token.
        reply: R,
        /// How it ended.
        outcome: Outcome,
    },
    /// The server has answered a ping.
    PingAnswered {
        /// How long after it was sent.
        after: Duration,
    },
    /// Something for a watcher.
    Watch {
        /// What the caller set the watch with.
        sink: W,
        /// What there is to know.
        notice: Notice,
    },
    /// The state has changed.
    State {
        /// The new state.
        state: SessionState,
        /// The number of the session it is about, from 1.
        epoch: u64,
        /// What led to it, if something went wrong.
        why: Option<Loss>,
    },
    /// The machine has ended: nothing is outstanding, and each later request fails at once with
    /// this. Comes once, as the last output before such failures.
    Finished(Failure),
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The watched node, or one below it, has changed. The end of a one-shot watch.
    Event(NodeEvent),
    /// A persistent watch is set again on a new connection. What changed while there was none is
    /// not reported: read the state again. Not given to one-shot watches, which fire for that.
    Rearmed,
    /// The watch is gone without having fired: the session is over, or
    /// `Code(ErrorCode::Unimplemented)`: the new server is too old for persistent watches.
    Ended(Failure),
}

/// A change that a watch was set for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeEvent {
    /// What happened.
    pub(crate) kind: EventType,
    /// The node it happened to, as the server calls it.
    pub(crate) path: Arc<str>,
    /// The change. Servers before 3.9.0 do not say, nor do watches that are set again and find
    /// that they have missed something.
    pub(crate) zxid: Option<Zxid>,
}

/// Where a client stands with its session.
///
/// ```text
/// Connecting ──▶ Connected ◀──▶ Suspended ──▶ Expired ──▶ Connecting (a new session)
///                    └────────────────────────────────▶ Closed, AuthFailed (final)
/// ```
///
/// Where [read-only servers](crate::ClientBuilder::read_only) are allowed, `ConnectedReadOnly`
/// stands wherever `Connected` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// There is no session yet; servers are being tried.
    Connecting,
    /// The session is served. Requests are answered.
    Connected,
    /// A read-only server answers: one that is cut off from its ensemble. Reads may be stale, and
    /// writes fail with [`Error::NotReadOnly`](crate::Error::NotReadOnly). The client looks for a
    /// server that takes writes, and goes there. A session that was opened before is not kept
    /// alive meanwhile; one that was not will be opened by then, so that there is no session id
    /// yet. Only with [`ClientBuilder::read_only`](crate::ClientBuilder::read_only).
    ConnectedReadOnly,
    /// The connection is gone while the session may still live: whoever holds something by it can
    /// no longer be sure. Requests wait for the next connection.
    Suspended,
    /// The session is over, and with it its ephemeral nodes and watches. Each session that is lost
    /// is reported exactly once.
    Expired,
    /// The server refused the credentials. Final.
    AuthFailed,
    /// The client was closed. Final.
    Closed,
}

impl SessionState {
    /// Whether a server is answering, be it a read-only one.
    #[must_use]
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::ConnectedReadOnly)
    }

    /// Whether a server is answering that takes writes: only it can tell that the session lives.
    #[must_use]
    pub fn takes_writes(self) -> bool {
        self == Self::Connected
    }

    /// Whether nothing will come after this state. [`Expired`](Self::Expired) is final only for a
    /// client that was told not to renew its session.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::AuthFailed | Self::Closed)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::ConnectedReadOnly => "connected to a read-only server",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::AuthFailed => "refused for its credentials",
            Self::Closed => "closed",
        })
    }
}

/// Why a connection, an attempt or a session was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Loss {
    /// The server closed the connection.
    #[error("the server closed the connection")]
    ClosedByServer,
    /// The server took the connection and closed it without an answer to the connect request.
    #[error(
        "the server closed the connection instead of opening a session: it is not serving, or it \
         is behind what this client has already seen"
    )]
    Refused,
    /// The network, as the driver puts it.
    #[error("{0}")]
    Network(String),
    /// No answer to an attempt in time.
    #[error("no answer within the {0:?} of an attempt to connect")]
    AttemptTimedOut(Duration),
    /// Nothing was heard for two thirds of the session timeout.
    #[error("the server has said nothing for {0:?}")]
    ServerSilent(Duration),
    /// A ping has gone unanswered for the whole session timeout, whatever else was heard.
    #[error("the server has not answered a ping for {0:?}")]
    PingUnanswered(Duration),
    /// A frame that cannot be one, or is too long.
    #[error("{0}")]
    BadFrame(#[from] FrameError),
    /// A frame that does not hold the record it must.
    #[error("the server sent a frame that cannot be read: {0}")]
    BadRecord(#[from] DecodeError),
    /// A reply to something else than the oldest request.
    #[error("the server replied to request {got} where {expected:?} was due")]
    UnexpectedReply {
        /// The xid of the reply.
        got: i32,
        /// The xid of the oldest request of its kind, if there is one.
        expected: Option<i32>,
    },
    /// The server would not set the watches again.
    #[error("the server refused to set the watches again: {0}")]
    WatchesRefused(ErrorCode),
    /// The server answered for another session than it was asked for.
    #[error("the server opened a new session instead of resuming the one it was asked for")]
    SessionReplaced,
    /// A read-only server, which was not asked for or does not know the session.
    #[error("the server is read-only")]
    ReadOnly,
    /// A server was found that takes writes, and this one does not.
    #[error("the server is read-only, and {0} takes writes")]
    ReadWriteFound(HostPort),
    /// The list of servers has changed.
    #[error("the list of servers has changed, and this client goes to another of them")]
    Moving,
    /// The server answered in another version of the protocol. ClickHouse Keeper says so when it
    /// cannot serve.
    #[error("the server does not serve at the moment (it answered with protocol version {0})")]
    OtherProtocol(i32),
    /// The server says that the session is over.
    #[error("the server says that the session has expired")]
    Expired,
    /// No server was reached for so long that the session must be over.
    #[error(
        "no server was heard for {after:?}: the session is over by the client's own clock; at \
         last: {last}"
    )]
    ExpiredByClock {
        /// How long.
        after: Duration,
        /// What the last connection or attempt failed with.
        last: Box<Loss>,
    },
    /// The server refused a credential.
    #[error("the server refused a credential of scheme {scheme:?}")]
    AuthRefused {
        /// Its scheme.
        scheme: String,
    },
    /// The server has no login section, so it knows nobody by SASL.
    #[error(
        "the server does not do SASL, by which the client is to show who it is ({mechanism}): give \
         the server a login section, or the client no SASL"
    )]
    SaslNotOffered {
        /// The client's mechanism.
        mechanism: &'static str,
    },
    /// The server has refused the client.
    #[error(
        "the server refused the client by SASL {mechanism} (\"{code}\"): wrong user, password or \
         principal, or another mechanism than the server's"
    )]
    SaslRefused {
        /// The client's mechanism.
        mechanism: &'static str,
        /// What the server calls it.
        code: ErrorCode,
    },
    /// The mechanism gave up.
    #[error("SASL {mechanism} failed: {reason}")]
    SaslFailed {
        /// The mechanism.
        mechanism: &'static str,
        /// Why, as it says.
        reason: String,
    },
    /// The server closed the connection during the exchange.
    #[error(
        "the server closed the connection while the client was to show by SASL {mechanism} who it \
         is; servers before 3.5 refuse a wrong password so"
    )]
    SaslCutShort {
        /// The mechanism.
        mechanism: &'static str,
    },
    /// The application closed the client.
    #[error("the client was closed")]
    Closed,
    /// No session came about within the connect timeout.
    #[error("no server opened a session within {within:?}; the last attempt: {last}")]
    Unreachable {
        /// The connect timeout.
        within: Duration,
        /// What the last attempt failed with.
        last: Box<Loss>,
    },
    /// No attempt was made yet.
    #[error("none was made")]
    NotTried,
}
