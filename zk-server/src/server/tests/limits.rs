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

/// One write, and behind it, in the same bytes, `count` reads of a node of 1000 bytes.
fn write_then_reads(world: &mut World, count: i32) -> (ConnectionId, BytesMut) {
    let (conn, _) = world.session(40_000);
    world.call(conn, &create("/a", CreateMode::Persistent));
    world.call(conn, &set("/a", &[7; 1000]));
    let mut bytes = request_frame(1, &create("/b", CreateMode::Persistent));
    for xid in 2..2 + count {
        bytes.extend_from_slice(&request_frame(xid, &get("/a", false)));
    }
    (conn, bytes)
}

#[test]
fn reads_behind_a_write_are_answered_as_fast_as_the_client_reads_and_no_faster() {
    let mut world = World::with(config());
    let (conn, mut bytes) = write_then_reads(&mut world, 40);
    world.server.config.limits.output_high_water = 5000;
    world.slow_log = true;
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    world.settle();
    assert!(bytes.is_empty(), "all of them wait behind the write");
    assert_eq!(world.server.in_flight, 41);
    let zxid = world.log.last().unwrap().header.zxid;
    world.synced = world.log.len();
    world.server.handle(world.now, Event::Durable { zxid });
    let waiting = world.server.connections.get(&conn).unwrap().output.len();
    assert!((5000..7000).contains(&waiting), "{waiting} bytes were made ready at once");
    assert_eq!(world.server.in_flight, 0, "nobody else has to wait for this client");
    world.slow_log = false;
    world.settle();
    assert_eq!(world.xids(conn), (1..42).collect::<Vec<_>>());
    assert_eq!((world.server.in_flight, world.server.unread), (0, world.unread_by(conn)));
}

#[test]
fn a_read_between_two_writes_shows_the_first_even_if_the_client_is_slow() {
    let mut world = World::with(config());
    let (conn, mut bytes) = write_then_reads(&mut world, 20);
    bytes.extend_from_slice(&request_frame(22, &set("/a", b"later")));
    bytes.extend_from_slice(&request_frame(23, &get("/a", false)));
    world.server.config.limits.output_high_water = 5000;
    world.slow_log = true;
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    world.slow_log = false;
    world.settle();
    let replies = world.replies(conn);
    let xids: Vec<_> = replies.iter().map(|reply| reply.header.xid).collect();
    assert_eq!(xids, (1..24).collect::<Vec<_>>());
    assert!(replies[1..21].iter().all(|reply| reply.body.len() > 1000), "none saw the later write");
    assert!(replies[22].body.len() < 100);
    assert_eq!(world.server.in_flight, 0);
}

#[test]
fn a_client_that_must_be_answered_before_its_next_write_shows_is_cut_off_above_the_cap() {
    let mut world = World::with(config());
    let (conn, mut bytes) = write_then_reads(&mut world, 20);
    bytes.extend_from_slice(&request_frame(22, &set("/a", b"later")));
    world.server.config.limits.output_high_water = 5000;
    world.server.config.limits.output_cap = 10_000;
    world.slow_log = true;
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    while let Some(action) = world.server.poll_action() {
        world.perform(action);
    }
    let zxid = world.log.last().unwrap().header.zxid;
    world.synced = world.log.len();
    world.server.handle(world.now, Event::Durable { zxid });
    world.settle();
    assert_eq!(world.closed(conn), Some(CloseReason::OutputOverflow { cap: 10_000 }));
    assert_eq!((world.server.in_flight, world.server.unread), (0, 0));
}

#[test]
fn a_connection_that_sends_many_requests_lets_others_in_between() {
    let mut world = World::with(config());
    let (conn, _) = world.session(40_000);
    world.server.config.limits.turn_requests = 3;
    let mut bytes = BytesMut::new();
    for xid in 1..=7 {
        bytes.extend_from_slice(&request_frame(xid, &exists("/", false)));
    }
    for turn in [3, 6, 7] {
        world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
        let promised = !bytes.is_empty();
        assert_eq!(world.server.wants_input(conn), !promised, "what is there comes first");
        let actions: Vec<_> = std::iter::from_fn(|| world.server.poll_action()).collect();
        assert_eq!(actions.contains(&Action::Resume { conn }), promised);
        assert_eq!(
            world.server.connections.get(&conn).unwrap().stats.sent,
            1 + turn,
            "after {turn}"
        );
    }
    let mut bytes = BytesMut::new();
    for xid in 1..=2 {
        let count = zk_proto::GetAllChildrenNumberRequest { path: "/" };
        bytes.extend_from_slice(&request_frame(xid, &Request::GetAllChildrenNumber(count)));
    }
    let one = bytes.len() / 2;
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    assert_eq!(bytes.len(), one, "one that walks the tree is a turn of its own");
}

#[test]
fn clients_that_do_not_read_are_not_heard_while_all_together_have_too_much_unread() {
    let mut world = World::with(config());
    let (lazy, _) = world.session(40_000);
    let (other, _) = world.session(40_000);
    world.server.config.limits.output_total = 30;
    let mut bytes = request_frame(1, &exists("/nope", false));
    bytes.extend_from_slice(&request_frame(2, &exists("/nope", false)));
    bytes.extend_from_slice(&request_frame(3, &exists("/nope", false)));
    world.server.handle(world.now, Event::Received { conn: lazy, bytes: &mut bytes });
    assert!(!bytes.is_empty(), "the third one is left");
    let mut frame = request_frame(1, &exists("/", false));
    world.server.handle(world.now, Event::Received { conn: other, bytes: &mut frame });
    assert!(frame.is_empty(), "who has read everything is heard");
    world.client(lazy).unread = bytes;
    world.settle();
    assert_eq!((world.xids(lazy), world.xids(other)), (vec![1, 2, 3], vec![1]));
}

#[test]
fn a_burst_leaves_no_room_allocated_behind() {
    let mut world = World::with(config());
    let (conn, _) = world.session(40_000);
    let large = vec![7; 300 << 10];
    world.call(conn, &create("/a", CreateMode::Persistent));
    world.call(conn, &set("/a", &large));
    assert!(world.call(conn, &get("/a", false)).body.len() > large.len());
    let kept = world.server.connections.get(&conn).unwrap().output.capacity();
    assert!(kept <= 64 << 10, "{kept} bytes are kept for an idle connection");
}

#[test]
fn sessions_that_are_asked_for_too_fast_are_turned_away_until_there_are_tokens() {
    let mut config = config();
    let throttle = &mut config.limits.connection_throttle;
    (throttle.tokens, throttle.fill_time) = (2, Duration::from_millis(10));
    let mut world = World::with(config);
    let (first, _) = world.session(10_000);
    world.session(10_000);
    let third = world.accept();
    assert!(world.connect(third, SessionId::NONE, Password::NONE, 10_000).is_none());
    assert_eq!(world.closed(third), Some(CloseReason::Throttled));
    assert!(CloseReason::Throttled.is_abrupt());
    assert_eq!(world.closed(first), None);
    let word = world.accept();
    world.send_bytes(word, b"ruok");
    assert_eq!(world.closed(word), Some(CloseReason::CommandAnswered), "operators need none");
    world.advance(Duration::from_millis(10));
    world.session(10_000);
}

/// Two connections of which each has one large write on its way, and a limit of two.
fn with_two_large_writes() -> (World, [ConnectionId; 3], Vec<u8>) {
    let data = vec![7; 1000];
    let mut world = World::with(config());
    let [first, second, third] = [0; 3].map(|_| world.session(40_000).0);
    world.call(first, &create("/a", CreateMode::Persistent));
    let limits = &mut world.server.config.limits;
    limits.large_request_threshold = Some(500);
    limits.large_request_max_bytes = 2 * request_frame(1, &set("/a", &data)).len();
    world.slow_log = true;
    for conn in [first, second] {
        world.send(conn, 1, &set("/a", &data));
    }
    (world, [first, second, third], data)
}

#[test]
fn large_requests_beyond_their_limit_cost_their_connection() {
    let (mut world, [first, second, third], data) = with_two_large_writes();
    world.send(third, 1, &set("/a", &data[..400]));
    assert_eq!(world.closed(third), None, "small ones are not counted");
    // The length is enough: the rest need not even come.
    world.send_bytes(third, &request_frame(2, &set("/a", &data))[..4]);
    let limit = world.server.config.limits.large_request_max_bytes;
    assert_eq!(world.closed(third), Some(CloseReason::LargeRequests { limit }));
    world.slow_log = false;
    world.settle();
    assert_eq!((world.xids(first), world.xids(second)), (vec![1], vec![1]));
    assert_eq!(world.server.large_in_flight, 0);
    let (again, _) = world.session(40_000);
    world.send(again, 2, &set("/a", &data));
    assert_eq!(world.closed(again), None, "what was answered holds nothing");
}

#[test]
fn large_requests_of_a_connection_that_is_gone_hold_nothing() {
    let (mut world, [first, second, _], data) = with_two_large_writes();
    world.server.config.limits.large_request_max_bytes = 10 << 20;
    // A read that waits behind the write, and is as large.
    let path = format!("/{}", "x".repeat(data.len()));
    world.send(first, 2, &exists(&path, false));
    let before = world.server.large_in_flight;
    world.disconnect(first);
    assert!(world.server.large_in_flight < before);
    world.slow_log = false;
    world.settle();
    assert_eq!((world.xids(second), world.server.large_in_flight), (vec![1], 0));
}

/// It has a session, and so no time to set one up; but no request of it is ever whole.
#[test]
fn a_client_that_sends_a_byte_a_minute_lives_no_longer_than_its_session() {
    let mut world = World::with(config());
    let (slow, _) = world.session(40_000);
    let frame = request_frame(1, &exists("/", false));
    for byte in frame.iter().take(3) {
        world.send_bytes(slow, std::slice::from_ref(byte));
        world.advance(Duration::from_secs(60));
    }
    assert_eq!(world.closed(slow), Some(CloseReason::SessionExpired));
    assert!(world.server.session_ids().is_empty());
    let mute = world.accept();
    world.send_bytes(mute, &connect_frame(SessionId::NONE, Password::NONE, 10_000)[..1]);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.closed(mute), Some(CloseReason::Sessionless));
}

#[test]
fn ten_thousand_watches_of_one_client_cost_the_others_nothing() {
    let mut world = World::with(config());
    let (greedy, _) = world.session(40_000);
    let (writer, _) = world.session(40_000);
    for n in 0..10_000 {
        world.send(greedy, n, &exists(&format!("/w-{n}"), true));
    }
    assert_eq!(world.server.watches.watch_count(), 10_000);
    let _ = world.replies(greedy);
    for n in 0..10 {
        assert_eq!(
            world.call(writer, &create(&format!("/w-{n}"), CreateMode::Persistent)).err(),
            ErrorCode::Ok
        );
    }
    let events: Vec<_> = world.replies(greedy).iter().map(|event| event.event().path).collect();
    assert_eq!(events, (0..10).map(|n| format!("/w-{n}")).collect::<Vec<_>>());
    world.disconnect(greedy);
    assert_eq!(world.server.watches.watch_count(), 0, "they go with the connection");
}
