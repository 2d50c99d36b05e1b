//! What is found, and what becomes of it.

mod crashes;
mod digests;
mod fixtures;
mod mixed_up;
mod outcomes;
mod restored;
mod rot;

use std::sync::Arc;

use zk_proto::txn::Txn;
use zk_proto::{Acl, SessionId, Zxid};

use super::{Directories, Recovered, RecoveryError, RecoverySettings, recover};
use crate::storage::directory::Directory;
use crate::storage::format::{RECORD_LEN_MAX, test_record as record};
use crate::storage::log::{LogSettings, LogWriter, TxnRecord};
use crate::storage::snapshot_file::write_snapshot;
use crate::storage::tests::sim::SimDirectory;
use crate::tree::DataTree;

/// Small, so that a log is extended now and then.
const PREALLOCATION: u64 = 8192;

const SETTINGS: RecoverySettings =
    RecoverySettings { extended_types: true, longest: RECORD_LEN_MAX, trust_empty: false };

fn on(directory: &SimDirectory) -> Directories {
    let shared: Arc<dyn Directory> = Arc::new(directory.clone());
    Directories { snapshots: Arc::clone(&shared), logs: shared, shared: true }
}

fn start(directory: &SimDirectory) -> Result<Recovered, RecoveryError> {
    recover(&on(directory), SETTINGS)
}

fn refused(directory: &SimDirectory) -> String {
    start(directory).expect_err("it must not start").to_string()
}

/// The transaction with this number: sessions, and nodes below each other.
fn txn(zxid: i64) -> Arc<TxnRecord> {
    let node = |zxid| format!("/node-{zxid}");
    record(
        zxid,
        match zxid % 5 {
            1 => Txn::CreateSession { timeout_ms: 4000 },
            2 | 3 => Txn::Create {
                with_stat: false,
                path: node(zxid),
                data: Some(vec![7; 40].into()),
                acl: Acl::read_only().into(),
                ephemeral: zxid % 5 == 3,
                parent_cversion: i32::try_from(zxid).unwrap(),
            },
            4 => Txn::SetData { path: node(zxid - 2), data: None, version: 1 },
            _ => Txn::Delete { path: node(zxid - 3) },
        },
    )
}

fn writer(directory: &SimDirectory, last: i64) -> LogWriter {
    let settings = LogSettings { preallocation: PREALLOCATION, ..LogSettings::default() };
    LogWriter::new(Arc::new(directory.clone()), settings, Zxid(last))
}

/// A directory with `snapshot.0` and logs of these transactions, a file for each range.
fn directory_of(files: &[std::ops::RangeInclusive<i64>]) -> SimDirectory {
    let directory = SimDirectory::default();
    let empty = DataTree::new(true);
    write_snapshot(&on(&directory).snapshots, &empty, &[]).unwrap();
    for range in files {
        let mut writer = writer(&directory, *range.start() - 1);
        for zxid in range.clone() {
            writer.append(&[txn(zxid)]).unwrap();
        }
    }
    directory
}

/// The state after the first `last` transactions.
fn state_at(last: i64) -> Recovered {
    let mut state = Recovered::empty(true);
    for zxid in 1..=last {
        let record = txn(zxid);
        state.apply(&record.header, &record.txn);
    }
    state
}

/// Holds a recovered state to be the one after its last transaction.
fn assert_whole(recovered: &Recovered) -> i64 {
    let last = recovered.tree.last_zxid().0;
    let wanted = state_at(last);
    assert_eq!(recovered.tree.dump(), wanted.tree.dump(), "after {last}");
    assert_eq!(recovered.sessions, wanted.sessions, "after {last}");
    last
}

fn session() -> SessionId {
    SessionId(7)
}
