//! What stands in front of every record but the connect pair.

use crate::codec::record;
use crate::{ErrorCode, Zxid};

/// Reserved transaction numbers. A client's own start at 1.
pub mod xid {
    /// A watch event.
    pub const NOTIFICATION: i32 = -1;
    /// A ping and its reply.
    pub const PING: i32 = -2;
    /// An authentication and its reply.
    pub const AUTH: i32 = -4;
    /// The C client's setWatches; Java's carries an ordinary number. A server echoes either.
    pub const SET_WATCHES: i32 = -8;
    /// The highest number of a client's own; 1 follows it.
    pub const MAX: i32 = i32::MAX - 1;
}

record! {
    /// In front of each request.
    #[derive(Copy)]
    pub struct RequestHeader {
        /// The client's number for the request, echoed in the reply; see [`xid`].
        pub xid: i32,
        /// The number of an [`OpCode`](crate::OpCode); left raw, since an unknown one has an
        /// answer of its own.
        pub op: i32,
    }
}

record! {
    /// In front of each reply and event.
    #[derive(Copy)]
    pub struct ReplyHeader {
        /// The request's number, or [`xid::NOTIFICATION`].
        pub xid: i32,
        /// The last transaction the server had applied when it replied; for an event the change
        /// (since 3.9.0) or -1. Only replies move the zxid a client has seen, and only if above 0.
        pub zxid: Zxid,
        /// How the request went. No record follows if it failed, but for SASL.
        pub err: ErrorCode,
    }
}

impl RequestHeader {
    /// The header's length on the wire.
    pub const LEN: usize = 8;
}

impl ReplyHeader {
    /// The header's length on the wire.
    pub const LEN: usize = 16;
}
