//! Long answers to four-letter words.

use super::*;

#[test]
fn connections_are_dumped_by_when_they_are_closed() {
    const IDLE: usize = 5000;
    let mut world = World::new();
    world.session(30_000);
    for i in 0..IDLE {
        world.accept_from(&format!("10.1.{}.{}:40000", i / 250, i % 250));
    }
    let pieces = pieces(&mut world, b"dump");
    let text = String::from_utf8(pieces.concat()).unwrap();
    let (_, sets) = text.split_once("Connections dump:\n").unwrap();
    let lines: Vec<_> = sets.lines().collect();
    // With the one that asks.
    assert_eq!(lines[0], format!("Connections Sets (2)/({}):", IDLE + 2));
    assert!(lines[1].starts_with(&format!("{} expire at ", IDLE + 1)), "{}", lines[1]);
    let sessionless = lines.iter().filter(|line| line.ends_with(" sessionId: 0x0")).count();
    assert_eq!((sessionless, lines.len()), (IDLE + 1, IDLE + 5));
    assert!(lines[IDLE + 3].starts_with("1 expire at "), "{}", lines[IDLE + 3]);
    assert!(pieces.len() > 4, "others had their turns in between");
    assert_eq!(world.server.unread, 0);
}

/// Watches of `count` nodes that are not there, by one session, some on children that no list shows.
fn with_watches(count: i32) -> World {
    let mut world = World::new();
    let (conn, _) = world.session(30_000);
    for i in 0..count {
        world.send(conn, i, &exists(&format!("/not-there-{i:06}"), true));
    }
    let _ = world.frames(conn);
    world
}

/// A connection that has asked, and of which the test itself takes the answer.
fn asks(world: &mut World, word: &[u8; 4]) -> ConnectionId {
    // One that no client of the world has.
    let conn = ConnectionId(1_000_000);
    let peer = "10.0.0.9:40000".parse().unwrap();
    world.server.handle(world.now, Event::Accepted { conn, peer });
    let mut bytes = BytesMut::from(&word[..]);
    world.server.handle(world.now, Event::Received { conn, bytes: &mut bytes });
    conn
}

/// The pieces of an answer, as a client takes them that is never fast enough.
fn pieces(world: &mut World, word: &[u8; 4]) -> Vec<BytesMut> {
    let conn = asks(world, word);
    let mut pieces = Vec::new();
    let mut closes = false;
    loop {
        while let Some(action) = world.server.poll_action() {
            closes |= matches!(action, Action::Close { .. });
        }
        let piece = world.server.take_output(conn);
        let ends = closes && piece.is_empty();
        pieces.push(piece);
        if ends {
            world.server.handle(world.now, Event::Disconnected { conn });
            return pieces;
        }
    }
}

#[test]
fn many_watches_are_shown_in_pieces_and_each_once() {
    const WATCHES: i32 = 10_000;
    const PIECE_LEN_MAX: usize = 48 << 10;
    let mut world = with_watches(WATCHES);
    for word in [b"wchc", b"wchp"] {
        let pieces = pieces(&mut world, word);
        assert!(pieces.len() > 4 && pieces.iter().all(|piece| piece.len() < PIECE_LEN_MAX));
        let text = String::from_utf8(pieces.concat()).unwrap();
        let shown: Vec<_> = text.lines().filter(|line| line.contains("/not-there-")).collect();
        assert_eq!(shown.len(), usize::try_from(WATCHES).unwrap());
        assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
    }
    let summary = pieces(&mut world, b"wchs").concat();
    let expected = format!("1 connections watching {WATCHES} paths\nTotal watches:{WATCHES}\n");
    assert_eq!(summary, expected.as_bytes());
    assert_eq!(world.server.unread, 0);
}

#[test]
fn each_piece_of_a_report_is_a_turn() {
    let mut world = with_watches(5000);
    let conn = asks(&mut world, b"wchc");
    let mut turns = 0;
    while world.server.turn_is_over(conn) {
        turns += 1;
        assert!(!world.server.take_output(conn).is_empty());
    }
    assert!(turns > 1, "{turns}");
}

#[test]
fn what_is_left_of_a_report_ends_with_its_connection() {
    let mut world = with_watches(5000);
    let conn = asks(&mut world, b"wchc");
    assert!(!world.server.wants_input(conn));
    let _ = world.server.take_output(conn);
    world.handle(Event::Disconnected { conn });
    assert_eq!(world.server.unread, 0);
    assert!(ask(&mut world, b"srvr").0.contains("\nConnections: 2\n"));
}
