//! Bytes as they come: in any pieces, and wrong ones.

use zk_proto::codec::FrameError;

use super::*;

#[test]
fn a_conversation_is_the_same_however_it_is_cut() {
    let mut whole = connect_frame(SessionId::NONE, Password::NONE, 10_000);
    whole.extend_from_slice(&request_frame(1, &create("/a", CreateMode::Persistent)));
    whole.extend_from_slice(&request_frame(2, &get("/a", true)));
    whole.extend_from_slice(&request_frame(3, &set("/a", b"x")));
    let answers = |pieces: &[&[u8]]| {
        let mut world = World::new();
        let conn = world.accept();
        for piece in pieces {
            world.send_bytes(conn, piece);
        }
        world.frames(conn)
    };
    let expected = answers(&[&whole]);
    assert_eq!(expected.len(), 5, "session, three replies, one event");
    for at in 1..whole.len() {
        let (head, tail) = whole.split_at(at);
        assert_eq!(answers(&[head, tail]), expected, "cut at {at}");
    }
    let bytes: Vec<_> = whole.chunks(1).collect();
    assert_eq!(answers(&bytes), expected);
}

#[test]
fn a_frame_at_the_limit_is_read_and_one_byte_more_closes() {
    let limit = config().limits.frame_len;
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    let padded = |len: usize| {
        let mut frame = request_frame(1, &exists("/", false));
        frame.resize(4 + len, 0);
        frame[..4].copy_from_slice(&i32::try_from(len).unwrap().to_be_bytes());
        frame
    };
    world.send_bytes(conn, &padded(limit));
    assert_eq!(world.reply(conn).err(), ErrorCode::Ok, "what follows a record is ignored");
    world.send_bytes(conn, &padded(limit + 1)[..4]);
    let too_long = FrameError::TooLong { len: limit + 1, limit };
    assert_eq!(world.closed(conn), Some(CloseReason::BadFrame(too_long)));
}

#[test]
fn a_negative_length_costs_the_connection_and_not_the_session() {
    let mut world = World::new();
    let (conn, session) = world.session(10_000);
    world.send_bytes(conn, &(-2_i32).to_be_bytes());
    let negative = CloseReason::BadFrame(FrameError::Negative(-2));
    assert_eq!(world.closed(conn), Some(negative));
    assert!(world.frames(conn).is_empty());
    let conn = world.accept();
    let resumed = world.connect(conn, session.session_id, session.password, 10_000).unwrap();
    assert_eq!(resumed.session_id, session.session_id);
}

#[test]
fn a_header_or_auth_packet_that_cannot_be_read_closes() {
    for (body, what) in
        [(&[0, 0, 0, 1][..], "request header"), (AUTH_WITHOUT_PACKET, "auth packet")]
    {
        let mut world = World::new();
        let (conn, _) = world.session(10_000);
        world.send_bytes(conn, &frame(|out| out.extend_from_slice(body)));
        let reason = world.closed(conn).unwrap();
        assert!(matches!(reason, CloseReason::Malformed { what: w, .. } if w == what), "{reason}");
        assert!(world.frames(conn).is_empty());
    }
}

/// xid -4, op 100, and nothing else.
const AUTH_WITHOUT_PACKET: &[u8] = &[0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 100];

#[test]
fn empty_and_repeated_closes_are_harmless() {
    let mut world = World::new();
    let (conn, _) = world.session(10_000);
    world.disconnect(conn);
    world.disconnect(conn);
    world.send_bytes(conn, &request_frame(1, &exists("/", false)));
    assert!(world.frames(conn).is_empty());
    assert_eq!(world.server.connection_count(), 0);
}
