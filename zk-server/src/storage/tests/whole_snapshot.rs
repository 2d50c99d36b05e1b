//! Snapshots that have to be whole without a log.

use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{Acl, Permissions, SessionId, Zxid};

use crate::storage::whole_snapshot::{NotWhole, WholeSnapshot};
use crate::tree::{DataTree, SnapshotCursor};

fn apply(tree: &mut DataTree, txn: &Txn) {
    let zxid = Zxid(tree.last_zxid().0 + 1);
    let (session, op) = (SessionId(1), txn.op().code());
    tree.apply(&TxnHeader { session, cxid: 1, zxid, time_ms: 1, op }, txn);
}

fn create(path: &str) -> Txn {
    Txn::Create {
        with_stat: false,
        path: path.to_owned(),
        data: None,
        acl: Acl::open().into(),
        ephemeral: false,
        parent_cversion: 1,
    }
}

/// Bytes of the last section, which Apache writes since 3.9.
const LAST_LEN: usize = 21;

/// As Apache 3.8 writes one: with what the tree adds up to at the end, and nothing behind it.
fn as_before_3_9(mut bytes: BytesMut) -> BytesMut {
    bytes.truncate(bytes.len() - LAST_LEN);
    bytes
}

/// `meanwhile` is what clients do when half of the nodes are written.
fn written(meanwhile: &[Txn]) -> (BytesMut, DataTree) {
    let mut tree = DataTree::new(true);
    for path in ["/a", "/b", "/c", "/d"] {
        apply(&mut tree, &create(path));
    }
    let mut out = BytesMut::new();
    let mut cursor = SnapshotCursor::begin(&tree, &[], &mut out);
    // The root and two of them, each of which is left again.
    cursor.advance(&tree, 4, usize::MAX, &mut out);
    for txn in meanwhile {
        apply(&mut tree, txn);
    }
    while cursor.advance(&tree, 100, usize::MAX, &mut out) {}
    (out, tree)
}

#[test]
fn one_of_apaches_is_whole_if_its_nodes_add_up_to_what_it_says() {
    let (bytes, tree) = written(&[]);
    let bytes = as_before_3_9(bytes);
    let whole = WholeSnapshot::read(&bytes[..], true).unwrap();
    assert_eq!((whole.tree.last_zxid(), whole.tree.digest()), (Zxid(4), tree.digest()));
    assert!(whole.tree.node("/d").is_some());
}

#[test]
fn one_of_apaches_that_was_written_while_clients_wrote_is_refused() {
    let nobody = Acl::new(Permissions::READ, "ip", "10.0.0.1");
    let set_acl = |path: &str| {
        let acl: Arc<[Acl]> = vec![nobody.clone()].into();
        Txn::SetAcl { path: path.to_owned(), acl, version: 1 }
    };
    for (what, txn) in [
        ("it lacks a node", create("/a/late")),
        ("it has a node of before", Txn::Delete { path: "/a".to_owned() }),
        ("it has an ACL of before", set_acl("/a")),
        ("it lacks an ACL, which is in no sum", set_acl("/d")),
    ] {
        let (bytes, _) = written(&[txn]);
        let with_end = WholeSnapshot::read(&bytes[..], true);
        let is_refused = matches!(with_end, Err(NotWhole::Torn { .. } | NotWhole::NotAlone));
        assert!(is_refused, "{what}: {with_end:?}");
        let read = WholeSnapshot::read(&as_before_3_9(bytes)[..], true);
        assert!(matches!(read, Err(NotWhole::NotAlone)), "{what}: {read:?}");
    }
}
