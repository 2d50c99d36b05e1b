//! The transaction log: what was decided, in zxid order, before anybody sees it.

mod discard;
mod flush_policy;
mod memory;
mod writer;

use std::sync::Arc;

use zk_proto::Zxid;
use zk_proto::txn::{Txn, TxnDigest, TxnHeader};

pub use discard::DiscardTxnLog;
pub use flush_policy::{FlushPolicy, LastBatch, Patience};
pub use memory::MemoryTxnLog;
pub use writer::{LogSettings, LogWriter};

/// One transaction as it is logged, applied and (later) sent to other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnRecord {
    /// Who asked, when, and the transaction's place in the order.
    pub header: TxnHeader,
    /// What changes.
    pub txn: Txn,
    /// What the tree adds up to after it, if its writer said so.
    pub digest: Option<TxnDigest>,
}

/// A transaction log.
///
/// The contract with the server:
///
/// 1. records are appended in strictly ascending zxid order, without gaps inside an epoch;
/// 2. a record counts only after a `sync` that returned its zxid or a later one; `sync` may cover
///    many records, which is what makes a log fast;
/// 3. after a failed `append` or `sync` the log is not to be used again: what is on the medium is
///    unknown, and a second `sync` that succeeds would prove nothing.
pub trait TxnLog: Send {
    /// Adds one record behind the last one.
    ///
    /// # Errors
    ///
    /// When the medium refuses it. The server must stop serving.
    fn append(&mut self, record: Arc<TxnRecord>) -> Result<(), LogError>;

    /// Makes everything that was appended durable, and says up to which zxid.
    /// [`Zxid::ZERO`] for an empty log.
    ///
    /// # Errors
    ///
    /// When the medium fails. The server must stop serving.
    fn sync(&mut self) -> Result<Zxid, LogError>;

    /// All records from the first to the last, for a server that starts.
    fn replay(&self) -> Box<dyn Iterator<Item = Result<Arc<TxnRecord>, LogError>> + '_>;
}

/// The transaction log failed; nothing that was not durable yet may be acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the transaction log failed, and the server stops so that no write is lost: {reason}")]
pub struct LogError {
    /// What the medium said.
    pub reason: String,
}
