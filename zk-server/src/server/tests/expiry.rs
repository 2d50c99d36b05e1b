//! Sessions that end, and what else time does.

use zk_proto::{CreateTtlRequest, EventType};

use super::*;

#[test]
fn a_silent_session_ends_at_the_boundary_after_its_timeout() {
    let mut world = World::new();
    let (conn, _) = world.session(5000);
    world.advance(Duration::from_millis(5999));
    assert_eq!(world.closed(conn), None);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.closed(conn), Some(CloseReason::SessionExpired));
    assert!(world.server.session_ids().is_empty());
}

#[test]
fn any_request_keeps_a_session_alive_but_auth_does_not() {
    let mut world = World::new();
    let (pings, pinging) = world.session(5000);
    let (reads, reading) = world.session(5000);
    let (auths, _) = world.session(5000);
    for _ in 0..5 {
        world.advance(Duration::from_secs(3));
        world.ping(pings);
        world.send(reads, 1, &exists("/", false));
        let auth = zk_proto::AuthPacket { kind: 0, scheme: "digest", auth: b"u:p" };
        world.send(auths, zk_proto::xid::AUTH, &Request::Auth(auth));
    }
    assert_eq!(world.server.session_ids(), [pinging.session_id, reading.session_id]);
}

#[test]
fn ephemerals_go_with_their_session_and_watchers_hear_of_it_before_anything_later() {
    let mut world = World::new();
    let (watcher, _) = world.session(40_000);
    let (owner, session) = world.session(5000);
    world.call(owner, &create("/e1", CreateMode::Ephemeral));
    world.call(owner, &create("/e2", CreateMode::Ephemeral));
    world.call(watcher, &exists("/e1", true));
    world.call(watcher, &get("/e2", true));
    world.disconnect(owner);
    world.advance(Duration::from_secs(8));
    let events = world.replies(watcher);
    let zxids: Vec<_> = events.iter().map(|event| event.header.zxid).collect();
    assert_eq!(zxids, [world.server.last_zxid(); 2], "one transaction");
    let mut paths: Vec<_> = events.iter().map(|event| event.event().path).collect();
    paths.sort();
    assert_eq!(paths, ["/e1", "/e2"]);
    assert!(events.iter().all(|event| event.event().kind == EventType::NodeDeleted));
    assert_eq!(world.call(watcher, &exists("/e1", false)).err(), ErrorCode::NoNode);
    assert_eq!(world.server.session_ids().len(), 1, "{session:?}");
}

#[test]
fn an_ephemeral_on_its_way_when_the_session_ends_goes_too() {
    let mut world = World::new();
    let (owner, session) = world.session(5000);
    let (other, _) = world.session(40_000);
    world.slow_log = true;
    world.send(owner, 1, &create("/e", CreateMode::Ephemeral));
    assert!(world.server.expire_session(world.now, session.session_id));
    assert!(!world.server.expire_session(world.now, session.session_id), "only once");
    world.send(owner, 2, &create("/late", CreateMode::Ephemeral));
    world.settle();
    let pending = world.log.len() - world.synced;
    assert_eq!(pending, 2, "the create and the end; the late one was dropped");
    world.sync(pending);
    assert_eq!(world.closed(owner), Some(CloseReason::SessionExpired));
    for path in ["/e", "/late"] {
        assert_eq!(world.call(other, &exists(path, false)).err(), ErrorCode::NoNode);
    }
}

#[test]
fn a_move_to_a_shorter_timeout_counts_from_the_move() {
    let mut world = World::new();
    let (_, session) = world.session(40_000);
    let conn = world.accept();
    world.connect(conn, session.session_id, session.password, 4000).unwrap();
    world.advance(Duration::from_secs(6));
    assert_eq!(world.closed(conn), Some(CloseReason::SessionExpired));
}

#[test]
fn empty_containers_and_old_ttl_nodes_are_swept() {
    let mut world = World::new();
    let (conn, _) = world.session(40_000);
    let container = zk_proto::CreateRequest {
        path: "/c",
        data: None,
        acl: Acl::open(),
        flags: CreateMode::Container.flags(),
    };
    world.call(conn, &Request::CreateContainer(container));
    world.call(conn, &create("/c/child", CreateMode::Persistent));
    let ttl = CreateTtlRequest {
        path: "/t",
        data: None,
        acl: Acl::open(),
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl_ms: 90_000,
    };
    assert_eq!(world.call(conn, &Request::CreateTtl(ttl)).err(), ErrorCode::Ok);
    let delete = zk_proto::DeleteRequest { path: "/c/child", version: -1 };
    world.call(conn, &Request::Delete(delete));
    let minute = |world: &mut World| {
        for _ in 0..6 {
            world.advance(Duration::from_secs(10));
            world.ping(conn);
        }
    };
    minute(&mut world);
    assert_eq!(world.call(conn, &exists("/c", false)).err(), ErrorCode::NoNode);
    assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::Ok);
    minute(&mut world);
    assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::NoNode);
}

#[test]
fn a_flood_of_ended_sessions_does_not_keep_a_ping_waiting() {
    let mut world = World::new();
    let (alive, _) = world.session(40_000);
    for _ in 0..crate::session::EXPIRY_BATCH + 1 {
        let (conn, _) = world.session(4000);
        world.disconnect(conn);
    }
    let deadline = world.server.next_deadline().unwrap();
    world.set_clock(deadline);
    world.handle(Event::Tick);
    assert_eq!(world.server.session_ids().len(), 2, "one batch is over");
    world.ping(alive);
    assert_eq!(world.server.next_deadline(), Some(deadline), "the rest is due at once");
    world.handle(Event::Tick);
    assert_eq!(world.server.session_ids().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_ends_nothing_early_and_one_that_leaps_ends_what_is_due() {
    let mut world = World::new();
    let (conn, _) = world.session(5000);
    let ttl = CreateTtlRequest {
        path: "/t",
        data: None,
        acl: Acl::open(),
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl_ms: 1000,
    };
    world.call(conn, &Request::CreateTtl(ttl));
    let before = world.now;
    for wall_ms in [0, -1, i64::MIN] {
        world.now = Now { instant: before.instant - Duration::from_millis(1), wall_ms };
        world.handle(Event::Tick);
        world.ping(conn);
        assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::Ok, "at {wall_ms}");
    }
    let day = Duration::from_secs(86_400);
    world.now = Now { instant: before.instant + day, wall_ms: i64::MAX };
    world.handle(Event::Tick);
    assert_eq!(world.closed(conn), Some(CloseReason::SessionExpired));
    let (conn, _) = world.session(5000);
    assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::NoNode);
}
