//! Files that a disk has changed, or of which it lost the end: a start has all that was
//! acknowledged, or does not happen, and says where.

use super::fixtures::path;
use super::outcomes::{changed, written};
use super::*;

/// Transactions one by one and in batches, and snapshots between them.
fn ours() -> SimDirectory {
    let directory = directory_of(&[1..=4]);
    let mut writer = writer(&directory, 4);
    writer.append(&[txn(5), txn(6)]).unwrap();
    write_state(&directory, 6);
    writer.roll();
    writer.append(&[txn(7)]).unwrap();
    writer.append(&[txn(8), txn(9), txn(10), txn(11)]).unwrap();
    directory
}

fn write_state(directory: &SimDirectory, last: i64) {
    let state = state_at(last);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    write_snapshot(&on(directory).snapshots, &state.tree, &sessions).unwrap();
}

fn apaches(name: &str) -> SimDirectory {
    SimDirectory::load(&path().join(name))
}

fn only_with_snapshot(directory: &SimDirectory, snapshot: &str) -> SimDirectory {
    let names = directory.names().into_iter();
    let kept = names.filter(|name| name.starts_with("log.") || name == snapshot);
    SimDirectory::with(kept.map(|name| (name.clone(), directory.content(&name))))
}

/// All of what there is: the tree with its digests, and the sessions.
fn all_of(recovered: &Recovered) -> String {
    let (tree, sessions) = (recovered.tree.dump(), &recovered.sessions);
    format!("{:?} {tree:?} {sessions:?}", recovered.tree.last_zxid())
}

/// Bytes behind the end of a log that are changed as well.
const ZEROS_LEN: usize = 40;

/// How often a start had everything, and how often it was refused.
#[derive(Debug, Default)]
struct Outcomes {
    whole: usize,
    refused: usize,
}

/// Changes each byte of a file, or one in `step`, and holds the outcome to be everything or a refusal that names the
/// place.
fn flip_bytes(directory: &SimDirectory, name: &str, step: usize) -> Outcomes {
    let all = all_of(&start(directory).unwrap());
    let len = directory.content(name).len().min(written(&directory.content(name)) + ZEROS_LEN);
    let mut outcomes = Outcomes::default();
    for at in (0..len).step_by(step) {
        let flipped = changed(directory, name, |bytes| bytes[at] ^= 1 << (at % 8));
        match start(&flipped) {
            Ok(recovered) => {
                assert_eq!(all_of(&recovered), all, "{name} at {at}: {:?}", recovered.notes);
                outcomes.whole += 1;
            }
            Err(RecoveryError::Damaged { name: found, offset, error, .. }) => {
                let offset = usize::try_from(offset).unwrap();
                let is_there = found == name && (offset..offset + 1000).contains(&at);
                assert!(is_there, "{name} at {at}: {found} at {offset}: {error}");
                outcomes.refused += 1;
            }
            Err(RecoveryError::NoSnapshot { tried, .. }) => {
                assert!(tried[0].contains(name), "{name} at {at}: {tried:?}");
                outcomes.refused += 1;
            }
            Err(error) => panic!("{name} at {at}: {error}"),
        }
    }
    outcomes
}

#[test]
fn a_bit_in_any_byte_of_a_log_is_noticed() {
    for (directory, step) in [(ours(), 1), (apaches("plain"), 5)] {
        let logs = directory.names().into_iter().filter(|name| name.starts_with("log."));
        for log in logs {
            let end = written(&directory.content(&log));
            // The version, the database, and the zeros behind the end say nothing.
            let says_nothing = |at: &usize| (4..16).contains(at) || *at >= end;
            let wanted = (0..end + ZEROS_LEN).step_by(step).filter(says_nothing).count();
            let all = only_with_snapshot(&directory, "snapshot.0");
            let Outcomes { whole, refused } = flip_bytes(&all, &log, step);
            assert_eq!(whole, wanted, "{log}: {refused} refused");
        }
    }
}

#[test]
fn a_bit_in_any_byte_of_a_snapshot_is_noticed() {
    for (directory, snapshot, step) in [
        (ours(), "snapshot.6", 1),
        (apaches("plain"), "snapshot.1f", 5),
        (apaches("gz"), "snapshot.1b.gz", 2),
        (apaches("snappy"), "snapshot.1c.snappy", 2),
    ] {
        let alone = flip_bytes(&only_with_snapshot(&directory, snapshot), snapshot, step);
        assert!(alone.refused > 10 * alone.whole, "{snapshot}: {alone:?}");
        let with_older = flip_bytes(&directory, snapshot, 4 * step);
        assert_eq!(with_older.refused, 0, "{snapshot}: an older one and the logs have all of it");
    }
}

/// Of the last log a cut loses what stands behind it, which nobody can know if the cut is between
/// two transactions; what is left is a state that was. Anywhere else it is noticed.
#[test]
fn a_log_that_lost_its_end_anywhere_is_noticed_unless_it_is_the_last() {
    let directory = ours();
    let entries_before = |name: &str, len: u64| {
        let bytes = directory.content(name);
        let mut reader = crate::storage::format::LogReader::new(&bytes[..]).unwrap();
        let mut ends = Vec::new();
        while let Some((offset, _)) = reader.next().unwrap() {
            ends.push(offset);
        }
        ends.remove(0);
        ends.push(written(&bytes) as u64);
        ends.into_iter().filter(|end| *end <= len).count()
    };
    for (name, first, is_last) in [("log.1", 1, false), ("log.5", 5, false), ("log.7", 7, true)] {
        let all = only_with_snapshot(&directory, "snapshot.0");
        let written = written(&directory.content(name));
        for len in 0..=written {
            let cut = changed(&all, name, |bytes| bytes.truncate(len));
            let started = start(&cut);
            if is_last || len == written {
                let left = first - 1 + i64::try_from(entries_before(name, len as u64)).unwrap();
                let wanted = if is_last { left } else { 11 };
                assert_eq!(assert_whole(&started.unwrap()), wanted, "{name} cut at {len}");
            } else {
                let error = started.expect_err("a log without its end");
                let is_told = match &error {
                    RecoveryError::Damaged { name: found, .. } => found == name,
                    RecoveryError::Order { name: next, .. } => **next > *name,
                    _ => false,
                };
                assert!(is_told, "{name} cut at {len}: {error}");
            }
        }
    }
}

#[test]
fn a_snapshot_that_lost_its_end_anywhere_is_noticed() {
    for (directory, snapshot, step) in
        [(ours(), "snapshot.6", 1), (apaches("plain"), "snapshot.1f", 7)]
    {
        let alone = only_with_snapshot(&directory, snapshot);
        let all = all_of(&start(&alone).unwrap());
        for len in (0..directory.content(snapshot).len()).step_by(step) {
            let cut = |directory| changed(directory, snapshot, |bytes| bytes.truncate(len));
            match start(&cut(&alone)) {
                // What is behind the tree and its seal can be done without.
                Ok(recovered) => assert_eq!(all_of(&recovered), all, "{snapshot} cut at {len}"),
                Err(RecoveryError::NoSnapshot { .. }) => {}
                Err(error) => panic!("{snapshot} cut at {len}: {error}"),
            }
            assert_eq!(all_of(&start(&cut(&directory)).unwrap()), all, "{snapshot} cut at {len}");
        }
    }
}
