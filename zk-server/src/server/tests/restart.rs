//! A server that takes up the log of another one.

use super::*;

fn restarted(world: &World) -> World {
    let mut next = World::new();
    let later = Now { instant: world.now.instant, ..world.now };
    next.now = later;
    let mut server = Server::new(config(), FIRST_SESSION, later);
    for record in &world.log {
        server.replay(&record.header, &record.txn);
    }
    server.start(later);
    next.server = server;
    next.log.clone_from(&world.log);
    next.synced = next.log.len();
    next
}

#[test]
fn nodes_sessions_and_the_order_go_on() {
    let mut world = World::new();
    let (conn, session) = world.session(5000);
    world.call(conn, &create("/e", CreateMode::Ephemeral));
    let (gone, closed) = world.session(5000);
    world.call(gone, &Request::CloseSession);
    world.advance(Duration::from_secs(5));

    let mut world = restarted(&world);
    assert_eq!(world.server.last_zxid(), Zxid(4));
    assert_eq!(world.server.session_ids(), [session.session_id]);
    let (_, fresh) = world.session(5000);
    assert!(fresh.session_id > closed.session_id, "no id is given out twice");
    assert_eq!(world.server.last_zxid(), Zxid(5));
    let conn = world.accept();
    world.connect(conn, session.session_id, session.password, 5000).unwrap();
    assert_eq!(world.call(conn, &exists("/e", false)).err(), ErrorCode::Ok);
}

#[test]
fn a_session_has_its_full_timeout_to_come_back() {
    let mut world = World::new();
    world.session(5000);
    world.advance(Duration::from_secs(5));
    let mut world = restarted(&world);
    world.advance(Duration::from_secs(5));
    assert_eq!(world.server.session_ids().len(), 1);
    world.advance(Duration::from_secs(2));
    assert!(world.server.session_ids().is_empty());
}
