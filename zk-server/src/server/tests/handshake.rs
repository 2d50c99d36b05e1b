//! The table of what a connect request leads to.

use super::*;

#[test]
fn a_new_session_gets_an_id_a_password_and_a_clamped_timeout() {
    let mut world = World::new();
    for (wanted, granted) in [(0, 4000), (-5, 4000), (10_000, 10_000), (i32::MAX, 40_000)] {
        let (_, response) = world.session(wanted);
        assert_eq!(response.timeout_ms, granted);
        assert_eq!(response.password, Password::for_session(response.session_id));
        assert_eq!(response.read_only, Some(false));
    }
    let ids = world.server.session_ids();
    assert_eq!(ids, [0, 1, 2, 3].map(|n| SessionId(FIRST_SESSION.0 + n)));
}

#[test]
fn the_answer_waits_until_the_session_is_durable() {
    let mut world = World::new();
    world.slow_log = true;
    let conn = world.accept();
    assert_eq!(world.connect(conn, SessionId::NONE, Password::NONE, 10_000), None);
    assert!(!world.server.wants_input(conn));
    world.send(conn, 1, &exists("/", false));
    assert!(world.frames(conn).is_empty());
    world.sync(1);
    let frames = world.frames(conn);
    assert_eq!(frames.len(), 2, "the session, and the request that was too eager");
    assert!(world.server.wants_input(conn));
}

#[test]
fn a_client_that_knows_no_read_only_byte_gets_none() {
    let mut world = World::new();
    let conn = world.accept();
    let mut request = connect_request(SessionId::NONE, Password::NONE, 10_000);
    request.read_only = None;
    world.send_bytes(conn, &frame(|out| request.encode(out)));
    assert_eq!(world.frames(conn)[0].len(), 36);
}

#[test]
fn a_client_ahead_of_the_server_is_closed_without_an_answer() {
    let mut world = World::new();
    let (_, _) = world.session(10_000);
    let mut request = connect_request(SessionId::NONE, Password::NONE, 10_000);
    for (seen, closed) in [(Zxid(1), None), (Zxid(3), Some(CloseReason::ClientAhead))] {
        let conn = world.accept();
        request.last_zxid_seen = seen;
        world.send_bytes(conn, &frame(|out| request.encode(out)));
        assert_eq!(world.closed(conn), closed);
        assert_eq!(world.frames(conn).is_empty(), closed.is_some());
    }
}

#[test]
fn a_resumed_session_moves_and_its_former_connection_is_closed() {
    let mut world = World::new();
    let (first, session) = world.session(10_000);
    let second = world.accept();
    let resumed = world.connect(second, session.session_id, session.password, 5000).unwrap();
    assert_eq!((resumed.session_id, resumed.timeout_ms), (session.session_id, 5000));
    assert_eq!(world.closed(first), Some(CloseReason::SessionMoved));
    assert_eq!(world.call(second, &exists("/nope", false)).err(), ErrorCode::NoNode);
    world.disconnect(first);
    assert_eq!(world.server.session_ids(), [session.session_id]);
}

#[test]
fn a_wrong_password_hurts_nobody_but_its_sender() {
    let mut world = World::new();
    let (owner, session) = world.session(10_000);
    let thief = world.accept();
    let answer = world.connect(thief, session.session_id, Password([1; 16]), 10_000).unwrap();
    assert_eq!(answer, ConnectResponse::expired(Some(false)));
    assert_eq!(world.closed(thief), Some(CloseReason::SessionRefused));
    assert_eq!(world.closed(owner), None, "the live connection stays");
    assert_eq!(world.call(owner, &exists("/nope", false)).err(), ErrorCode::NoNode);
}

#[test]
fn sessions_that_never_were_are_expired_whatever_their_number() {
    let mut world = World::new();
    for id in [1, -1, i64::MIN, i64::MAX] {
        let conn = world.accept();
        let password = Password::for_session(SessionId(id));
        let answer = world.connect(conn, SessionId(id), password, 10_000).unwrap();
        assert_eq!((answer.timeout_ms, answer.session_id), (0, SessionId::NONE), "{id}");
        assert_eq!(answer.password, Password::NONE);
    }
}

#[test]
fn a_closed_session_cannot_be_resumed() {
    let mut world = World::new();
    let (conn, session) = world.session(10_000);
    let closed = world.call(conn, &Request::CloseSession);
    assert_eq!((closed.err(), closed.header.zxid), (ErrorCode::Ok, Zxid(2)));
    assert_eq!(world.closed(conn), Some(CloseReason::SessionClosed));
    let conn = world.accept();
    let answer = world.connect(conn, session.session_id, session.password, 10_000).unwrap();
    assert_eq!(answer.timeout_ms, 0);
}

#[test]
fn a_connect_request_that_cannot_be_read_closes_the_connection() {
    let mut world = World::new();
    let conn = world.accept();
    world.send_bytes(conn, &frame(|out| out.extend_from_slice(&[0; 20])));
    let reason = world.closed(conn).unwrap();
    assert!(matches!(reason, CloseReason::Malformed { what: "connect request", .. }), "{reason}");
    assert!(world.frames(conn).is_empty());
}

#[test]
fn a_connection_without_a_session_is_closed_in_time() {
    let mut world = World::new();
    let silent = world.accept();
    let (served, _) = world.session(30_000);
    world.advance(Duration::from_secs(9));
    assert_eq!(world.closed(silent), None);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.closed(silent), Some(CloseReason::Sessionless));
    assert_eq!(world.closed(served), None);
}
