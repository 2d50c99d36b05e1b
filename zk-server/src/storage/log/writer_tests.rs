use zk_proto::txn::Txn;

use super::*;
use crate::storage::format::test_record;
use crate::storage::tests::sim::SimDirectory;

/// The disk's operations for each of the batches, of one transaction each.
fn operations(settings: LogSettings, batches: i64) -> Vec<usize> {
    let directory = SimDirectory::default();
    let mut writer = LogWriter::new(Arc::new(directory.clone()), settings, Zxid::ZERO);
    let batch = |zxid| {
        let before = directory.operations();
        writer.append(&[test_record(zxid, Txn::CreateSession { timeout_ms: 4000 })]).unwrap();
        directory.operations() - before
    };
    (1..=batches).map(batch).collect()
}

#[test]
fn zeros_are_written_once_for_many_batches() {
    let settings = LogSettings::default();
    // Created, extended, written, zeros, synced, and the name kept; then written and synced.
    assert_eq!(operations(settings, 4), [6, 2, 2, 2]);
}

#[test]
fn no_zeros_are_written_where_no_room_was_taken_or_nothing_is_synced() {
    let bare = LogSettings { preallocation: 0, ..LogSettings::default() };
    assert_eq!(operations(bare, 3), [4, 2, 2]);
    let unsynced = LogSettings { force_sync: false, ..LogSettings::default() };
    assert_eq!(operations(unsynced, 3), [3, 1, 1]);
}

#[test]
fn what_is_written_before_the_zeros_stays() {
    let directory = SimDirectory::default();
    let settings = LogSettings { preallocation: 1 << 20, ..LogSettings::default() };
    let mut writer = LogWriter::new(Arc::new(directory.clone()), settings, Zxid::ZERO);
    let mut len = 0;
    let mut zxid = 0;
    while len < 2 * ZEROS.len() as u64 {
        zxid += 1;
        len +=
            writer.append(&[test_record(zxid, Txn::CreateSession { timeout_ms: 4000 })]).unwrap();
    }
    let content = directory.content("log.1");
    let (written, rest) = content.split_at(usize::try_from(len).unwrap());
    assert_eq!(written.last(), Some(&b'B'), "each entry ends with its mark");
    assert_eq!((content.len(), rest.iter().all(|byte| *byte == 0)), (1 << 20, true));
}
