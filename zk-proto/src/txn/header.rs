//! What every transaction has.

use crate::codec::record;
use crate::{SessionId, Zxid};

record! {
    /// In front of each transaction; 32 bytes.
    #[derive(Copy)]
    pub struct TxnHeader {
        /// The session that asked for it.
        pub session: SessionId,
        /// That client's number for the request; 0 for what a server asked for itself.
        pub cxid: i32,
        /// The transaction's place in the order of all.
        pub zxid: Zxid,
        /// The leader's wall clock in ms since the epoch; becomes `ctime` and `mtime`.
        pub time_ms: i64,
        /// The number of an [`OpCode`](crate::OpCode), naming the body's type.
        pub op: i32,
    }
}
