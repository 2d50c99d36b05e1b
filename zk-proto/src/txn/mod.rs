//! Transactions: what servers log, replicate and apply.
//!
//! A transaction holds final results (sequence numbers drawn, versions counted up), so that applying
//! it needs no decision and applying it twice changes nothing. The bytes are Apache's, the same in
//! logs and in proposals: a [`TxnHeader`], then the body its type calls for, then a [`TxnDigest`] if
//! its writer computes any.

mod body;
mod digest;
mod header;

pub use body::Txn;
pub use digest::TxnDigest;
pub use header::TxnHeader;
