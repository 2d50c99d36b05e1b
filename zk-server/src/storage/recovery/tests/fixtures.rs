//! Directories that Apache's server 3.8.0 has written; see `tests/fixtures`.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::*;
use crate::storage::format::{Packing, SnapshotReader};

pub(super) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apache-3.8")
}

/// A tree as a client of Apache's server saw it.
fn as_seen(tree: &DataTree) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = vec![String::from("/")];
    while let Some(path) = open.pop() {
        let node = tree.node(&path).unwrap();
        let s = node.stat();
        let data = node.data().map_or("null".to_owned(), |data| {
            data.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            })
        });
        let acl: Vec<_> =
            node.acl().iter().map(|a| format!("{}:{}:{}", a.perms.0, a.scheme, a.id)).collect();
        lines.push(format!(
            "{path}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|[{data}]|{}",
            s.czxid.0,
            s.mzxid.0,
            s.ctime,
            s.mtime,
            s.version,
            s.cversion,
            s.aversion,
            s.ephemeral_owner.0,
            s.data_length,
            s.num_children,
            s.pzxid.0,
            acl.join(",")
        ));
        open.extend(node.children().map(|name| zk_proto::path::join(&path, name)));
    }
    lines.sort_unstable();
    lines
}

fn assert_as_apache_saw(name: &str, recovered: &Recovered) {
    let seen = std::fs::read_to_string(path().join(format!("{name}.txt"))).unwrap();
    let (session, nodes): (Vec<_>, Vec<_>) =
        seen.lines().partition(|line| line.starts_with("session|"));
    let mut nodes: Vec<_> = nodes.into_iter().map(str::to_owned).collect();
    nodes.sort_unstable();
    let recovered_nodes = as_seen(&recovered.tree);
    assert_eq!(recovered_nodes.len(), nodes.len());
    for (ours, theirs) in recovered_nodes.iter().zip(&nodes) {
        assert_eq!(ours, theirs);
    }
    let mut session = session[0].split('|').skip(1);
    let id = SessionId(session.next().unwrap().parse().unwrap());
    let timeout_ms: i32 = session.next().unwrap().parse().unwrap();
    assert_eq!(recovered.sessions.get(&id), Some(&timeout_ms));
}

#[test]
fn the_state_is_what_clients_of_apache_saw() {
    for name in ["plain", "gz", "snappy"] {
        let directory = SimDirectory::load(&path().join(name));
        let recovered = start(&directory).unwrap();
        assert!(recovered.snapshot > Some(Zxid(0)) && recovered.notes.is_empty());
        assert_eq!(recovered.digest_mismatches, 0);
        assert_as_apache_saw(name, &recovered);
    }
}

/// Wherever Apache's snapshots lie between the transactions, the outcome is the same.
#[test]
fn every_snapshot_leads_to_the_same_state() {
    let names = SimDirectory::load(&path().join("plain")).names();
    let snapshots: Vec<_> = names.iter().filter(|name| name.starts_with("snapshot.")).collect();
    assert!(snapshots.len() > 2);
    for last in snapshots {
        let directory = SimDirectory::load(&path().join("plain"));
        for name in directory.names() {
            if name.starts_with("snapshot.") && name != *last {
                directory.remove(&name).unwrap();
            }
        }
        assert_as_apache_saw("plain", &start(&directory).unwrap());
    }
}

/// 3.9 leaves the digest out, and says behind the tree where the snapshot ends.
#[test]
fn snapshots_of_a_server_without_digests_are_read() {
    let directory = SimDirectory::load(&path().join("../apache-3.9/without-digests"));
    let recovered = start(&directory).unwrap();
    assert_eq!(recovered.snapshot, Some(Zxid(6)), "{:?}", recovered.notes);
    let bytes = directory.content("snapshot.6");
    let mut reader = SnapshotReader::new(&bytes[..], Packing::Plain).unwrap();
    while reader.next_node().unwrap().is_some() {}
    let trailer = reader.finish().unwrap();
    assert_eq!((trailer.digest, trailer.last_zxid), (None, Some(Zxid(6))));
    assert_eq!(trailer.len, bytes.len() as u64);
    // Where it ends tells that it was renamed, too.
    let files =
        [("snapshot.8".to_owned(), bytes), ("log.7".to_owned(), directory.content("log.7"))];
    assert!(refused(&SimDirectory::with(files)).contains("it ends with transaction 0x6"));
}

/// Apache's server deletes them then, without a word.
#[test]
fn nodes_with_a_time_to_live_are_not_lost_where_that_is_switched_off() {
    let directory = SimDirectory::load(&path().join("plain"));
    let settings = RecoverySettings { extended_types: false, ..SETTINGS };
    let refusal = recover(&on(&directory), settings).unwrap_err().to_string();
    assert!(refusal.contains("/ttl has a time to live"), "{refusal}");
    assert!(refusal.contains("Set `extendedTypesEnabled=true`"), "{refusal}");
}
