//! One outcome for everything that may be found.

use super::*;
use crate::storage::format::{FileName, Packing};
use crate::storage::purge::{KnownSnapshots, RETAINED_MIN, purge};
use crate::storage::snapshot_file::{SnapshotFile, verify_snapshot};

/// The same directory with one file's bytes changed.
pub(super) fn changed(
    directory: &SimDirectory,
    name: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> SimDirectory {
    let mut content = directory.content(name);
    change(&mut content);
    let files = directory.names().into_iter().map(|file| {
        let bytes = directory.content(&file);
        (file, bytes)
    });
    let mut files: Vec<_> = files.filter(|(file, _)| file != name).collect();
    files.push((name.to_owned(), content));
    SimDirectory::with(files)
}

pub(super) fn with_file(directory: &SimDirectory, name: &str, bytes: &[u8]) -> SimDirectory {
    let files = directory.names().into_iter().map(|file| {
        let bytes = directory.content(&file);
        (file, bytes)
    });
    let mut files: Vec<_> = files.collect();
    files.push((name.to_owned(), bytes.to_vec()));
    SimDirectory::with(files)
}

pub(super) fn without(directory: &SimDirectory, name: &str) -> SimDirectory {
    let files = directory.names().into_iter().filter(|file| file != name);
    SimDirectory::with(files.map(|file| {
        let bytes = directory.content(&file);
        (file, bytes)
    }))
}

/// Where the log's zeros begin.
pub(super) fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn nothing_is_a_first_start() {
    let recovered = start(&SimDirectory::default()).unwrap();
    assert_eq!((recovered.snapshot, recovered.tree.last_zxid()), (None, Zxid::ZERO));
    let leftover = SimDirectory::with([(FileName::temporary(Zxid(0)), b"ZK".to_vec())]);
    assert_eq!(start(&leftover).unwrap().snapshot, None);
    assert!(leftover.names().is_empty());
    let foreign = SimDirectory::with([("myid".to_owned(), b"1".to_vec())]);
    assert_eq!(start(&foreign).unwrap().snapshot, None);
    assert_eq!(foreign.names(), ["myid"]);
}

#[test]
fn logs_without_a_snapshot_are_refused() {
    let directory = without(&directory_of(&[1..=9]), "snapshot.0");
    let refusal = refused(&directory);
    assert!(refusal.contains("no snapshot that can be read"), "{refusal}");
    assert!(refusal.contains("`snapshot.trust.empty=true`"), "{refusal}");
}

#[test]
fn logs_without_a_snapshot_are_the_whole_history_if_they_are_trusted() {
    let trusting = RecoverySettings { trust_empty: true, ..SETTINGS };
    let start = |directory: &SimDirectory| recover(&on(directory), trusting);
    let recovered = start(&without(&directory_of(&[1..=3, 4..=12]), "snapshot.0")).unwrap();
    assert_eq!((assert_whole(&recovered), recovered.replayed), (12, 12));
    assert_eq!(recovered.snapshot, None);
    assert!(recovered.notes[0].contains("2 logs but no snapshot"), "{:?}", recovered.notes);
    // Its beginning must be there, and what was a snapshot is not passed over.
    let late = without(&directory_of(&[4..=12]), "snapshot.0");
    assert!(matches!(start(&late), Err(RecoveryError::Order { .. })));
    let damaged = changed(&directory_of(&[1..=3]), "snapshot.0", Vec::clear);
    let refusal = start(&damaged).unwrap_err().to_string();
    assert!(refusal.contains("snapshot.0 cannot be used"), "{refusal}");
    assert!(!refusal.contains("trust"), "{refusal}");
    // Where there is one, trust changes nothing.
    let whole = start(&directory_of(&[1..=3])).unwrap();
    assert_eq!((whole.snapshot, whole.notes.len()), (Some(Zxid(0)), 0));
}

#[test]
fn everything_in_the_logs_is_there_again() {
    let directory = directory_of(&[1..=3, 4..=4, 5..=12]);
    let recovered = start(&directory).unwrap();
    assert_eq!(assert_whole(&recovered), 12);
    assert_eq!((recovered.snapshot, recovered.replayed), (Some(Zxid(0)), 12));
    assert!(recovered.notes.is_empty(), "{:?}", recovered.notes);
    assert_eq!(recovered.last_session_ids.get(&0), Some(&session()));
}

#[test]
fn a_snapshot_spares_the_logs_before_it() {
    let directory = directory_of(&[1..=3, 4..=7, 8..=12]);
    let state = state_at(7);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    write_snapshot(&on(&directory).snapshots, &state.tree, &sessions).unwrap();
    let recovered = start(&directory).unwrap();
    assert_eq!((assert_whole(&recovered), recovered.replayed), (12, 5));
    // What it covers is not needed any more, whatever it has become.
    let directory = changed(&without(&directory, "log.1"), "log.4", |log| log[20] ^= 1);
    assert_eq!(assert_whole(&start(&directory).unwrap()), 12);
    // Its own log may be gone, too.
    let directory = without(&without(&directory, "log.4"), "log.8");
    assert_eq!(assert_whole(&start(&directory).unwrap()), 7);
}

#[test]
fn an_unreadable_snapshot_is_passed_over_for_an_older_one_with_all_logs() {
    let directory = directory_of(&[1..=7, 8..=12]);
    write_snapshot(&on(&directory).snapshots, &state_at(9).tree, &[]).unwrap();
    for bad in [Vec::new(), b"ZKSN".to_vec(), vec![0; 400]] {
        let directory = changed(&directory, "snapshot.9", |bytes| *bytes = bad);
        let recovered = start(&directory).unwrap();
        assert_eq!((assert_whole(&recovered), recovered.snapshot), (12, Some(Zxid(0))));
        assert!(recovered.notes[0].contains("snapshot.9"), "{:?}", recovered.notes);
        // Not without the logs that the older one needs.
        let refusal = refused(&without(&directory, "log.1"));
        assert!(refusal.contains("log.8 goes on with transaction 0x8"), "{refusal}");
    }
}

#[test]
fn snapshots_by_gzip_are_written_and_read() {
    let directory = directory_of(&[1..=7, 8..=12]);
    let state = state_at(9);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    let snapshots = on(&directory).snapshots;
    let mut snapshot = SnapshotFile::begin(snapshots, Packing::Gzip, &state.tree, &sessions);
    while snapshot.take(&state.tree) {
        snapshot.write().unwrap();
    }
    snapshot.finish().unwrap();
    assert_eq!(directory.names(), ["log.1", "log.8", "snapshot.0", "snapshot.9.gz"]);
    assert!(directory.content("snapshot.9.gz").starts_with(&[0x1f, 0x8b]), "gzip's magic");
    verify_snapshot(&directory, Zxid(9), Packing::Gzip).unwrap();
    let recovered = start(&directory).unwrap();
    assert_eq!((assert_whole(&recovered), recovered.snapshot), (12, Some(Zxid(9))));
    let torn = changed(&directory, "snapshot.9.gz", |bytes| bytes.truncate(bytes.len() / 2));
    let recovered = start(&torn).unwrap();
    assert_eq!((assert_whole(&recovered), recovered.snapshot), (12, Some(Zxid(0))));
    assert!(recovered.notes[0].contains("snapshot.9.gz"), "{:?}", recovered.notes);
}

/// Hazard: the newest snapshots are bad, and the older ones, which are needed, were removed.
#[test]
fn a_purge_keeps_what_a_start_needs_when_the_newest_snapshots_are_bad() {
    let directory = directory_of(&[1..=3, 4..=6, 7..=9, 10..=12]);
    for last in [3, 6, 9, 12] {
        let state = state_at(last);
        let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
        write_snapshot(&on(&directory).snapshots, &state.tree, &sessions).unwrap();
    }
    for (bad, removed) in [
        (&[][..], &["snapshot.0", "snapshot.3", "log.1"][..]),
        (&["snapshot.c"], &["snapshot.0"]),
        (&["snapshot.c", "snapshot.9"], &[]),
        (&["snapshot.c", "snapshot.9", "snapshot.6"], &[]),
    ] {
        let directory = bad.iter().fold(directory.after_kill(), |directory, name| {
            changed(&directory, name, |bytes| bytes[40] ^= 1)
        });
        let mut known = KnownSnapshots::default();
        let purged = purge(&on(&directory), RETAINED_MIN, &mut known).unwrap();
        assert_eq!(purged.removed, removed, "{bad:?}");
        let unusable: Vec<_> = purged.unusable.iter().map(|(name, _)| &name[..]).collect();
        assert_eq!(unusable, bad);
        assert_eq!(assert_whole(&start(&directory).unwrap()), 12, "{bad:?}");
    }
}

#[test]
fn a_torn_end_of_the_last_log_is_cut_off() {
    let directory = directory_of(&[1..=3, 4..=9]);
    let end = written(&directory.content("log.4"));
    for cut in 1..30 {
        let torn = changed(&directory, "log.4", |log| log[end - cut..].fill(0));
        let recovered = start(&torn).unwrap();
        assert_eq!(assert_whole(&recovered), 8, "{cut}");
        assert_eq!(recovered.notes.len(), 1, "{:?}", recovered.notes);
        let recovered = start(&torn).unwrap();
        assert_eq!((assert_whole(&recovered), recovered.notes.len()), (8, 0), "it is cut");
        writer(&torn, 8).append(&[txn(9)]).unwrap();
        assert_eq!(assert_whole(&start(&torn).unwrap()), 9);
    }
}

#[test]
fn damage_in_any_log_stops_the_server_and_names_the_place() {
    let directory = directory_of(&[1..=6, 7..=9]);
    for (name, at, advice) in [
        ("log.1", 40, "move log.1 and all logs behind it"),
        ("log.1", 300, "`zk-server log cut --keep-to 0x2 log.1`, in its directory, makes"),
        ("log.7", 40, "move log.7 and all logs behind it"),
        ("log.7", 200, "`zk-server log cut --keep-to 0x7 log.7`, in its directory, makes"),
    ] {
        let refusal = refused(&changed(&directory, name, |log| log[at] ^= 1));
        assert!(refusal.starts_with(&format!("{name} is damaged at offset ")), "{refusal}");
        assert!(refusal.contains(advice), "{refusal}");
    }
    // The last transaction of a log that another one follows was durable.
    let end = written(&directory.content("log.1"));
    let refusal = refused(&changed(&directory, "log.1", |log| log.truncate(end - 3)));
    assert!(refusal.starts_with("log.1 is damaged at offset "), "{refusal}");
}

/// As Apache does it: the next log writes the transaction anew that the former one has in part.
#[test]
fn a_torn_end_that_the_next_log_goes_on_from_is_passed_over() {
    let directory = directory_of(&[1..=6, 6..=9]);
    let end = written(&directory.content("log.1"));
    let directory = changed(&directory, "log.1", |log| log[end - 3..].fill(0));
    assert_eq!(assert_whole(&start(&directory).unwrap()), 9);
}

#[test]
fn gaps_and_repetitions_stop_the_server() {
    for (files, complaint) in [
        ([1..=3, 5..=9], "log.5 goes on with transaction 0x5 at offset 16"),
        ([1..=3, 3..=9], "log.3 goes on with transaction 0x3 at offset 16"),
        ([2..=3, 4..=9], "log.2 goes on with transaction 0x2 at offset 16"),
    ] {
        let refusal = refused(&directory_of(&files));
        assert!(refusal.contains(complaint), "{refusal}");
    }
}

#[test]
fn a_log_that_was_only_begun_is_removed() {
    let directory = directory_of(&[1..=3]);
    for begun in [&b""[..], &b"ZKLG"[..], &[0; 700], &b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0"[..]] {
        let directory = with_file(&directory, "log.4", begun);
        let recovered = start(&directory).unwrap();
        assert_eq!((assert_whole(&recovered), recovered.notes.len()), (3, 1));
        assert_eq!(directory.names(), ["log.1", "snapshot.0"]);
        // One that was begun later says that there were transactions before it.
        let later = with_file(&directory, "log.6", begun);
        assert!(refused(&later).contains("log.6 goes on with transaction 0x6"));
    }
}

#[test]
fn a_later_epoch_may_follow_anywhere() {
    let directory = directory_of(&[1..=3]);
    let mut writer = writer(&directory, 3);
    let first = (1_i64 << 32) + 1;
    let delete = |zxid| record(zxid, Txn::Delete { path: "/none".into() });
    writer.append(&[delete(first), delete(first + 1)]).unwrap();
    assert_eq!(start(&directory).unwrap().tree.last_zxid(), Zxid(first + 1));
    writer.append(&[delete((3 << 32) + 2)]).unwrap();
    assert!(refused(&directory).contains("does not follow"));
}

#[test]
fn files_in_the_wrong_one_of_two_directories_are_refused() {
    let (snapshots, logs) = (directory_of(&[1..=3]), SimDirectory::default());
    let directories =
        Directories { snapshots: Arc::new(snapshots), logs: Arc::new(logs), shared: false };
    let refusal = recover(&directories, SETTINGS).unwrap_err().to_string();
    assert!(refusal.contains("log.1 is in the wrong directory"), "{refusal}");
}
