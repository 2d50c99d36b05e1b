//! Replies in the order of requests, reads behind writes.

use zk_proto::{CreateResponse, GetDataResponse};

use super::*;

#[test]
fn a_read_behind_a_write_waits_and_sees_it() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    world.send(conn, 1, &create("/a", CreateMode::Persistent));
    world.send(conn, 2, &exists("/a", false));
    world.send(conn, 3, &set("/a", b"x"));
    world.send(conn, 4, &get("/a", false));
    assert!(world.frames(conn).is_empty());
    world.sync(1);
    let replies = world.replies(conn);
    assert_eq!(
        replies.iter().map(|r| (r.header.xid, r.err())).collect::<Vec<_>>(),
        [(1, ErrorCode::Ok), (2, ErrorCode::Ok)]
    );
    world.sync(1);
    let replies = world.replies(conn);
    assert_eq!(replies[0].header.xid, 3);
    assert_eq!(replies[1].record::<GetDataResponse>().data.as_deref(), Some(&b"x"[..]));
}

#[test]
fn one_sync_of_many_writes_still_answers_each_read_at_its_place() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    for round in 0..3 {
        let (write, read) = (2 * round + 1, 2 * round + 2);
        let (path, next) = (format!("/{round}"), format!("/{}", round + 1));
        world.send(conn, write, &create(&path, CreateMode::Persistent));
        world.send(conn, read, &exists(&next, false));
    }
    world.sync(3);
    let seen: Vec<_> =
        world.replies(conn).iter().map(|r| (r.header.xid, r.err(), r.header.zxid.0)).collect();
    let (ok, missing) = (ErrorCode::Ok, ErrorCode::NoNode);
    let expected =
        [(1, ok, 2), (2, missing, 2), (3, ok, 3), (4, missing, 3), (5, ok, 4), (6, missing, 4)];
    assert_eq!(seen, expected, "the read before a write does not see it");
}

#[test]
fn reads_of_others_do_not_wait_and_do_not_see_what_is_not_durable() {
    let mut world = World::new();
    let (writer, _) = world.session(10_000);
    let (reader, _) = world.session(10_000);
    world.slow_log = true;
    world.send(writer, 1, &create("/a", CreateMode::Persistent));
    assert_eq!(world.call(reader, &exists("/a", false)).err(), ErrorCode::NoNode);
    world.sync(1);
    assert_eq!(world.call(reader, &exists("/a", false)).err(), ErrorCode::Ok);
}

#[test]
fn pipelined_sequential_creates_count_what_is_pending() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    for xid in 1..=3 {
        world.send(conn, xid, &create("/n-", CreateMode::PersistentSequential));
    }
    world.sync(3);
    let paths: Vec<_> =
        world.replies(conn).iter().map(|r| r.record::<CreateResponse>().path).collect();
    // `/zookeeper` is no transaction, so the counter of `/` starts at 0.
    assert_eq!(paths, ["/n-0000000000", "/n-0000000001", "/n-0000000002"]);
}

#[test]
fn pings_pass_a_slow_log() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    world.send(conn, 1, &create("/a", CreateMode::Persistent));
    world.send(conn, zk_proto::xid::PING, &Request::Ping);
    let pong = world.reply(conn);
    assert_eq!(pong.header.xid, zk_proto::xid::PING);
    assert_eq!(pong.header.zxid, Zxid(1), "the last one that is applied");
    world.sync(1);
    assert_eq!(world.xids(conn), [1]);
}

#[test]
fn a_resumed_session_reads_what_it_wrote_over_its_former_connection() {
    let mut world = World::new();
    let (first, session) = world.session(10_000);
    world.slow_log = true;
    world.send(first, 1, &create("/a", CreateMode::Persistent));
    let second = world.accept();
    world.connect(second, session.session_id, session.password, 10_000).unwrap();
    world.send(second, 1, &exists("/a", false));
    assert!(world.frames(second).is_empty());
    world.sync(1);
    assert_eq!(world.reply(second).err(), ErrorCode::Ok);
    assert!(world.frames(first).is_empty(), "the former connection is closed");
}

#[test]
fn undecodable_bodies_are_answered_in_order_and_a_multi_costs_a_zxid() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    let half = |xid: i32, op: i32| {
        frame(|out| {
            RequestHeader { xid, op }.encode(out);
            out.extend_from_slice(&[0, 0]);
        })
    };
    world.send_bytes(conn, &half(1, zk_proto::OpCode::Create.code()));
    world.send_bytes(conn, &half(2, zk_proto::OpCode::Multi.code()));
    world.send_bytes(conn, &half(3, zk_proto::OpCode::GetData.code()));
    let replies = world.replies(conn);
    let seen: Vec<_> = replies.iter().map(|r| (r.header.xid, r.err(), r.header.zxid)).collect();
    let code = ErrorCode::MarshallingError;
    assert_eq!(seen, [(1, code, Zxid(1)), (2, code, Zxid(2)), (3, code, Zxid(2))]);
    assert_eq!(world.closed(conn), None);
}

#[test]
fn a_write_whose_path_is_null_can_be_read_and_costs_a_zxid() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    let op = zk_proto::OpCode::Delete.code();
    let null_path = frame(|out| {
        RequestHeader { xid: 1, op }.encode(out);
        out.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    });
    world.send_bytes(conn, &null_path);
    let reply = world.reply(conn);
    assert_eq!((reply.err(), reply.header.zxid), (ErrorCode::MarshallingError, Zxid(2)));
}

#[test]
fn an_undecodable_reconfig_costs_no_zxid_and_is_answered_at_its_turn() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    world.send(conn, 1, &create("/a", CreateMode::Persistent));
    let op = zk_proto::OpCode::Reconfig.code();
    world.send_bytes(conn, &frame(|out| RequestHeader { xid: 2, op }.encode(out)));
    assert!(world.replies(conn).is_empty(), "it waits for the create");
    world.sync(1);
    let seen: Vec<_> =
        world.replies(conn).iter().map(|r| (r.header.xid, r.err(), r.header.zxid)).collect();
    let refused = (2, ErrorCode::MarshallingError, Zxid(2));
    assert_eq!(seen, [(1, ErrorCode::Ok, Zxid(2)), refused]);
}

#[test]
fn the_children_of_a_null_path_are_not_those_of_the_root() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    let op = zk_proto::OpCode::GetChildren.code();
    world.send_bytes(
        conn,
        &frame(|out| {
            RequestHeader { xid: 1, op }.encode(out);
            out.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0]);
        }),
    );
    assert_eq!(world.reply(conn).err(), ErrorCode::MarshallingError);
}

#[test]
fn unknown_op_codes_are_refused_behind_earlier_answers_and_close() {
    for op in [0, 10, 13, 20, 99, -1, -10] {
        let mut world = World::new();
        let (conn, _) = world.session(10_000);
        world.slow_log = true;
        world.send(conn, 1, &create("/a", CreateMode::Persistent));
        world.send_bytes(conn, &frame(|out| RequestHeader { xid: 2, op }.encode(out)));
        world.send(conn, 3, &exists("/a", false));
        world.sync(1);
        let replies = world.replies(conn);
        assert_eq!(replies.len(), 2, "op {op}: {replies:?}");
        assert_eq!(replies[1].err(), ErrorCode::Unimplemented);
        assert_eq!((replies[1].header.xid, replies[1].header.zxid), (2, Zxid::UNKNOWN));
        assert_eq!(world.closed(conn), Some(CloseReason::UnknownOpCode(op)));
    }
}

#[test]
fn nothing_is_heard_from_a_session_that_closes() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    world.send(conn, 1, &Request::CloseSession);
    world.send(conn, 2, &create("/late", CreateMode::Ephemeral));
    world.send(conn, 3, &Request::CloseSession);
    world.sync(1);
    assert_eq!(world.xids(conn), [1]);
    assert_eq!(world.log.len(), 2, "its session, and its end");
}

#[test]
fn credentials_take_effect_at_once_and_bad_ones_close() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    let auth = |scheme| Request::Auth(zk_proto::AuthPacket { kind: 0, scheme, auth: b"u:p" });
    let ok = world.call(conn, &auth("digest"));
    assert_eq!((ok.err(), ok.header.zxid, ok.body.len()), (ErrorCode::Ok, Zxid::ZERO, 0));
    assert_eq!(world.call(conn, &auth("nonsense")).err(), ErrorCode::AuthFailed);
    assert_eq!(world.closed(conn), Some(CloseReason::AuthFailed));
}

#[test]
fn sync_answers_in_order_with_its_path() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.slow_log = true;
    world.send(conn, 1, &create("/a", CreateMode::Persistent));
    world.send(conn, 2, &Request::Sync(zk_proto::SyncRequest { path: "/any" }));
    world.sync(1);
    let replies = world.replies(conn);
    assert_eq!(replies[1].record::<zk_proto::SyncResponse>().path, "/any");
}
