//! SASL: on each connection before anything else, cut at every byte, refused for good.

use std::time::Duration;

use bytes::Bytes;
use zk_proto::OpCode;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{ErrorCode, ReplyHeader, SaslResponse, Zxid};

use super::pair::{Pair, TIMEOUT, Told, config};
use crate::session::{Config, Failure, Loss, SaslStep, SessionState, WatchKind};

const SASL: (OpCode, &str) = (OpCode::Sasl, "");

fn with(hosts: u16) -> Pair {
    let mut pair = Pair::with(Config { sasl: Some("TEST"), ..config(hosts) }, 7);
    pair.ensemble.set("/a", b"");
    pair
}

/// A client that waits for its mechanism, and has asked for something meanwhile.
fn stalled() -> Pair {
    let mut pair = with(1);
    pair.mechanism.stalled = true;
    pair.settle();
    pair
}

#[test]
fn nothing_goes_out_before_the_exchange_is_over() {
    let mut pair = stalled();
    pair.auth("me:secret");
    let read = pair.read("/a");
    pair.run(TIMEOUT / 4);
    assert_eq!(pair.ensemble.asked(1), []);
    assert_eq!(pair.session.state(), SessionState::Connecting);
    pair.mechanism.stalled = false;
    pair.settle();
    let asked = [SASL, SASL, (OpCode::Auth, ""), (OpCode::GetData, "/a")];
    assert_eq!(pair.ensemble.asked(1), asked);
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.states(), [(SessionState::Connected, 1)]);
}

#[test]
fn each_connection_authenticates_anew_before_watches_and_requests() {
    let mut pair = with(2);
    pair.settle();
    pair.set_watch(WatchKind::Data, "/a");
    let session = pair.session.session_id();
    for connection in 2..4 {
        pair.cut();
        let queued = pair.read("/a");
        pair.run(Duration::from_secs(1));
        let asked = [SASL, SASL, (OpCode::SetWatches, ""), (OpCode::GetData, "/a")];
        assert_eq!(pair.ensemble.asked(connection), asked);
        assert!(pair.outcome(queued).is_ok());
    }
    assert_eq!(pair.session.session_id(), session);
}

#[test]
fn pings_wait_too() {
    let mut pair = with(1);
    pair.settle();
    pair.mechanism.stalled = true;
    pair.cut();
    pair.run(Duration::from_secs(8));
    assert_eq!(pair.session.state(), SessionState::Suspended);
    let later = pair.ensemble.seen.iter().filter(|seen| seen.connection > 1);
    assert_eq!(later.count(), 0);
}

fn refused(pair: &mut Pair) -> String {
    let read = pair.read("/a");
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.session.state(), SessionState::AuthFailed);
    assert_eq!(pair.ensemble.connections, 1, "it is not tried again");
    match pair.failure(read) {
        Failure::AuthFailed(why) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_is_final_and_names_the_mechanism() {
    let mut pair = with(1);
    pair.mechanism.password = "hush";
    let why = refused(&mut pair);
    assert!(why.contains("TEST") && !why.contains("hush"), "{why}");
    assert!(pair.told.iter().any(|(_, told)| matches!(told, Told::Finished(_))));
}

#[test]
fn a_server_without_sasl_is_none_to_work_with() {
    let mut pair = with(1);
    pair.ensemble.does_sasl = false;
    let why = refused(&mut pair);
    assert!(why.contains("does not do SASL"), "{why}");
}

#[test]
fn a_server_that_proves_nothing_is_refused() {
    let mut pair = with(1);
    pair.mechanism.password = "nothing";
    let why = refused(&mut pair);
    assert!(why.contains("is no proof"), "{why}");
}

#[test]
fn a_mechanism_that_trusts_wants_no_more_than_assent() {
    let mut pair = with(1);
    (pair.mechanism.password, pair.mechanism.trusts) = ("nothing", true);
    pair.settle();
    assert_eq!(pair.session.state(), SessionState::Connected);
    (pair.mechanism.password, pair.mechanism.trusts) = ("wrong", true);
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.state(), SessionState::AuthFailed);
}

#[test]
fn what_is_out_of_reach_is_tried_again() {
    let mut pair = stalled();
    pair.session.sasl_stepped(pair.now, 1, SaslStep::Unavailable("no KDC".to_owned()));
    pair.mechanism.asked = None;
    pair.mechanism.stalled = false;
    pair.run(Duration::from_secs(1));
    let no_kdc = |loss: &&Loss| loss.to_string().contains("no KDC");
    assert_eq!(pair.losses().into_iter().filter(no_kdc).count(), 1);
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn an_answer_of_an_earlier_connection_is_ignored() {
    let mut pair = stalled();
    let asked = pair.mechanism.asked.take();
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ensemble.connections, 2);
    for late in [SaslStep::Done, SaslStep::Refused(String::new())] {
        pair.session.sasl_stepped(pair.now, asked.as_ref().unwrap().0, late);
        pair.settle();
        assert_eq!(pair.session.state(), SessionState::Connecting);
    }
    pair.mechanism.stalled = false;
    pair.settle();
    assert_eq!(pair.session.state(), SessionState::Connected);
    pair.session.sasl_stepped(pair.now, 2, SaslStep::Refused(String::new()));
    assert_eq!(pair.session.state(), SessionState::Connected, "the exchange was over");
}

#[test]
fn a_mechanism_that_never_answers_costs_an_attempt_and_no_more() {
    let mut pair = stalled();
    pair.run_until(|pair| pair.ensemble.connections == 2);
    assert!(matches!(pair.losses()[..], [Loss::AttemptTimedOut(_)]), "{:?}", pair.losses());
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.session.state(), SessionState::Closed, "the connect timeout holds");
}

#[test]
fn a_server_that_closes_instead_of_answering_is_left_for_another() {
    let mut pair = with(2);
    pair.ensemble.closes_on = Some(OpCode::Sasl);
    pair.run(Duration::from_secs(60));
    assert!(pair.ensemble.connections > 2);
    assert_eq!(pair.session.state(), SessionState::Closed, "the connect timeout holds");
}

#[test]
fn an_exchange_has_an_end() {
    let mut pair = stalled();
    for _ in 0..16 {
        let (exchange, _) = pair.mechanism.asked.take().expect("the machine asks");
        pair.session.sasl_stepped(pair.now, exchange, SaslStep::Send(Bytes::new()));
        pair.settle();
    }
    assert_eq!(pair.session.state(), SessionState::Connecting);
    pair.session.sasl_stepped(pair.now, 1, SaslStep::Send(Bytes::new()));
    assert_eq!(pair.session.state(), SessionState::AuthFailed);
}

#[test]
fn a_token_over_the_limit_is_not_sent() {
    let mut pair = stalled();
    let token = Bytes::from(vec![0; 2 << 20]);
    pair.session.sasl_stepped(pair.now, 1, SaslStep::SendLast(token));
    pair.settle();
    assert_eq!(pair.session.state(), SessionState::AuthFailed);
    assert_eq!(pair.ensemble.asked(1), []);
}

fn frame(xid: i32, err: ErrorCode, body: &[u8]) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    encode_frame(&mut out, |out| {
        ReplyHeader { xid, zxid: Zxid::ZERO, err }.encode(out);
        out.extend_from_slice(body);
    });
    out.to_vec()
}

#[test]
fn what_is_no_answer_to_the_token_costs_the_connection() {
    let mut answer = bytes::BytesMut::new();
    SaslResponse { token: Some(Bytes::from_static(b"proof")) }.encode(&mut answer);
    let out_of_turn = frame(1, ErrorCode::Ok, &answer);
    // Nothing was asked yet.
    let mut pair = stalled();
    pair.inject(&out_of_turn);
    assert!(matches!(pair.losses()[..], [Loss::UnexpectedReply { .. }]), "{:?}", pair.losses());
    // The token is out, under the xid 1.
    for wrong in [frame(2, ErrorCode::Ok, &answer), frame(-1, ErrorCode::Ok, b""), vec![0; 8]] {
        let mut pair = stalled();
        pair.mechanism.asked = None;
        pair.session.sasl_stepped(pair.now, 1, SaslStep::Send(Bytes::from_static(b"x")));
        pair.stalled_to_server = true;
        pair.inject(&wrong);
        assert_eq!(pair.losses().len(), 1, "{wrong:?}");
        assert_ne!(pair.session.state(), SessionState::AuthFailed);
    }
    let mut pair = stalled();
    pair.mechanism.asked = None;
    pair.session.sasl_stepped(pair.now, 1, SaslStep::Send(Bytes::from_static(b"x")));
    pair.stalled_to_server = true;
    pair.inject(&frame(1, ErrorCode::Ok, &[0, 0, 0, 9, 1]));
    assert!(matches!(pair.losses()[..], [Loss::BadRecord(_)]), "{:?}", pair.losses());
}

#[test]
fn closing_does_not_wait_for_the_mechanism() {
    let mut pair = stalled();
    let close = pair.close();
    pair.settle();
    assert!(pair.outcome(close).is_ok());
    assert_eq!(pair.session.state(), SessionState::Closed);
}

#[test]
fn a_session_that_ends_while_the_client_authenticates_is_over() {
    let mut pair = with(1);
    pair.settle();
    pair.mechanism.stalled = true;
    pair.cut();
    pair.run(Duration::from_millis(500));
    pair.pause(2 * TIMEOUT);
    let (exchange, _) = pair.mechanism.asked.take().unwrap();
    pair.session.sasl_stepped(pair.now, exchange, SaslStep::Done);
    assert_eq!(pair.session.epoch(), 2);
    pair.mechanism.stalled = false;
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.state(), SessionState::Connected);
    let told = [SessionState::Suspended, SessionState::Expired];
    assert!(told.iter().all(|state| pair.states().iter().any(|(told, _)| told == state)));
}

/// One connection that is cut after so many bytes in a direction, and then as many as it takes.
fn cut_after(to_server: Option<usize>, to_client: Option<usize>, resumed: bool) -> (usize, usize) {
    let mut pair = with(2);
    if resumed {
        pair.settle();
        pair.cut();
    }
    let before = (pair.bytes_to_server, pair.bytes_to_client);
    (pair.cut_to_server_after, pair.cut_to_client_after) = (to_server, to_client);
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    pair.run(TIMEOUT / 2);
    let what = format!("cut after {to_server:?} bytes out, {to_client:?} in, resumed: {resumed}");
    assert_eq!(pair.session.state(), SessionState::Connected, "{what}");
    assert_eq!(pair.session.epoch(), 1, "{what}");
    assert!(pair.outcome(read).is_ok(), "{what}");
    let outcome = pair.outcome(write).clone();
    let applied = pair.ensemble.applied.len();
    match outcome {
        Ok(_) => assert_eq!(applied, 1, "{what}"),
        Err(Failure::ConnectionLoss) => assert!(applied <= 1, "{what}"),
        Err(other) => panic!("{what}: {other:?}"),
    }
    // On each connection that got that far, the exchange came first.
    for connection in 1..=pair.ensemble.connections {
        let asked = pair.ensemble.asked(connection);
        let others = asked.iter().position(|asked| *asked != SASL).unwrap_or(2);
        assert!(others == 2, "{what}: {asked:?}");
    }
    (pair.bytes_to_server - before.0, pair.bytes_to_client - before.1)
}

#[test]
fn a_cut_at_any_byte_of_the_exchange_leads_to_another_exchange() {
    let mut cuts = 0;
    for resumed in [false, true] {
        let (to_server, to_client) = cut_after(None, None, resumed);
        for at in 1..=to_server {
            cut_after(Some(at), None, resumed);
        }
        for at in 1..=to_client {
            cut_after(None, Some(at), resumed);
        }
        cuts += to_server + to_client;
    }
    println!("cut at {cuts} places");
    assert!(cuts > 500);
}
