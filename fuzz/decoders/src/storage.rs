//! The files of a server.

use bytes::BytesMut;
use zk_proto::{Acl, SessionId, Zxid};
use zk_server::storage::format::{
    LogEnd, LogReader, OPEN_ACL, Packing, SnapshotEncoder, SnapshotError, SnapshotNode,
    SnapshotReader, StatPersisted, encode_entry,
};
use zk_server::storage::whole_snapshot::WholeSnapshot;

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

/// What somebody sends to be restored. Behind an even byte it is the bytes themselves; behind an odd
/// one a script of nodes, which are sealed as they should be: nothing else comes so far.
pub(crate) fn whole_snapshot(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let sealed = if form % 2 == 0 { rest.to_vec() } else { sealed(rest) };
    match WholeSnapshot::read(&sealed[..], true) {
        Ok(whole) => {
            assert!(whole.tree.last_zxid() >= Zxid::ZERO);
            // Behind it there is nothing, and in it nothing that could be left out.
            let longer = [&sealed[..], &[0]].concat();
            assert!(WholeSnapshot::read(&longer[..], true).is_err());
            assert!(WholeSnapshot::read(&sealed[..sealed.len() - 1], true).is_err());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Each node is a byte for its zxid and ACL, one for its owner, and a path with its length in front;
/// the last bytes say what stands behind the nodes.
fn sealed(mut script: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let mut encoder = SnapshotEncoder::default();
    let acl = Acl::open();
    encoder.begin(&[(SessionId(1), 4000)], [(1, &acl[..])].into_iter(), &mut out);
    let mut newest = 0;
    while let [kind, owner, len, rest @ ..] = script {
        let (path, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        script = rest;
        let zxid = Zxid(i64::from(kind / 4));
        newest = newest.max(zxid.0);
        let node = SnapshotNode {
            path: String::from_utf8_lossy(path).into_owned(),
            data: (kind % 2 == 0).then_some(path),
            acl: if kind % 4 < 2 { OPEN_ACL } else { i64::from(kind % 4) - 1 },
            stat: StatPersisted {
                czxid: zxid,
                mzxid: zxid,
                pzxid: zxid,
                ctime_ms: i64::from(*owner),
                owner_bits: i64::from(owner.cast_signed()) << (owner % 64),
                ..StatPersisted::default()
            },
        };
        encoder.node(&node, &mut out);
    }
    encoder.end_nodes(&mut out);
    let said = script.first().copied().unwrap_or(0);
    let last = Zxid(newest + i64::from(said % 3) - 1);
    if said % 4 > 0 {
        encoder.digest(last, i32::from(said % 5), i64::from(said), &mut out);
    }
    if said % 4 > 1 {
        encoder.last_zxid(last, &mut out);
    }
    out.to_vec()
}
