//! Other data in the place of those there were.

use zk_proto::txn::{Txn, TxnHeader};

use super::*;
use crate::tree::DataTree;

/// A tree of another server, with `/theirs` and an ephemeral node of a session of its own.
fn theirs(session: SessionId) -> DataTree {
    let mut tree = DataTree::new(true);
    for (zxid, path, ephemeral) in [(1, "/theirs", false), (2, "/theirs/e", true)] {
        let txn = Txn::Create {
            with_stat: false,
            path: path.to_owned(),
            data: None,
            acl: Acl::open().into(),
            ephemeral,
            parent_cversion: 1,
        };
        let (zxid, op) = (Zxid(zxid), txn.op().code());
        tree.apply(&TxnHeader { session, cxid: 1, zxid, time_ms: 1, op }, &txn);
    }
    tree
}

/// What the log thread does: the snapshot of it is durable, what waits for the log is not written.
fn restore(world: &mut World, mut tree: DataTree, sessions: &[SessionId]) -> Zxid {
    let zxid = world.server.zxid_for(tree.last_zxid());
    tree.stand_at(zxid);
    world.server.restore(world.now, tree, sessions);
    let header = TxnHeader { session: SessionId(0), cxid: 0, zxid, time_ms: 0, op: -1 };
    let txn = Txn::Error(ErrorCode::RuntimeInconsistency);
    world.log = vec![Arc::new(TxnRecord { header, txn, digest: None })];
    world.synced = 1;
    world.settle();
    zxid
}

#[test]
fn everything_that_hung_on_the_former_data_is_gone() {
    let mut world = World::new();
    let (conn, session) = world.session(5000);
    let (other, _) = world.session(5000);
    world.call(conn, &create("/ours", CreateMode::Persistent));
    world.call(conn, &create("/ours/e", CreateMode::Ephemeral));
    world.call(other, &get("/ours", true));
    let fresh = world.accept();
    world.slow_log = true;
    // On its way to the log, with reads behind it, a session as well.
    world.send(conn, 5, &set("/ours", b"new"));
    world.send(conn, 6, &get("/ours", false));
    world.send_bytes(fresh, &connect_frame(SessionId::NONE, Password::NONE, 5000));
    let proposed = world.log.last().unwrap().header.zxid;
    let own = SessionId(FIRST_SESSION.0 + 900);
    let zxid = restore(&mut world, theirs(own), &[own]);
    assert_eq!(zxid, Zxid(proposed.0 + 1), "behind all that was ever proposed");
    for conn in [conn, other, fresh] {
        assert_eq!(world.closed(conn), Some(CloseReason::Restored));
        assert!(world.replies(conn).is_empty(), "neither answers nor events");
    }
    world.slow_log = false;
    world.settle();
    // The mark, and the end of the session that the restored data know.
    assert_eq!(world.server.last_zxid(), Zxid(zxid.0 + 2));
    assert!(world.server.session_ids().is_empty());
    let conn = world.accept();
    let refused = world.connect(conn, session.session_id, session.password, 5000).unwrap();
    assert_eq!(refused.session_id, SessionId::NONE);

    let (conn, session) = world.session(5000);
    assert!(session.session_id > own, "no id comes again");
    assert_eq!(world.call(conn, &exists("/theirs", false)).err(), ErrorCode::Ok);
    for gone in ["/ours", "/ours/e", "/theirs/e"] {
        assert_eq!(world.call(conn, &exists(gone, false)).err(), ErrorCode::NoNode, "{gone}");
    }
    let reply = world.call(conn, &set("/theirs", b"on"));
    assert_eq!(reply.header.zxid, world.server.last_zxid());
    assert_eq!(world.server.in_flight, 0, "nothing is waited for any more");
    assert_eq!(world.server.large_in_flight, 0);
}

/// Digests of transactions that are proposed behind it are those of the restored tree.
#[test]
fn what_was_pending_does_not_show_in_what_is_proposed_next() {
    let mut world = World::new();
    let (conn, _) = world.session(5000);
    world.slow_log = true;
    world.send(conn, 5, &create("/theirs/x", CreateMode::Persistent));
    world.send(conn, 6, &create("/pending", CreateMode::Persistent));
    restore(&mut world, theirs(SessionId(1)), &[]);
    world.slow_log = false;
    world.settle();
    let (conn, _) = world.session(5000);
    assert_eq!(world.call(conn, &create("/pending", CreateMode::Persistent)).err(), ErrorCode::Ok);
    assert_eq!(world.call(conn, &create("/theirs/x", CreateMode::Persistent)).err(), ErrorCode::Ok);
    assert_eq!(world.server.stats.digest_mismatches, 0);
}
