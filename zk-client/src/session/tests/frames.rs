//! What a connection may carry: half frames, and frames that cannot be.

use bytes::{BufMut, BytesMut};
use zk_proto::codec::{DecodeError, Encode, FrameError, encode_frame};
use zk_proto::{ErrorCode, OpCode, ReplyHeader, Zxid, xid};

use super::pair::{Pair, Told, config};
use crate::session::{Failure, Loss, SessionState};

fn reply(xid: i32) -> BytesMut {
    let mut out = BytesMut::new();
    encode_frame(&mut out, |out| {
        ReplyHeader { xid, zxid: Zxid(1), err: ErrorCode::Ok }.encode(out);
    });
    out
}

/// A machine whose read and write are in flight gets these bytes: what it drops the connection for.
fn dropped_for(bytes: &[u8]) -> Loss {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    pair.settle();
    pair.ensemble.out.clear();
    pair.stalled_to_client = false;
    pair.inject(bytes);
    assert_eq!(pair.failure(write), Failure::ConnectionLoss, "it was in flight");
    let why = pair.losses()[0].clone();
    pair.run_until(|pair| pair.session.state().is_connected());
    assert!(pair.outcome(read).is_ok(), "the next connection is a fresh one");
    why
}

#[test]
fn frames_may_arrive_byte_by_byte() {
    let mut pair = Pair::new(1);
    pair.read_len = 1;
    pair.ensemble.set("/a", b"some data");
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    pair.settle();
    assert!(pair.outcome(read).is_ok() && pair.outcome(write).is_ok());
}

#[test]
fn replies_to_something_else_than_the_oldest_request_cost_the_connection() {
    let due = Some(1);
    assert_eq!(dropped_for(&reply(2)), Loss::UnexpectedReply { got: 2, expected: due });
    assert_eq!(dropped_for(&reply(99)), Loss::UnexpectedReply { got: 99, expected: due });
    assert_eq!(dropped_for(&reply(0)), Loss::UnexpectedReply { got: 0, expected: due });
    assert_eq!(dropped_for(&reply(-3)), Loss::UnexpectedReply { got: -3, expected: due });
    for special in [xid::PING, xid::AUTH, xid::SET_WATCHES] {
        let unasked = Loss::UnexpectedReply { got: special, expected: None };
        assert_eq!(dropped_for(&reply(special)), unasked);
    }
}

#[test]
fn frames_that_cannot_be_read_cost_the_connection() {
    assert_eq!(dropped_for(&(-1_i32).to_be_bytes()), Loss::BadFrame(FrameError::Negative(-1)),);
    let short = dropped_for(&[0, 0, 0, 2, 7, 7]);
    assert_eq!(short, Loss::BadRecord(DecodeError::Truncated { needed: 4, present: 2 }));
    let event_without_body = dropped_for(&reply(xid::NOTIFICATION));
    assert!(matches!(event_without_body, Loss::BadRecord(_)), "{event_without_body:?}");
}

#[test]
fn an_answer_that_is_none_costs_the_attempt() {
    let mut pair = Pair::new(1);
    pair.stalled_to_client = true;
    pair.settle();
    pair.ensemble.out.clear();
    pair.stalled_to_client = false;
    pair.inject(&reply(1));
    assert!(matches!(pair.losses()[..], [Loss::BadRecord(_)]), "{:?}", pair.told);
    pair.run_until(|pair| pair.session.state().is_connected());
}

#[test]
fn a_reply_that_is_too_long_fails_its_request_alone_and_is_not_asked_for_again() {
    let mut config = config(1);
    config.reply_len_max = 1000;
    let mut pair = Pair::with(config, 1);
    pair.settle();
    pair.ensemble.set("/long", &[7; 2000]);
    pair.ensemble.set("/a", b"");
    pair.read_len = 3;
    let (before, long, after) = (pair.read("/a"), pair.read("/long"), pair.read("/a"));
    pair.run_until(|pair| !pair.outcomes(after).is_empty());
    assert!(pair.outcome(before).is_ok() && pair.outcome(after).is_ok());
    let failure = pair.failure(long);
    assert!(matches!(failure, Failure::ReplyTooLong { len: 2000.., limit: 1000 }), "{failure:?}");
    assert!(matches!(pair.losses()[..], [Loss::BadFrame(FrameError::TooLong { .. })]));
    assert_eq!(pair.ensemble.asked(2), [(OpCode::GetData, "/a")]);
}

#[test]
fn replies_may_carry_more_than_is_known_today() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let read = pair.read("/a");
    pair.settle();
    pair.ensemble.out.clear();
    pair.stalled_to_client = false;
    let mut longer = BytesMut::new();
    encode_frame(&mut longer, |out| {
        ReplyHeader { xid: 1, zxid: Zxid(1), err: ErrorCode::Other(-555) }.encode(out);
        out.put_slice(b"an explanation");
    });
    pair.inject(&longer);
    assert_eq!(pair.failure(read), Failure::Code(ErrorCode::Other(-555)));
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn xids_wrap_to_one_without_touching_the_reserved_ones() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.session.next_xid = i32::MAX - 3;
    let requests: Vec<_> = (0..6).map(|_| pair.read("/a")).collect();
    pair.settle();
    let xids: Vec<_> = pair.ensemble.seen.iter().map(|seen| seen.xid).collect();
    assert_eq!(xids, [i32::MAX - 3, i32::MAX - 2, i32::MAX - 1, 1, 2, 3]);
    assert!(requests.iter().all(|request| pair.outcome(*request).is_ok()));
    assert!(!pair.told.iter().any(|(_, told)| matches!(told, Told::Disconnect(_))));
}

#[test]
fn nothing_follows_the_connect_request_before_its_answer() {
    let mut pair = Pair::new(1);
    pair.ensemble.set("/a", b"");
    let auth = pair.auth("me:secret");
    let read = pair.read("/a");
    pair.stalled_to_client = true;
    pair.run(std::time::Duration::from_secs(3));
    // A connect request is 45 bytes and their length.
    assert_eq!((pair.bytes_to_server, pair.ensemble.seen.len()), (49, 0));
    pair.stalled_to_client = false;
    pair.settle();
    assert!(pair.outcome(auth).is_ok() && pair.outcome(read).is_ok());
}

#[test]
fn secrets_stay_out_of_debug() {
    let mut pair = Pair::established();
    pair.auth("me:open sesame");
    pair.settle();
    let password = pair.ensemble.sessions.values().next().expect("a session").password;
    let text = format!("{:?} {:?}", pair.session, pair.told);
    assert!(text.contains("Established"), "{text}");
    assert!(!text.contains("sesame") && !text.contains(&format!("{:?}", password.0)), "{text}");
}
