//! A log that lives as long as somebody holds it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zk_proto::Zxid;

use super::{LogError, TxnLog, TxnRecord};

/// A transaction log in memory. Clones share the records, so that a server which starts with a
/// clone of another one's log takes up where that one stopped.
///
/// It keeps every record for ever: right for a test, wrong for a server that runs for days.
#[derive(Clone, Debug, Default)]
pub struct MemoryTxnLog {
    records: Arc<Mutex<Vec<Arc<TxnRecord>>>>,
}

impl MemoryTxnLog {
    /// The zxid of the last record; [`Zxid::ZERO`] if there is none.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.records().last().map_or(Zxid::ZERO, |record| record.header.zxid)
    }

    /// The list is whole after every push, so a panic elsewhere does not spoil it.
    fn records(&self) -> MutexGuard<'_, Vec<Arc<TxnRecord>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TxnLog for MemoryTxnLog {
    fn append(&mut self, record: Arc<TxnRecord>) -> Result<(), LogError> {
        let mut records = self.records();
        if let Some(last) = records.last()
            && last.header.zxid >= record.header.zxid
        {
            let (last, zxid) = (last.header.zxid, record.header.zxid);
            return Err(LogError { reason: format!("{zxid} was appended behind {last}") });
        }
        records.push(record);
        Ok(())
    }

    fn sync(&mut self) -> Result<Zxid, LogError> {
        Ok(self.last_zxid())
    }

    fn replay(&self) -> Box<dyn Iterator<Item = Result<Arc<TxnRecord>, LogError>> + '_> {
        let records = self.records().clone();
        Box::new(records.into_iter().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use zk_proto::txn::{Txn, TxnHeader};
    use zk_proto::{ErrorCode, OpCode, SessionId};

    use super::*;

    fn record(zxid: i64) -> Arc<TxnRecord> {
        let op = OpCode::Error.code();
        let header = TxnHeader { session: SessionId(1), cxid: 1, zxid: Zxid(zxid), time_ms: 0, op };
        Arc::new(TxnRecord { header, txn: Txn::Error(ErrorCode::NoNode), digest: None })
    }

    #[test]
    fn a_clone_replays_what_the_original_was_given() {
        let mut log = MemoryTxnLog::default();
        let successor = log.clone();
        log.append(record(1)).unwrap();
        log.append(record(2)).unwrap();
        assert_eq!(log.sync().unwrap(), Zxid(2));
        let replayed: Vec<_> = successor.replay().map(|r| r.unwrap().header.zxid).collect();
        assert_eq!(replayed, [Zxid(1), Zxid(2)]);
    }

    #[test]
    fn a_record_out_of_order_is_refused() {
        let mut log = MemoryTxnLog::default();
        log.append(record(2)).unwrap();
        let error = log.append(record(2)).unwrap_err().to_string();
        assert!(error.contains("0x2 was appended behind 0x2"), "{error}");
    }
}
