//! The number that tells a later holder from an earlier one.

use std::fmt;

use zk_client::Zxid;

/// A number that grows with each holder of one lock (or leader of one election).
///
/// A lock in a distributed system is a lease: a holder that was paused may wake up and write after
/// somebody else got the lock. Whatever the lock protects can refuse such a write if every write
/// carries this token and a smaller one than seen before is rejected.
///
/// It is the zxid that created the holder's node: one order over the whole ensemble, for all locks,
/// through restarts and changes of the leader. It starts over only when an ensemble is built anew
/// from nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(pub i64);

impl FencingToken {
    pub(crate) fn of(created: Zxid) -> Self {
        Self(created.0)
    }
}

impl From<FencingToken> for i64 {
    fn from(token: FencingToken) -> Self {
        token.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
