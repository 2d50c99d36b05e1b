//! The files of a server.

use bytes::BytesMut;
use zk_server::storage::format::{
    LogEnd, LogReader, Packing, SnapshotError, SnapshotReader, encode_entry,
};

/// A transaction log: it ends somewhere in the file, and what was read of it can be written and is
/// the same.
pub(crate) fn log_file(data: &[u8]) {
    let mut reader = LogReader::new(data).expect("a slice can be read");
    let mut last = 0;
    while let Some((offset, entry)) = reader.next().expect("a slice can be read") {
        assert!(offset > last || last == 0, "{offset} behind {last}");
        last = offset;
        let mut again = BytesMut::from(&data[..16]);
        encode_entry(&entry.record, entry.mark, &mut again);
        let mut rereader = LogReader::new(&again[..]).expect("a slice can be read");
        let (_, reread) = rereader.next().expect("a slice").expect("what was written is read");
        assert_eq!(reread, entry);
    }
    let at = match reader.end().expect("no next entry is the end") {
        LogEnd::Clean { at } | LogEnd::Torn { at, .. } | LogEnd::Damaged { at, .. } => *at,
        other => panic!("an end that this target does not know: {other:?}"),
    };
    assert!(at <= data.len() as u64, "it ends at {at} of {}", data.len());
}

/// A snapshot, packed as the first byte says.
pub(crate) fn snapshot_file(data: &[u8]) {
    let Some((packing, bytes)) = data.split_first() else { return };
    let packing = match packing % 3 {
        0 => Packing::Plain,
        1 => Packing::Gzip,
        _ => Packing::Snappy,
    };
    let Err(error) = read_snapshot(bytes, packing) else { return };
    let at = match &error {
        SnapshotError::Read { at, .. }
        | SnapshotError::Length { at, .. }
        | SnapshotError::NotSealed { at }
        | SnapshotError::Checksum { at, .. } => *at,
        _ => 0,
    };
    let is_there = at <= bytes.len() as u64 || packing != Packing::Plain;
    assert!(is_there, "{error}, of {} bytes", bytes.len());
}

fn read_snapshot(bytes: &[u8], packing: Packing) -> Result<(), SnapshotError> {
    let mut reader = SnapshotReader::new(bytes, packing)?;
    while let Some(node) = reader.next_node()? {
        assert!(packing != Packing::Plain || node.path.len() <= 3 * bytes.len());
    }
    reader.finish().map(|_| ())
}
