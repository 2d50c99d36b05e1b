//! What trees add up to, held against what Apache 3.8 has written into its logs and snapshots.

use zk_proto::txn::TxnDigest;

use super::replay::restored;
use super::*;
use crate::storage::format::{LogReader, Packing, SnapshotReader};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/apache-3.8/plain/",
            $name
        ))
    };
}

/// From the first transaction to the last.
const LOGS: [&[u8]; 3] = [fixture!("log.1"), fixture!("log.21"), fixture!("log.24")];
const SNAPSHOTS: [(i64, &[u8]); 3] =
    [(0, fixture!("snapshot.0")), (0x1f, fixture!("snapshot.1f")), (0x23, fixture!("snapshot.23"))];

/// Applies what follows the tree's last transaction, holding each against what its log says.
/// Returns how many there were.
fn replay(tree: &mut DataTree, mut after_each: impl FnMut(&DataTree)) -> usize {
    let mut compared = 0;
    for log in LOGS {
        let mut reader = LogReader::new(log).unwrap();
        while let Some((_, entry)) = reader.next().unwrap() {
            let record = &entry.record;
            if record.header.zxid <= tree.last_zxid() {
                continue;
            }
            tree.apply(&record.header, &record.txn);
            if let Some(digest) = record.digest {
                assert_eq!(tree.digest(), digest, "{:?}", record.header);
                compared += 1;
            }
            after_each(tree);
        }
    }
    compared
}

#[test]
fn an_empty_tree_adds_up_to_what_apache_says() {
    assert_eq!(DataTree::new(true).digest(), TxnDigest { version: 2, tree: 1_371_985_504 });
}

#[test]
fn every_transaction_of_apache_leads_to_its_digest() {
    assert!(replay(&mut DataTree::new(true), |_| ()) > 20);
}

#[test]
fn the_snapshots_of_apache_and_their_logs_lead_to_the_digests_in_both() {
    for (number, bytes) in SNAPSHOTS {
        let mut source = bytes;
        let mut reader = SnapshotReader::new(&mut source, Packing::Plain).unwrap();
        while reader.next_node().unwrap().is_some() {}
        let (zxid, version, sum) = reader.finish().unwrap().digest.unwrap();
        let digest = TxnDigest { version, tree: sum };
        let mut tree = restored(bytes, Zxid(number));
        let mut reached = Vec::new();
        if tree.last_zxid() >= zxid {
            reached.push(tree.digest());
        }
        replay(&mut tree, |tree| {
            if tree.last_zxid() == zxid {
                reached.push(tree.digest());
            }
        });
        // The one of a server that never ran says nothing.
        let expected = if zxid == Zxid::ZERO { DataTree::new(true).digest() } else { digest };
        assert_eq!(reached, [expected], "snapshot.{number:x}");
    }
}

#[test]
fn our_snapshots_say_what_they_lead_to() {
    let mut grower = Grower::new();
    grower.create("/a");
    let mut bytes = bytes::BytesMut::new();
    let mut cursor = crate::tree::SnapshotCursor::begin(&grower.tree, &[], &mut bytes);
    grower.create("/later");
    grower.apply(&set_data("/a", b"other", 1));
    while cursor.advance(&grower.tree, 1, 1 << 20, &mut bytes) {}
    let mut source = &bytes[..];
    let mut reader = SnapshotReader::new(&mut source, Packing::Plain).unwrap();
    while reader.next_node().unwrap().is_some() {}
    let (zxid, version, sum) = reader.finish().unwrap().digest.unwrap();
    assert_eq!((zxid, TxnDigest { version, tree: sum }), (Zxid(3), grower.tree.digest()));
}

#[test]
fn every_128th_digest_is_kept_and_no_more_than_1024_of_them() {
    let mut grower = Grower::new();
    grower.create("/a");
    for version in 1..128 * 1026 {
        grower.apply(&set_data("/a", b"x", version));
    }
    let kept: Vec<_> = grower.tree.digest_log().collect();
    assert_eq!((kept.len(), kept[0].0, kept[1023].0), (1024, Zxid(128 * 3), Zxid(128 * 1026)));
    assert_eq!(kept[1023].1, grower.tree.digest());
}

#[test]
fn quotas_and_acls_are_not_in_it_but_their_versions_are() {
    let mut grower = Grower::new();
    grower.create("/a");
    let before = grower.tree.digest();
    for path in ["/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits"] {
        grower.create(path);
        assert_eq!(grower.tree.digest(), before);
    }
    let acl = |version| Txn::SetAcl { path: "/a".into(), acl: Acl::read_only().into(), version };
    grower.apply(&acl(0));
    assert_eq!(grower.tree.digest(), before);
    grower.apply(&acl(1));
    assert_ne!(grower.tree.digest(), before);
}
