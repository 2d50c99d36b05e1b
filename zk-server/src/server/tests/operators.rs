//! Four-letter words on the client port.

use super::*;

fn ask(world: &mut World, word: &[u8]) -> (String, Option<CloseReason>) {
    let conn = world.accept();
    world.send_bytes(conn, word);
    let client = world.client(conn);
    let text = String::from_utf8(client.received.split().to_vec()).unwrap();
    (text, client.closed.clone())
}

#[test]
fn a_word_is_answered_and_the_connection_closed() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.call(conn, &create("/a", CreateMode::Persistent));
    let answered = Some(CloseReason::CommandAnswered);
    assert_eq!(ask(&mut world, b"ruok\n"), ("imok".to_owned(), answered.clone()));
    let (srvr, closed) = ask(&mut world, b"srvr");
    assert!(srvr.contains("\nConnections: 2\n") && srvr.contains("\nZxid: 0x2\n"), "{srvr}");
    assert!(srvr.ends_with("\nNode count: 6\n"), "{srvr}");
    assert_eq!(closed, answered);
    let (mntr, _) = ask(&mut world, b"mntr");
    assert!(mntr.contains("zk_global_sessions\t1\n"), "{mntr}");
    assert_eq!(ask(&mut world, b"wchc"), (String::new(), answered), "known, and not answered");
}

#[test]
fn words_outside_the_whitelist_are_refused() {
    let defaults = ServerConfig::default();
    let mut world = World::with(defaults);
    let (text, _) = ask(&mut world, b"stat");
    assert_eq!(text, "stat is not executed because it is not in the whitelist.\n");
    assert!(ask(&mut world, b"srvr").0.starts_with("Zookeeper version: 3."));
}

#[test]
fn a_word_that_comes_byte_by_byte_is_one() {
    let mut world = World::new();
    let conn = world.accept();
    for byte in b"ruok" {
        world.send_bytes(conn, &[*byte]);
    }
    assert_eq!(&world.client(conn).received[..], b"imok");
}

#[test]
fn behind_a_connect_request_a_word_is_a_length_that_is_too_large() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.send_bytes(conn, b"ruok");
    assert!(matches!(world.closed(conn), Some(CloseReason::BadFrame(_))));
}
