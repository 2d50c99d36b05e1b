//! What goes through a session: requests, and how they end.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{ErrorCode, OpCode, Zxid};

use super::watches::Watch;

/// Where the xid stands in a frame, behind the length.
pub(crate) const XID_AT: usize = 4;
/// The length prefix and the request header.
pub(crate) const FRAME_LEN_MIN: usize = 12;

/// The number of a request within its session machine; later requests have higher ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RequestId(pub(crate) u64);

/// What becomes of a request whose connection is lost before its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// May be carried out twice without harm: sent again on the next connection.
    Read,
    /// Fails with [`Failure::ConnectionLoss`] once it was sent: nobody knows whether it took
    /// effect. Before that it stays in line.
    Write,
}

/// One request.
pub(crate) struct Request<R, W> {
    /// The whole frame, from [`encode_request`]: the machine fills in the xid each time it sends
    /// it.
    pub(crate) frame: BytesMut,
    /// Its fate when the connection is lost.
    pub(crate) class: Class,
    /// When it fails with [`Failure::TimedOut`] if it has no reply.
    pub(crate) deadline: Option<Instant>,
    /// The number of the only session it may be sent in; it fails with
    /// [`Failure::SessionExpired`] when that is over. `None`: whichever is current.
    pub(crate) epoch: Option<u64>,
    /// The watch that the reply sets.
    pub(crate) watch: Option<Watch<W>>,
    /// The caller's, handed back with the outcome.
    pub(crate) reply: R,
}

impl<R, W> Request<R, W> {
    /// A request without deadline or watch, for whichever session is current.
    pub(crate) fn new(frame: BytesMut, class: Class, reply: R) -> Self {
        Self { frame, class, deadline: None, epoch: None, watch: None, reply }
    }
}

/// The data of a request may be secret, so only its size is shown.
impl<R, W> fmt::Debug for Request<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("len", &self.frame.len())
            .field("class", &self.class)
            .field("deadline", &self.deadline)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Encodes a request as the machine wants it: length, room for the xid, op code, record.
pub(crate) fn encode_request(op: OpCode, record: &impl Encode) -> BytesMut {
    let mut frame = BytesMut::with_capacity(FRAME_LEN_MIN + record.len_hint());
    encode_request_into(&mut frame, op, record);
    frame
}

/// As [`encode_request`], into a buffer that is there.
pub(crate) fn encode_request_into(frame: &mut BytesMut, op: OpCode, record: &impl Encode) {
    encode_frame(frame, |out| {
        out.put_i32(0);
        out.put_i32(op.code());
        record.encode(out);
    });
}

/// Encodes a request that is nothing but its header.
pub(crate) fn encode_bare_request(op: OpCode) -> BytesMut {
    let mut frame = BytesMut::with_capacity(FRAME_LEN_MIN);
    encode_frame(&mut frame, |out| {
        out.put_i32(0);
        out.put_i32(op.code());
    });
    frame
}

/// How a request ends. Each request has exactly one outcome.
pub(crate) type Outcome = Result<Reply, Failure>;

/// The answer to a request that succeeded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The number under which the request was sent last; 0 for what has none.
    pub(crate) xid: i32,
    /// The last transaction the server had applied; for a write its own.
    pub(crate) zxid: Zxid,
    /// The record behind the header, without a copy. Newer servers may append to it.
    pub(crate) body: Bytes,
}

/// What a node holds may be secret, so only the size is shown.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("xid", &self.xid)
            .field("zxid", &self.zxid)
            .field("len", &self.body.len())
            .finish()
    }
}

impl Reply {
    /// The answer to what needs none.
    pub(crate) const NONE: Self = Self { xid: 0, zxid: Zxid::ZERO, body: Bytes::new() };
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The server said no.
    #[error("the server answered: {0}")]
    Code(ErrorCode),
    /// The connection was lost after the request was sent. Whether it took effect is unknown.
    #[error("the connection was lost before the reply: whether the request took effect is unknown")]
    ConnectionLoss,
    /// The session is over. The request was not carried out in it.
    #[error("the session has expired; its ephemeral nodes and watches are gone")]
    SessionExpired,
    /// The deadline of the request passed.
    #[error("no reply in time")]
    TimedOut {
        /// Whether the request had been sent: then a write may still take effect, or may have.
        in_flight: bool,
    },
    /// The client could not authenticate, for good: what was refused, and by whom.
    #[error("{0}; no request can be sent")]
    AuthFailed(Arc<str>),
    /// The client was closed. The request was not sent.
    #[error("the client is closed")]
    Closed,
    /// No server gave the client a session within its connect timeout. The request was not sent.
    #[error("no server could be reached in time; check the connect string and the servers")]
    Unreachable,
    /// More requests are outstanding than the settings allow. The request was not sent.
    #[error("too many requests are outstanding; wait for replies before sending more")]
    QueueFull,
    /// More credentials than the session remembers. Nothing was sent.
    #[error("too many different credentials; {} is the limit", super::auth::CREDENTIALS_MAX)]
    TooManyCredentials,
    /// The request's frame is longer than servers accept. It was not sent.
    #[error("the request of {len} bytes is over the limit of {limit}; send less at once")]
    RequestTooLong {
        /// The frame's bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The reply is longer than the client accepts. A write was carried out, a read is not
    /// repeated: it would fail the same way.
    #[error("the reply of {len} bytes is over the limit of {limit}; raise the client's limit")]
    ReplyTooLong {
        /// The frame's bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
}
