//! Directories that Apache's server 3.8.0 has written; see `tests/fixtures`.

use std::path::PathBuf;

use zk_proto::OpCode;

use super::super::{FileName, Packing, SnapshotEncoder, SnapshotError, SnapshotReader};
use super::*;

fn fixture(name: &str) -> Vec<(String, Vec<u8>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apache-3.8");
    let entries = std::fs::read_dir(path.join(name)).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn logs_are_written_again_byte_for_byte() {
    let mut ops = Vec::new();
    for name in ["plain", "gz", "snappy"] {
        for (file, bytes) in fixture(name) {
            let Some(FileName::Log(first)) = FileName::parse(&file) else { continue };
            let (entries, end) = read(&bytes);
            assert_eq!(entries[0].1.record.header.zxid, first);
            let mut again = BytesMut::new();
            encode_header(&mut again);
            for (offset, entry) in &entries {
                assert_eq!(*offset, again.len() as u64);
                assert_eq!(entry.mark, None);
                encode_entry(&entry.record, None, &mut again);
                ops.push(entry.record.header.op);
            }
            assert_eq!(end, LogEnd::Clean { at: again.len() as u64 });
            assert_eq!(again, bytes[..again.len()], "{name}/{file}");
        }
    }
    use OpCode as Op;
    for op in [
        Op::Create,
        Op::Create2,
        Op::CreateTtl,
        Op::CreateContainer,
        Op::Delete,
        Op::SetData,
        Op::SetAcl,
        Op::Multi,
        Op::Error,
        Op::CreateSession,
        Op::CloseSession,
    ] {
        assert!(ops.contains(&op.code()), "{op:?} is in the fixtures");
    }
}

#[test]
fn snapshots_are_written_again_byte_for_byte() {
    let mut seen = 0;
    for name in ["plain", "gz", "snappy"] {
        for (file, bytes) in fixture(name) {
            let Some(FileName::Snapshot(_, packing)) = FileName::parse(&file) else { continue };
            let mut reader = SnapshotReader::new(&bytes[..], packing).unwrap();
            let (mut encoder, mut again) = (SnapshotEncoder::default(), BytesMut::new());
            let acls: Vec<_> = reader.acls.iter().map(|(key, acl)| (*key, &acl[..])).collect();
            encoder.begin(&reader.sessions, acls.into_iter(), &mut again);
            while let Some(node) = reader.next_node().unwrap() {
                encoder.node(&node, &mut again);
            }
            encoder.end_nodes(&mut again);
            let trailer = reader.finish().unwrap();
            let (zxid, version, sum) = trailer.digest.unwrap();
            encoder.digest(zxid, version, sum, &mut again);
            assert_eq!(trailer.last_zxid, None, "since 3.9");
            if packing == Packing::Plain {
                assert_eq!(again, bytes, "{name}/{file}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 7);
}

#[test]
fn a_snapshot_with_any_byte_changed_or_missing_is_refused() {
    let all = fixture("plain");
    let snapshots = all.iter().filter(|(name, _)| name.starts_with("snapshot."));
    let (_, bytes) = snapshots.max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let read = |bytes: &[u8]| -> Result<(), SnapshotError> {
        let mut reader = SnapshotReader::new(bytes, Packing::Plain)?;
        while reader.next_node()?.is_some() {}
        reader.finish().map(|_| ())
    };
    read(bytes).unwrap();
    // Without the digest, which came in 3.6, a snapshot is whole.
    let digest_len = 20 + 13;
    for at in 0..bytes.len() - digest_len {
        let mut broken = bytes.clone();
        broken[at] ^= 0x04;
        assert!(read(&broken).is_err(), "byte {at} was changed");
    }
    for len in 0..bytes.len() - digest_len {
        assert!(read(&bytes[..len]).is_err(), "cut at {len}");
    }
    for len in bytes.len() - digest_len..bytes.len() {
        assert!(read(&bytes[..len]).is_ok(), "cut at {len}");
    }
}

/// What a packed snapshot says is what is checked, whatever the packing itself checks.
#[test]
fn a_packed_snapshot_that_is_cut_or_changed_is_refused() {
    for name in ["gz", "snappy"] {
        let all = fixture(name);
        let (file, bytes) = all
            .iter()
            .filter(|(n, _)| n.starts_with("snapshot."))
            .max_by_key(|(_, b)| b.len())
            .unwrap();
        let Some(FileName::Snapshot(_, packing)) = FileName::parse(file) else { panic!("{file}") };
        let read = |bytes: &[u8]| -> Result<usize, SnapshotError> {
            let mut reader = SnapshotReader::new(bytes, packing)?;
            let mut nodes = 0;
            while reader.next_node()?.is_some() {
                nodes += 1;
            }
            reader.finish().map(|_| nodes)
        };
        let nodes = read(bytes).unwrap();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x04;
            // A header says more than is needed; what is read is right or refused.
            assert!(read(&broken).map_or(true, |found| found == nodes), "{file}: byte {at}");
        }
        for len in 0..bytes.len() * 3 / 4 {
            let refused = read(&bytes[..len]).unwrap_err().to_string();
            assert!(
                refused.contains("cannot be read behind offset"),
                "{file} cut at {len}: {refused}"
            );
        }
    }
}
