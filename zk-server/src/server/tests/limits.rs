//! What one client, or all of them, may cost.

use super::*;

#[test]
fn connections_of_one_address_are_counted() {
    let mut world = World::with(ServerConfig { max_client_cnxns: 2, ..config() });
    let first = world.accept_from("10.0.0.1:1");
    let second = world.accept_from("10.0.0.1:2");
    let third = world.accept_from("10.0.0.1:3");
    let limit = CloseReason::TooManyFromAddress { limit: 2 };
    assert_eq!(world.closed(third), Some(limit));
    let elsewhere = world.accept_from("10.0.0.2:1");
    for conn in [first, second, elsewhere] {
        assert_eq!(world.closed(conn), None);
    }
    world.disconnect(first);
    let fourth = world.accept_from("10.0.0.1:4");
    assert_eq!(world.closed(fourth), None, "a freed place is given away");
}

#[test]
fn connections_are_counted_in_all() {
    let mut world = World::with(ServerConfig { max_cnxns: 1, ..config() });
    world.accept_from("10.0.0.1:1");
    let second = world.accept_from("10.0.0.2:1");
    assert_eq!(world.closed(second), Some(CloseReason::TooManyConnections { limit: 1 }));
}

#[test]
fn a_connection_with_too_many_waiting_requests_is_not_read_until_they_are_answered() {
    let mut world = World::with(config());
    let (conn, _) = world.session(10_000);
    world.server.config.limits.pending_requests = 3;
    world.slow_log = true;
    for xid in 1..=5 {
        world.send(conn, xid, &create("/n-", CreateMode::PersistentSequential));
    }
    assert_eq!(world.log.len() - world.synced, 3, "the others are left in the socket");
    assert!(!world.server.wants_input(conn));
    world.sync(1);
    assert_eq!(world.log.len() - world.synced, 3, "one more came in");
    world.slow_log = false;
    world.settle();
    assert_eq!(world.xids(conn), [1, 2, 3, 4, 5]);
    assert!(world.server.wants_input(conn));
}

#[test]
fn a_loaded_server_does_not_read_who_waits_and_still_reads_who_does_not() {
    let mut world = World::with(ServerConfig { global_outstanding_limit: 2, ..config() });
    let (busy, _) = world.session(10_000);
    let (other, _) = world.session(10_000);
    world.slow_log = true;
    for xid in 1..=3 {
        world.send(busy, xid, &create("/b-", CreateMode::PersistentSequential));
    }
    assert_eq!(world.log.len() - world.synced, 2);
    assert!(!world.server.wants_input(busy) && world.server.wants_input(other));
    world.send(other, 1, &create("/o", CreateMode::Persistent));
    assert!(!world.server.wants_input(other), "now it waits, too");
    world.send(other, 2, &exists("/o", false));
    world.slow_log = false;
    world.settle();
    assert_eq!(world.xids(busy), [1, 2, 3]);
    assert_eq!(world.xids(other), [1, 2]);
    assert!(world.server.wants_input(busy) && world.server.wants_input(other));
    assert_eq!(world.server.in_flight, 0);
}

/// Lets a client fall behind: nobody takes what the server has for it.
fn fire_without_reading(world: &mut World, writer: ConnectionId, count: usize) {
    for _ in 0..count {
        let mut frame = request_frame(1, &set("/a", b"x"));
        world.server.handle(world.now, Event::Received { conn: writer, bytes: &mut frame });
        while let Some(action) = world.server.poll_action() {
            match action {
                Action::Append(record) => {
                    let zxid = record.header.zxid;
                    world.log.push(record);
                    world.synced = world.log.len();
                    world.server.handle(world.now, Event::Durable { zxid });
                }
                Action::Transmit { conn } if conn == writer => {
                    let _ = world.server.take_output(writer);
                }
                Action::Transmit { .. } => {}
                action => world.perform(action),
            }
        }
    }
}

#[test]
fn a_client_that_reads_nothing_is_first_not_heard_and_then_cut_off() {
    let mut world = World::with(config());
    let (writer, _) = world.session(40_000);
    let (lazy, _) = world.session(40_000);
    world.call(writer, &create("/a", CreateMode::Persistent));
    let mode = zk_proto::AddWatchMode::Persistent.code();
    world.call(lazy, &Request::AddWatch(zk_proto::AddWatchRequest { path: "/a", mode }));
    let event_len = 4 + 16 + 4 + 4 + 4 + 2;
    world.server.config.limits.output_high_water = 2 * event_len;
    world.server.config.limits.output_cap = 4 * event_len;
    fire_without_reading(&mut world, writer, 1);
    assert!(world.server.wants_input(lazy));
    fire_without_reading(&mut world, writer, 1);
    assert!(!world.server.wants_input(lazy));
    fire_without_reading(&mut world, writer, 2);
    assert_eq!(world.closed(lazy), None);
    fire_without_reading(&mut world, writer, 1);
    let overflow = CloseReason::OutputOverflow { cap: 4 * event_len };
    assert_eq!(world.closed(lazy), Some(overflow));
    assert_eq!(world.server.watches.watch_count(), 0);
}

#[test]
fn a_connection_whose_output_is_taken_is_heard_again() {
    let mut world = World::with(config());
    let (conn, _) = world.session(40_000);
    world.server.config.limits.output_high_water = 20;
    let mut bytes = request_frame(1, &exists("/nope", false));
    bytes.extend_from_slice(&request_frame(2, &exists("/nope", false)));
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    assert!(!bytes.is_empty(), "the second one is left");
    world.client(conn).unread = bytes;
    world.settle();
    assert_eq!(world.xids(conn), [1, 2]);
}
