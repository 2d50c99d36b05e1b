//! Sessions that end, and what else time does.

use zk_proto::{CreateTtlRequest, EventType};

use super::*;

fn create_container(path: &str) -> Request<'_> {
    let flags = CreateMode::Container.flags();
    Request::CreateContainer(CreateRequest { path, data: None, acl: Acl::open(), flags })
}

/// A node that ends after so long without children.
fn create_ttl(path: &str, ttl_ms: i64) -> Request<'_> {
    let flags = CreateMode::PersistentWithTtl.flags();
    Request::CreateTtl(CreateTtlRequest { path, data: None, acl: Acl::open(), flags, ttl_ms })
}

/// Lets a minute go by in which a client pings.
fn wait_a_minute(world: &mut World, conn: ConnectionId) {
    for _ in 0..6 {
        world.advance(Duration::from_secs(10));
        world.ping(conn);
    }
}

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
    world.call(conn, &create_container("/c"));
    world.call(conn, &create("/c/child", CreateMode::Persistent));
    assert_eq!(world.call(conn, &create_ttl("/t", 90_000)).err(), ErrorCode::Ok);
    let delete = zk_proto::DeleteRequest { path: "/c/child", version: -1 };
    world.call(conn, &Request::Delete(delete));
    wait_a_minute(&mut world, conn);
    assert_eq!(world.call(conn, &exists("/c", false)).err(), ErrorCode::NoNode);
    assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::Ok);
    wait_a_minute(&mut world, conn);
    assert_eq!(world.call(conn, &exists("/t", false)).err(), ErrorCode::NoNode);
}

#[test]
fn sweeps_of_one_minute_remove_no_more_than_they_may() {
    for check_interval in [Duration::from_secs(1), Duration::from_secs(3600)] {
        let mut world = World::with(ServerConfig {
            container_check_interval: check_interval,
            container_max_per_minute: 2,
            session_timeout_max: Some(Duration::from_secs(10_000)),
            ..config()
        });
        let (conn, _) = world.session(10_000_000);
        let paths = ["/1", "/2", "/3", "/4", "/5"];
        for path in paths {
            assert_eq!(world.call(conn, &create_ttl(path, 1)).err(), ErrorCode::Ok);
        }
        let left = |world: &mut World| {
            let is_there =
                |path: &&&str| world.call(conn, &exists(path, false)).err() == ErrorCode::Ok;
            paths.iter().filter(is_there).count()
        };
        world.advance(check_interval);
        assert_eq!(left(&mut world), 3);
        world.advance(Duration::from_secs(59));
        assert_eq!(left(&mut world), 3, "the minute is not over");
        world.advance(Duration::from_secs(1));
        assert_eq!(left(&mut world), 1, "{check_interval:?}");
        world.advance(Duration::from_secs(60));
        assert_eq!(left(&mut world), 0);
    }
}

#[test]
fn a_container_that_was_never_used_goes_if_the_operator_says_when() {
    for (never_used_max, left) in
        [(None, ErrorCode::Ok), (Some(Duration::from_secs(90)), ErrorCode::NoNode)]
    {
        let mut world =
            World::with(ServerConfig { container_never_used_max: never_used_max, ..config() });
        let (conn, _) = world.session(40_000);
        world.call(conn, &create_container("/c"));
        for expected in [ErrorCode::Ok, left] {
            wait_a_minute(&mut world, conn);
            assert_eq!(world.call(conn, &exists("/c", false)).err(), expected);
        }
    }
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
    world.call(conn, &create_ttl("/t", 1000));
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
    let (other, _) = world.session(5000);
    assert_eq!(world.call(other, &exists("/t", false)).err(), ErrorCode::NoNode);
    world.now.wall_ms = 0;
    world.advance(Duration::from_secs(4));
    assert_eq!(world.closed(conn), Some(CloseReason::SessionExpired));
}

#[test]
fn after_a_pause_the_server_hears_what_was_said_meanwhile_before_sessions_end() {
    let mut world = World::new();
    let (pinging, _) = world.session(5000);
    let (silent, _) = world.session(5000);
    let (_, away) = world.session(5000);
    let (long, _) = world.session(40_000);
    let stop = |world: &mut World, secs| {
        world.set_clock(world.now.instant + Duration::from_secs(secs));
        world.handle(Event::Tick);
    };
    stop(&mut world, 30);
    assert_eq!(world.server.session_ids().len(), 4);
    world.ping(pinging);
    let back = world.accept();
    world.connect(back, away.session_id, away.password, 5000).unwrap();
    world.advance(Duration::from_secs(4));
    assert_eq!(world.closed(silent), Some(CloseReason::SessionExpired));
    for conn in [pinging, back, long] {
        assert_eq!(world.closed(conn), None);
    }
}

#[test]
fn a_pause_is_noticed_by_whatever_happens_first() {
    let mut world = World::new();
    let (pinging, _) = world.session(5000);
    let (silent, _) = world.session(5000);
    world.set_clock(world.now.instant + Duration::from_secs(30));
    world.ping(pinging);
    world.handle(Event::Tick);
    assert_eq!(world.closed(silent), None);
    world.advance(Duration::from_secs(4));
    assert_eq!(
        (world.closed(silent), world.closed(pinging)),
        (Some(CloseReason::SessionExpired), None)
    );
}

#[test]
fn neither_many_pauses_nor_much_to_do_keep_a_silent_session_alive() {
    let mut world = World::new();
    let (silent, _) = world.session(5000);
    for _ in 0..2 {
        assert_eq!(world.closed(silent), None);
        world.set_clock(world.now.instant + Duration::from_secs(8));
        world.handle(Event::Tick);
    }
    assert_eq!(world.closed(silent), Some(CloseReason::SessionExpired));
    let (silent, _) = world.session(5000);
    let (busy, _) = world.session(40_000);
    for _ in 0..100 {
        world.set_clock(world.now.instant + Duration::from_millis(400));
        world.ping(busy);
    }
    world.handle(Event::Tick);
    assert_eq!(world.closed(silent), Some(CloseReason::SessionExpired));
}
