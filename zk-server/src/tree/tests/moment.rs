//! Snapshots that are whole by themselves.

use bytes::BytesMut;
use proptest::prelude::*;
use zk_proto::txn::{Txn, TxnDigest, TxnHeader};
use zk_proto::{Acl, SessionId, Zxid};

use super::replay::{log_of, restored, step};
use super::{Grower, delete, set_data};
use crate::storage::format::{Packing, SnapshotReader, SnapshotTrailer};
use crate::tree::{DataTree, Overrun, PRESERVED_LEN_MAX, SnapshotCursor};

fn trailer(bytes: &[u8]) -> SnapshotTrailer {
    let mut reader = SnapshotReader::new(bytes, Packing::Plain).unwrap();
    while reader.next_node().unwrap().is_some() {}
    reader.finish().unwrap()
}

/// Takes a snapshot of the tree as it is, with `between` behind each piece of one node.
fn taken(tree: &mut DataTree, mut between: impl FnMut(&mut DataTree)) -> (Zxid, BytesMut) {
    let mut bytes = BytesMut::new();
    let mut cursor = SnapshotCursor::begin_moment(tree, &[(SessionId(1), 4000)], &mut bytes);
    while cursor.advance_moment(tree, 1, usize::MAX, &mut bytes).unwrap() {
        between(tree);
    }
    tree.forget_moment();
    (cursor.zxid(), bytes)
}

proptest! {
    /// Whatever changes while it is taken, it is the tree as it was, alone and without a log.
    #[test]
    fn a_snapshot_of_a_moment_is_the_tree_of_that_moment(
        steps in proptest::collection::vec(step(), 0..60),
        start in 0..60_usize,
        piece in 1..4_usize,
        at_once in 0..3_usize,
    ) {
        let (log, whole) = log_of(&steps, 0);
        let (before, after) = log.split_at(start.min(log.len()));
        let mut tree = DataTree::new(false);
        before.iter().for_each(|(header, txn)| drop(tree.apply(header, txn)));
        let (dump, digest, zxid) = (tree.dump(), tree.digest(), tree.last_zxid());
        let mut bytes = BytesMut::new();
        let mut cursor = SnapshotCursor::begin_moment(&mut tree, &[], &mut bytes);
        let mut meanwhile = after.iter();
        while cursor.advance_moment(&mut tree, piece, usize::MAX, &mut bytes).unwrap() {
            let some = meanwhile.by_ref().take(at_once);
            some.for_each(|(header, txn)| drop(tree.apply(header, txn)));
        }
        meanwhile.for_each(|(header, txn)| drop(tree.apply(header, txn)));
        let restored = restored(&bytes, cursor.zxid());
        prop_assert_eq!(restored.dump(), dump);
        let section = trailer(&bytes).digest.map(|(at, version, tree)| (at, TxnDigest { version, tree }));
        prop_assert_eq!((restored.digest(), section), (digest, Some((zxid, digest))));
        prop_assert_eq!(trailer(&bytes).last_zxid, Some(zxid));
        prop_assert_eq!(tree.dump(), whole.dump(), "the tree itself does not notice");
    }
}

fn closed() -> Vec<Acl> {
    Acl::read_only()
}

/// One of each kind of change, at each place that the snapshot can have come to.
#[test]
fn no_change_shows_wherever_the_snapshot_is() {
    let changes: [fn() -> Vec<Txn>; 6] = [
        || vec![set_data("/b", b"other", 1)],
        || vec![Txn::SetAcl { path: "/b".into(), acl: closed().into(), version: 1 }],
        || vec![delete("/b/x"), delete("/b")],
        || vec![delete("/b/x"), delete("/b"), super::create("/b", 9), super::create("/b/x", 1)],
        || vec![super::create("/b/y", 9)],
        || vec![Txn::SetAcl { path: "/".into(), acl: closed().into(), version: 1 }],
    ];
    for (which, change) in changes.iter().enumerate() {
        for place in 0..20 {
            let mut grower = Grower::new();
            for path in ["/a", "/a/x", "/b", "/b/x", "/c", "/b!"] {
                grower.create(path);
            }
            let (dump, mut zxid, mut pieces) = (grower.tree.dump(), grower.zxid, 0);
            let (_, bytes) = taken(&mut grower.tree, |tree| {
                if pieces == place {
                    for txn in change() {
                        zxid += 1;
                        let op = txn.op().code();
                        let (session, time_ms) = (SessionId(1), zxid);
                        let zxid = Zxid(zxid);
                        tree.apply(&TxnHeader { session, cxid: 1, zxid, time_ms, op }, &txn);
                    }
                }
                pieces += 1;
            });
            assert_eq!(restored(&bytes, Zxid(6)).dump(), dump, "change {which} at {place}");
        }
    }
}

/// What quotas count is in no transaction.
#[test]
fn the_figures_of_quotas_are_of_the_moment_too() {
    let mut grower = Grower::new();
    for path in ["/q", "/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_stats"] {
        grower.create(path);
    }
    grower.create("/zookeeper/quota/q/zookeeper_limits");
    let stats = |tree: &DataTree| {
        let node = tree.node("/zookeeper/quota/q/zookeeper_stats").unwrap();
        node.data().map(<[u8]>::to_vec)
    };
    let (before, mut done) = (stats(&grower.tree), false);
    let (_, bytes) = taken(&mut grower.tree, |tree| {
        if !std::mem::replace(&mut done, true) {
            let txn = super::create("/q/more", 1);
            tree.apply(&super::header(5, &txn), &txn);
        }
    });
    assert_ne!(stats(&grower.tree), before);
    let mut reader = SnapshotReader::new(&bytes[..], Packing::Plain).unwrap();
    let mut found = None;
    while let Some(node) = reader.next_node().unwrap() {
        if node.path.ends_with("zookeeper_stats") {
            found = node.data.map(|data| data.to_vec());
        }
    }
    assert_eq!(found, before);
}

/// Memory for what was is bounded: the snapshot is given up, not the clients' writes.
#[test]
fn a_snapshot_that_clients_overrun_is_given_up() {
    let mut grower = Grower::new();
    let paths: Vec<_> = (0..10).map(|i| format!("/{i}")).collect();
    paths.iter().for_each(|path| grower.create(path));
    let mut bytes = BytesMut::new();
    let mut cursor = SnapshotCursor::begin_moment(&mut grower.tree, &[], &mut bytes);
    let moment = grower.tree.moment.as_mut().unwrap();
    assert_eq!(moment.len_max, PRESERVED_LEN_MAX);
    moment.len_max = 2000;
    for path in &paths {
        grower.apply(&set_data(path, b"other", 2));
    }
    let advanced = cursor.advance_moment(&mut grower.tree, 1, usize::MAX, &mut bytes);
    assert_eq!(advanced, Err(Overrun));
    assert!(grower.tree.moment.is_none(), "nothing is kept any more");
    let (_, bytes) = taken(&mut grower.tree, |_| ());
    assert_eq!(restored(&bytes, grower.tree.last_zxid()).dump(), grower.tree.dump());
}
