//! Digests that are, and are not, those of the tree: in files of Apache's server 3.8.0 as it wrote
//! them, and with one digest changed.

use bytes::BytesMut;
use zk_proto::txn::TxnDigest;

use super::fixtures::path;
use super::*;
use crate::storage::format::{
    LogReader, Packing, SnapshotEncoder, SnapshotReader, encode_entry, encode_header,
};

type Section = (Zxid, i32, i64);

fn apaches() -> SimDirectory {
    SimDirectory::load(&path().join("plain"))
}

fn with(directory: &SimDirectory, name: &str, bytes: &[u8]) -> SimDirectory {
    let kept = directory.names().into_iter().map(|file| {
        let bytes = if file == name { bytes.to_vec() } else { directory.content(&file) };
        (file, bytes)
    });
    SimDirectory::with(kept)
}

fn without_snapshots_behind(directory: &SimDirectory, last: &str) -> SimDirectory {
    let kept = directory.names().into_iter();
    let kept = kept.filter(|name| !name.starts_with("snapshot.") || name == last);
    SimDirectory::with(kept.map(|name| (name.clone(), directory.content(&name))))
}

/// The log with the digest of each transaction changed, and where each is.
fn changed_log(
    bytes: &[u8],
    change: impl Fn(Zxid, TxnDigest) -> Option<TxnDigest>,
) -> (Vec<u8>, Vec<(Zxid, u64)>) {
    let mut out = BytesMut::new();
    encode_header(&mut out);
    let (mut reader, mut places) = (LogReader::new(bytes).unwrap(), Vec::new());
    while let Some((_, mut entry)) = reader.next().unwrap() {
        let zxid = entry.record.header.zxid;
        places.push((zxid, out.len() as u64));
        entry.record.digest = entry.record.digest.and_then(|digest| change(zxid, digest));
        encode_entry(&entry.record, entry.mark, &mut out);
    }
    (out.to_vec(), places)
}

/// The snapshot with another digest section.
fn changed_snapshot(bytes: &[u8], change: impl FnOnce(Section) -> Section) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut encoder = SnapshotEncoder::default();
    let mut reader = SnapshotReader::new(bytes, Packing::Plain).unwrap();
    let acls = reader.acls.iter().map(|(key, list)| (*key, &list[..]));
    encoder.begin(&reader.sessions, acls, &mut out);
    while let Some(node) = reader.next_node().unwrap() {
        encoder.node(&node, &mut out);
    }
    encoder.end_nodes(&mut out);
    let (zxid, version, sum) = change(reader.finish().unwrap().digest.unwrap());
    encoder.digest(zxid, version, sum, &mut out);
    out.to_vec()
}

#[test]
fn all_of_apaches_digests_are_those_of_the_tree() {
    for last in ["snapshot.0", "snapshot.1f", "snapshot.23"] {
        let recovered = start(&without_snapshots_behind(&apaches(), last)).unwrap();
        assert_eq!((recovered.digest_mismatches, &recovered.notes[..]), (0, &[][..]), "{last}");
    }
}

#[test]
fn a_digest_in_a_log_that_is_another_one_is_told_with_its_place() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.0");
    let planted = Zxid(0x22);
    let (log, places) = changed_log(&directory.content("log.21"), |zxid, digest| {
        let plus = i64::from(zxid == planted);
        Some(TxnDigest { tree: digest.tree + plus, ..digest })
    });
    let offset = places.iter().find(|(zxid, _)| *zxid == planted).unwrap().1;
    let recovered = start(&with(&directory, "log.21", &log)).unwrap();
    assert_eq!(recovered.digest_mismatches, 1);
    let [note] = &recovered.notes[..] else { panic!("one note: {:?}", recovered.notes) };
    let place = format!("log.21 at offset {offset} says");
    assert!(note.contains(&place) && note.contains("after transaction 0x22 adds"), "{note}");
    let whole = start(&directory).unwrap();
    assert_eq!(recovered.tree.dump(), whole.tree.dump(), "nothing else changes");
}

/// What differs once differs from then on: one note names the first, another one counts.
#[test]
fn a_write_that_is_another_one_shows_in_all_digests_behind_it() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.0");
    let (log, places) = changed_log(&directory.content("log.21"), |_, digest| {
        Some(TxnDigest { tree: digest.tree ^ 1, ..digest })
    });
    let recovered = start(&with(&directory, "log.21", &log)).unwrap();
    assert!(places.len() > 1);
    assert!((2..=places.len() as u64).contains(&recovered.digest_mismatches));
    assert_eq!(recovered.notes.len(), 2, "{:?}", recovered.notes);
    let all = format!("{} digests in all", recovered.digest_mismatches);
    assert!(recovered.notes[1].contains(&all), "{:?}", recovered.notes);
}

#[test]
fn a_digest_in_a_snapshot_that_is_another_one_is_told_with_its_file() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.1f");
    let snapshot = changed_snapshot(&directory.content("snapshot.1f"), |(zxid, version, sum)| {
        (zxid, version, sum.wrapping_add(1))
    });
    let recovered = start(&with(&directory, "snapshot.1f", &snapshot)).unwrap();
    assert_eq!(recovered.digest_mismatches, 1);
    let [note] = &recovered.notes[..] else { panic!("one note: {:?}", recovered.notes) };
    assert!(note.contains("snapshot.1f says"), "{note}");
}

#[test]
fn nothing_is_compared_before_the_end_of_the_snapshot_is_reached() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.1f");
    let (log, _) = changed_log(&directory.content("log.21"), |_, digest| {
        Some(TxnDigest { tree: digest.tree ^ 1, ..digest })
    });
    let beyond = |zxid| {
        changed_snapshot(&directory.content("snapshot.1f"), |(_, version, sum)| {
            (Zxid(zxid), version, sum)
        })
    };
    let directory = with(&directory, "log.21", &log);
    let last = start(&directory).unwrap().tree.last_zxid();
    let recovered = start(&with(&directory, "snapshot.1f", &beyond(last.0))).unwrap();
    // The last digest is the snapshot's, which has another transaction's sum here.
    assert_eq!((recovered.digest_mismatches, recovered.notes.len()), (1, 1));
    assert!(recovered.notes[0].contains("snapshot.1f says"), "{:?}", recovered.notes);
    // One that lies before the snapshot's own transaction says nothing, as in Apache's.
    let recovered = start(&with(&directory, "snapshot.1f", &beyond(0x1e))).unwrap();
    assert!(recovered.digest_mismatches > 1, "the log's are compared at once");
}

/// A digest of before the name tells of another name, unless the name may be right.
#[test]
fn a_name_that_may_be_later_than_the_digest_is_right() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.1f");
    let all = start(&directory).unwrap().tree.dump();
    let bytes = directory.content("snapshot.1f");
    let of = |zxid| changed_snapshot(&bytes, |(_, version, sum)| (Zxid(zxid), version, sum));
    // In 3.9.0 transactions may come to the tree before they come to the digest.
    let early = start(&with(&directory, "snapshot.1f", &of(0x12))).unwrap();
    assert_eq!((early.snapshot, early.tree.dump()), (Some(Zxid(0x1f)), all));
    // A leader names a snapshot for the beginning of its epoch.
    let epoch = |zxid: i64| SimDirectory::with([(format!("snapshot.{zxid:x}"), bytes.clone())]);
    let begun = start(&epoch(7 << 32)).unwrap();
    assert_eq!(begun.snapshot, Some(Zxid(7 << 32)), "{:?}", begun.notes);
    // One transaction may have been applied and not noted, the first of an epoch, too.
    assert!(start(&epoch((7 << 32) + 1)).is_ok() && start(&epoch(0x20)).is_ok());
    assert!(refused(&epoch((7 << 32) + 2)).contains("it ends with transaction 0x1f"));
    assert!(refused(&epoch(0x21)).contains("it ends with transaction 0x1f"));
}

/// What is in a snapshot was applied, and what was applied was durable.
#[test]
fn a_snapshot_with_parts_of_transactions_that_are_missing_stops_the_server() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.1f");
    let last = start(&directory).unwrap().tree.last_zxid();
    let snapshot = changed_snapshot(&directory.content("snapshot.1f"), |(_, version, sum)| {
        (Zxid(last.0 + 1), version, sum)
    });
    let refusal = refused(&with(&directory, "snapshot.1f", &snapshot));
    assert!(
        refusal.contains(&format!("end with transaction {last}, and snapshot.1f")),
        "{refusal}"
    );
}

#[test]
fn digests_of_another_version_are_not_compared() {
    let directory = without_snapshots_behind(&apaches(), "snapshot.1f");
    let (log, _) = changed_log(&directory.content("log.21"), |_, digest| {
        Some(TxnDigest { version: 3, tree: digest.tree ^ 1 })
    });
    let snapshot = changed_snapshot(&directory.content("snapshot.1f"), |(zxid, _, _)| (zxid, 3, 0));
    let directory = with(&with(&directory, "log.21", &log), "snapshot.1f", &snapshot);
    let recovered = start(&directory).unwrap();
    assert_eq!((recovered.digest_mismatches, &recovered.notes[..]), (0, &[][..]));
}
