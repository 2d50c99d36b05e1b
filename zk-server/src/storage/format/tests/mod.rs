//! The bytes of Apache's server, and of ours when they are cut or damaged.

mod fixtures;
mod tails;

use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{SessionId, Zxid};

use super::{LogEnd, LogEntry, LogReader, encode_entry, encode_header};
use crate::storage::log::TxnRecord;

pub(crate) fn record(zxid: i64, txn: Txn) -> Arc<TxnRecord> {
    let op = txn.op().code();
    let header =
        TxnHeader { session: SessionId(7), cxid: 1, zxid: Zxid(zxid), time_ms: zxid * 1000, op };
    Arc::new(TxnRecord { header, txn, digest: None })
}

/// All entries of a log with their offsets, and how it ends.
fn read(bytes: &[u8]) -> (Vec<(u64, LogEntry)>, LogEnd) {
    let mut reader = LogReader::new(bytes).unwrap();
    let mut entries = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        entries.push(entry);
    }
    (entries, reader.end().unwrap().clone())
}

/// A log of batches, as many transactions in each as said, and where each batch begins.
fn log_of(batches: &[usize]) -> (BytesMut, Vec<u64>) {
    let mut bytes = BytesMut::new();
    encode_header(&mut bytes);
    let (mut zxid, mut starts) = (0, Vec::new());
    for (i, count) in batches.iter().enumerate() {
        let mark = if i == 0 { 0 } else { bytes.len() as u64 };
        starts.push(bytes.len() as u64);
        for _ in 0..*count {
            zxid += 1;
            let txn = Txn::Delete { path: format!("/node-{zxid}") };
            encode_entry(&record(zxid, txn), Some(mark), &mut bytes);
        }
    }
    (bytes, starts)
}
