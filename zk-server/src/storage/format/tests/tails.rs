//! How a log ends.

use super::super::{EntryError, LOG_HEADER_LEN};
use super::*;

#[test]
fn a_log_that_is_cut_anywhere_gives_what_is_whole() {
    let (bytes, _) = log_of(&[1, 2, 1]);
    let (whole, _) = read(&bytes);
    for len in 0..bytes.len() {
        for zeros in [0, 100] {
            // A header arrives whole or not at all.
            if zeros > 0 && (1..16).contains(&len) {
                continue;
            }
            let mut cut = bytes[..len].to_vec();
            cut.resize(len + zeros, 0);
            let (entries, end) = read(&cut);
            // Zeros may stand in for bytes that are zero.
            let complete = entries.len();
            assert_eq!(entries[..], whole[..complete], "{len}");
            let next = whole.get(complete).map(|(offset, _)| *offset).unwrap();
            assert!(next + 80 > len as u64, "{len}: nothing that is whole is left out");
            match end {
                LogEnd::Clean { at } => assert!(at == next || at == 0, "{len}: {at}"),
                LogEnd::Torn { at, .. } => assert!(at == next || at == 0, "{len}: {at}"),
                LogEnd::Damaged { .. } => panic!("{len}: nothing is damaged"),
            }
        }
    }
}

#[test]
fn a_broken_byte_is_damage_in_the_last_batch_too() {
    let (bytes, starts) = log_of(&[2, 3, 2]);
    let last_batch = *starts.last().unwrap();
    for at in LOG_HEADER_LEN..bytes.len() as u64 {
        let mut broken = bytes.to_vec();
        broken[usize::try_from(at).unwrap()] ^= 0x10;
        let (entries, end) = read(&broken);
        match end {
            LogEnd::Damaged { at: found, readable_at, .. } => {
                assert!(found <= at && found + 80 > at, "{at}");
                assert_eq!(readable_at.is_some(), at < last_batch, "{at}");
                assert!(readable_at.is_none_or(|readable| readable + 80 > at), "{at}");
            }
            _ => panic!("{at} was not noticed: {entries:?}, {end:?}"),
        }
    }
}

/// Sectors of one batch may arrive in any order.
#[test]
fn a_whole_transaction_behind_a_torn_one_of_its_batch_does_not_count() {
    let (bytes, starts) = log_of(&[1, 3]);
    let (entries, _) = read(&bytes);
    let batch = usize::try_from(starts[1]).unwrap();
    let second = usize::try_from(entries[2].0).unwrap();
    for zeroed in [batch..second, batch + 5..second + 5, second - 1..second] {
        let mut torn = bytes.to_vec();
        torn[zeroed.clone()].fill(0);
        let (entries, end) = read(&torn);
        assert_eq!(entries.len(), 1, "{zeroed:?}");
        assert!(matches!(end, LogEnd::Torn { at, .. } if at == starts[1]), "{end:?}");
    }
}

/// Apache writes no marks: whatever is whole behind a broken entry may have been durable after it.
#[test]
fn a_whole_transaction_without_a_mark_makes_a_torn_one_damage() {
    let mut bytes = BytesMut::new();
    encode_header(&mut bytes);
    for zxid in 1..4 {
        encode_entry(&record(zxid, Txn::Delete { path: "/a".into() }), None, &mut bytes);
    }
    let (entries, _) = read(&bytes);
    for (broken, is_damage) in [(0, true), (1, true), (2, false)] {
        let mut log = bytes.to_vec();
        let at = entries[broken].0;
        let end = at + 12 + 32 + 6;
        log[usize::try_from(end - 6).unwrap()..=usize::try_from(end).unwrap()].fill(0);
        let (_, end) = read(&log);
        assert_eq!(matches!(end, LogEnd::Damaged { at: found, .. } if found == at), is_damage);
        assert_eq!(matches!(end, LogEnd::Torn { at: found, .. } if found == at), !is_damage);
    }
}

#[test]
fn what_was_written_and_is_not_understood_is_damage() {
    let mut bytes = BytesMut::new();
    encode_header(&mut bytes);
    let mut unknown = record(1, Txn::Delete { path: "/a".into() });
    Arc::make_mut(&mut unknown).header.op = 99;
    encode_entry(&unknown, None, &mut bytes);
    let (_, end) = read(&bytes);
    let is_it = |error: &EntryError| matches!(error, EntryError::NotUnderstood(_));
    assert!(matches!(end, LogEnd::Damaged { at: 16, error, .. } if is_it(&error)));
}

fn large(zxid: i64, len: usize) -> Arc<TxnRecord> {
    let data = Some(vec![7; len].into());
    record(zxid, Txn::SetData { path: "/a".into(), data, version: 1 })
}

#[test]
fn transactions_are_as_long_as_is_allowed() {
    let mut bytes = BytesMut::new();
    encode_header(&mut bytes);
    encode_entry(&large(1, 6 << 20), None, &mut bytes);
    let len = bytes.len() - 16 - 12 - 1;
    encode_entry(&large(2, 10), None, &mut bytes);
    for (allowed, expected) in [(len, 2), (len - 1, 0)] {
        let mut reader = LogReader::with_longest(&bytes[..], allowed).unwrap();
        let mut count = 0;
        while reader.next().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, expected);
        let too_long = EntryError::TooLong { len, allowed };
        let refused = LogEnd::Damaged { at: 16, error: too_long, readable_at: None };
        let at = bytes.len() as u64;
        let end = if expected == 2 { LogEnd::Clean { at } } else { refused };
        assert_eq!(reader.end(), Some(&end));
    }
}

/// The next entry begins far behind the one that is broken, and is long itself.
#[test]
fn a_long_transaction_behind_a_broken_one_is_found() {
    for first in [0, 9 << 20] {
        let mut bytes = BytesMut::new();
        encode_header(&mut bytes);
        encode_entry(&large(1, first), None, &mut bytes);
        let second = bytes.len() as u64;
        encode_entry(&large(2, 9 << 20), None, &mut bytes);
        // In the middle of it, or in its length: 33 MB.
        for (at, bit) in [(16 + 30, 1), (16 + 8, 2)] {
            let mut log = bytes.to_vec();
            log[at] ^= bit;
            let mut reader = LogReader::with_longest(&log[..], 10 << 20).unwrap();
            assert_eq!(reader.next().unwrap(), None);
            let end = reader.end();
            let found = matches!(end, Some(LogEnd::Damaged { at: 16, readable_at, .. })
                if *readable_at == Some(second));
            assert!(found, "{first}: {end:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_log_is_damage_and_one_that_never_became_one_is_torn() {
    let (_, end) = read(b"something else altogether");
    let wrong = LogEnd::Damaged { at: 0, error: EntryError::Magic, readable_at: None };
    assert_eq!(end, wrong);
    for begun in [&b""[..], &b"ZK"[..], &[0; 3], &[0; 500]] {
        let (entries, end) = read(begun);
        assert!(entries.is_empty());
        assert!(matches!(end, LogEnd::Clean { at: 0 } | LogEnd::Torn { at: 0, .. }), "{end:?}");
    }
    // The header was durable when the second batch was written.
    let (mut bytes, _) = log_of(&[1, 1]);
    bytes[..16].fill(0);
    assert!(matches!(read(&bytes).1, LogEnd::Damaged { at: 0, .. }));
    let (mut bytes, _) = log_of(&[2]);
    bytes[..16].fill(0);
    assert!(matches!(read(&bytes).1, LogEnd::Torn { at: 0, .. }));
}
