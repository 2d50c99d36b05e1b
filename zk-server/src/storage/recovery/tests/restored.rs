//! What a start finds behind an operator's restore: a snapshot that is in no log, and a gap in front
//! of what was written behind it.

use super::*;
use crate::storage::snapshot_file::SnapshotFile;

const LAST: i64 = 7;
/// Where the restored data stand: there is no transaction of this number.
const RESTORED: i64 = LAST + 1;

/// The data that are restored: as after the second transaction.
fn then() -> DataTree {
    state_at(2).tree
}

/// Logs of 7 transactions, and the data of after the second restored; `files` says how far that is.
fn restored() -> SimDirectory {
    let directory = directory_of(&[1..=3, 4..=LAST]);
    let tree = then();
    let mut file = SnapshotFile::begin_open(Arc::clone(&on(&directory).snapshots), &tree);
    while file.take(&tree) {
        file.write().unwrap();
    }
    file.close(Zxid(RESTORED), tree.digest()).unwrap();
    file.publish(Zxid(RESTORED)).unwrap();
    directory
}

fn write_on(directory: &SimDirectory) {
    let mut writer = writer(directory, LAST);
    writer.skip_to(Zxid(RESTORED));
    let mark = Txn::Error(zk_proto::ErrorCode::RuntimeInconsistency);
    writer.append(&[record(RESTORED + 1, mark)]).unwrap();
    writer.append(&[record(RESTORED + 2, Txn::Delete { path: "/node-2".into() })]).unwrap();
}

fn nodes(tree: &DataTree) -> Vec<String> {
    let root = tree.node("/").unwrap();
    root.children().filter(|name| *name != "zookeeper").map(str::to_owned).collect()
}

#[test]
fn the_restored_data_are_there_and_not_what_was_before() {
    let directory = restored();
    let recovered = start(&directory).unwrap();
    assert_eq!(recovered.tree.last_zxid(), Zxid(RESTORED));
    assert_eq!(nodes(&recovered.tree), nodes(&then()));
    assert!(recovered.sessions.is_empty() && recovered.notes.is_empty());
    write_on(&directory);
    let recovered = start(&directory).unwrap();
    assert_eq!(recovered.tree.last_zxid(), Zxid(RESTORED + 2));
    assert!(nodes(&recovered.tree).is_empty(), "and what was written behind it");
    assert_eq!((recovered.digest_mismatches, &recovered.notes[..]), (0, &[][..]));
}

#[test]
fn a_log_that_was_only_begun_behind_it_is_removed() {
    let directory = restored();
    for begun in [&b""[..], &b"ZKLG"[..]] {
        let kept =
            directory.names().into_iter().map(|name| (name.clone(), directory.content(&name)));
        let log = (format!("log.{:x}", RESTORED + 1), begun.to_vec());
        let directory = SimDirectory::with(kept.chain([log]));
        let recovered = start(&directory).unwrap();
        assert_eq!(recovered.tree.last_zxid(), Zxid(RESTORED));
        assert_eq!(nodes(&recovered.tree), nodes(&then()));
    }
}

/// The former history must not come back in its place, with what was written behind it on top.
#[test]
fn without_the_restored_snapshot_the_gap_is_found() {
    let directory = restored();
    write_on(&directory);
    let name = format!("snapshot.{RESTORED:x}");
    let kept = directory.names().into_iter().map(|file| {
        let mut bytes = directory.content(&file);
        if file == name {
            bytes.truncate(100);
        }
        (file, bytes)
    });
    let directory = SimDirectory::with(kept);
    let refusal = refused(&directory);
    assert!(refusal.contains("log.9 goes on with transaction 0x9"), "{refusal}");
    assert!(refusal.contains("does not follow 0x7"), "{refusal}");
}
