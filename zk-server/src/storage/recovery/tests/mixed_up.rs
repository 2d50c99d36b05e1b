//! Files that people have mixed up: copied over others, renamed, taken from another time.

use super::outcomes::{changed, with_file, without};
use super::*;
use crate::storage::format::{FileName, Packing};

const LOGS: [&str; 3] = ["log.1", "log.4", "log.7"];

/// Bytes of the last section of a snapshot.
const LAST_LEN: usize = 21;

fn named(zxid: i64) -> String {
    FileName::Snapshot(Zxid(zxid), Packing::Plain).to_string()
}

fn whole() -> SimDirectory {
    directory_of(&[1..=3, 4..=6, 7..=9])
}

fn with_snapshot(directory: &SimDirectory, last: i64) -> SimDirectory {
    let state = state_at(last);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    write_snapshot(&on(directory).snapshots, &state.tree, &sessions).unwrap();
    directory.clone()
}

fn renamed(directory: &SimDirectory, from: &str, to: &str) -> SimDirectory {
    with_file(&without(directory, from), to, &directory.content(from))
}

/// Everything, or a refusal; never less.
fn assert_all_or_nothing(directory: &SimDirectory, what: &str) {
    if let Ok(recovered) = start(directory) {
        assert_eq!(assert_whole(&recovered), 9, "{what}: {:?}", recovered.notes);
    }
}

#[test]
fn logs_that_are_swapped_copied_over_others_or_renamed_lose_nothing() {
    for snapshot in 0..=9 {
        let directory = with_snapshot(&whole(), snapshot);
        for one in LOGS {
            for other in LOGS {
                let (a, b) = (directory.content(one), directory.content(other));
                let copied = with_file(&without(&directory, other), other, &a);
                assert_all_or_nothing(&copied, &format!("{snapshot}: {one} over {other}"));
                let swapped = with_file(&without(&copied, one), one, &b);
                assert_all_or_nothing(&swapped, &format!("{snapshot}: {one} for {other}"));
            }
            for zxid in 1..12 {
                let name = FileName::Log(Zxid(zxid)).to_string();
                if !LOGS.contains(&&name[..]) {
                    let renamed = renamed(&directory, one, &name);
                    assert_all_or_nothing(&renamed, &format!("{snapshot}: {one} as {name}"));
                    let copy = with_file(&directory, &name, &directory.content(one));
                    assert_all_or_nothing(&copy, &format!("{snapshot}: {one} also as {name}"));
                }
            }
        }
    }
    let swapped = with_snapshot(&whole(), 6);
    let swapped = changed(&swapped, "log.7", |log| *log = swapped.content("log.4"));
    let refusal = refused(&swapped);
    assert!(refusal.starts_with("log.7 begins with transaction 0x4, and its name"), "{refusal}");
}

/// One that is named for less is applied again.
#[test]
fn a_snapshot_that_is_renamed_to_less_loses_nothing() {
    for last in 1..9 {
        for name in 1..=last {
            let directory = renamed(&with_snapshot(&whole(), last), &named(last), &named(name));
            let recovered = start(&directory).unwrap();
            assert_eq!((assert_whole(&recovered), recovered.snapshot), (9, Some(Zxid(name))));
        }
    }
}

/// One that is named for more would leave something out. Those of Apache before 3.9 do not say where
/// they end, and their digests may stand one transaction before their name.
#[test]
fn a_snapshot_that_is_renamed_to_more_is_not_used() {
    for last in 1..9 {
        let directory = with_snapshot(&whole(), last);
        let before_3_9 = changed(&directory, &named(last), |bytes| {
            bytes.truncate(bytes.len() - LAST_LEN);
        });
        for name in last + 1..12 {
            assert_not_used(&renamed(&directory, &named(last), &named(name)), last, name);
            if name > last + 1 {
                assert_not_used(&renamed(&before_3_9, &named(last), &named(name)), last, name);
            }
        }
    }
}

fn assert_not_used(directory: &SimDirectory, last: i64, name: i64) {
    let note = format!("it ends with transaction {}, and its name", Zxid(last));
    let alone = refused(&without(directory, "snapshot.0"));
    assert!(alone.contains(&note) && alone.contains("Give it the name it had"), "{alone}");
    if name > 9 {
        let short = format!("the logs end with transaction 0x9, and {}", named(name));
        let refusal = refused(directory);
        assert!(refusal.contains(&short) && refusal.contains(&note), "{refusal}");
        return;
    }
    let recovered = start(directory).unwrap();
    assert_eq!((assert_whole(&recovered), recovered.snapshot), (9, Some(Zxid(0))));
    assert!(recovered.notes[0].contains(&note), "{:?}", recovered.notes);
}

/// A snapshot is written when all up to its name is durable, so its name alone tells of that.
#[test]
fn a_damaged_snapshot_is_not_passed_over_for_less_than_it_had() {
    let directory = with_snapshot(&whole(), 8);
    let damaged = changed(&directory, "snapshot.8", |bytes| bytes[60] ^= 1);
    assert_eq!(assert_whole(&start(&damaged).unwrap()), 9);
    let short = changed(&damaged, "log.7", |log| log.truncate(200));
    let refusal = refused(&short);
    assert!(refusal.starts_with("the logs end with transaction 0x7, and snapshot.8"), "{refusal}");
    assert_eq!(refused(&short), refusal, "nothing was changed meanwhile");
    let alone = without(&without(&without(&damaged, "log.1"), "log.4"), "log.7");
    assert!(refused(&alone).contains("the logs end with transaction 0x0, and snapshot.8"));
    // An operator who does without it says so.
    assert_eq!(assert_whole(&start(&without(&short, "snapshot.8")).unwrap()), 7);
}

#[test]
fn a_snapshot_that_is_newer_than_all_logs_is_enough() {
    let directory = with_snapshot(&directory_of(&[1..=3]), 9);
    assert_eq!(assert_whole(&start(&directory).unwrap()), 9);
    writer(&directory, 9).append(&[txn(10)]).unwrap();
    assert_eq!(assert_whole(&start(&directory).unwrap()), 10);
}

/// Logs that another server, or this one in an earlier life, has written.
#[test]
fn logs_of_an_older_epoch_beside_newer_ones_are_not_taken_for_theirs() {
    let epoch = |zxid: i64| (1 << 32) + zxid;
    let newer = || {
        let directory = SimDirectory::default();
        let mut tree = DataTree::new(true);
        tree.stand_at(Zxid(epoch(3)));
        write_snapshot(&on(&directory).snapshots, &tree, &[]).unwrap();
        for zxid in 4..=6 {
            let delete = record(epoch(zxid), Txn::Delete { path: "/none".into() });
            writer(&directory, epoch(zxid - 1)).append(&[delete]).unwrap();
        }
        directory
    };
    let older = whole();
    for log in LOGS {
        let mixed = with_file(&newer(), log, &older.content(log));
        let recovered = start(&mixed).unwrap();
        assert_eq!(recovered.tree.last_zxid(), Zxid(epoch(6)), "{log}");
        assert_eq!(recovered.replayed, 3, "{log}");
        let name = FileName::Log(Zxid(epoch(4))).to_string();
        let refusal = refused(&with_file(&without(&newer(), &name), &name, &older.content(log)));
        assert!(refusal.contains("begins with transaction"), "{refusal}");
    }
    // The same when the older ones are all there is behind a snapshot of theirs.
    let mixed = with_file(&older, "log.100000004", &newer().content("log.100000004"));
    assert!(refused(&mixed).contains("does not follow 0x9"));
}

/// The clock of a machine may be set back; zxids order a history, and times only tell of it.
#[test]
fn a_clock_that_went_back_changes_nothing() {
    let directory = directory_of(&[]);
    let mut writer = writer(&directory, 0);
    for zxid in 1..=9 {
        let mut early = Arc::unwrap_or_clone(txn(zxid));
        early.header.time_ms = 1_000_000 - zxid * 70_000;
        writer.append(&[Arc::new(early)]).unwrap();
    }
    let recovered = start(&directory).unwrap();
    assert_eq!(recovered.tree.last_zxid(), Zxid(9));
    assert_eq!(recovered.tree.node("/node-8").unwrap().stat().ctime, 1_000_000 - 8 * 70_000);
    assert!(recovered.notes.is_empty(), "{:?}", recovered.notes);
}

/// What a snapshot covers is not read, and what is named so would not be either.
#[test]
fn a_log_that_is_renamed_to_what_a_snapshot_covers_is_found() {
    let directory = with_snapshot(&whole(), 8);
    let renamed = renamed(&directory, "log.7", "log.2");
    let refusal = refused(&renamed);
    assert!(refusal.starts_with("log.2 begins with transaction 0x7, and its name"), "{refusal}");
    let swapped = with_file(&without(&directory, "log.1"), "log.1", &directory.content("log.7"));
    assert!(refused(&without(&swapped, "log.7")).starts_with("log.1 begins with transaction 0x7"));
    // What is damaged or empty there is needed by nobody, and may have had any name.
    for bytes in [&b""[..], b"ZKLG", &[0; 700], &[7; 700]] {
        let useless = with_file(&directory, "log.2", bytes);
        assert_eq!(assert_whole(&start(&useless).unwrap()), 9);
    }
}
