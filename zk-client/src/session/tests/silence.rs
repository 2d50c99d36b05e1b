//! Pings, silence, and servers that are slow.

use std::time::Duration;

use zk_proto::OpCode;

use super::pair::{Pair, TIMEOUT, Told};
use crate::session::{Failure, Loss, SessionState, WatchKind};

fn pings(pair: &Pair) -> usize {
    pair.ensemble.seen.iter().filter(|seen| seen.op == OpCode::Ping).count()
}

#[test]
fn an_idle_connection_pings_each_third_of_the_timeout_and_stays() {
    let mut pair = Pair::established();
    pair.run(TIMEOUT / 3 - Duration::from_millis(1));
    assert_eq!(pings(&pair), 0);
    pair.run(Duration::from_millis(1));
    assert_eq!(pings(&pair), 1);
    pair.run(TIMEOUT * 10 - TIMEOUT / 3);
    assert_eq!(pings(&pair), 30);
    assert_eq!(pair.told, []);
}

#[test]
fn any_request_stands_for_a_ping() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    for _ in 0..40 {
        pair.read("/a");
        pair.run(TIMEOUT / 4);
    }
    assert_eq!(pings(&pair), 0);
}

#[test]
fn pings_go_out_on_time_however_much_the_server_sends() {
    let mut pair = Pair::established();
    pair.set_watch(WatchKind::Persistent, "/a");
    for at in 0_u32..100 {
        pair.ensemble.set("/a", &at.to_be_bytes());
        pair.run(TIMEOUT / 100);
    }
    assert_eq!(pings(&pair), 3);
    pair.run(TIMEOUT / 3);
    assert_eq!(pings(&pair), 4);
}

#[test]
fn authentication_is_no_sign_of_life() {
    let mut pair = Pair::established();
    pair.run(TIMEOUT / 4);
    pair.auth("me:secret");
    pair.run(TIMEOUT / 3 - TIMEOUT / 4);
    assert_eq!(pings(&pair), 1);
}

#[test]
fn a_silent_server_is_left_after_two_thirds_of_the_timeout() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let read = pair.read("/a");
    pair.run(TIMEOUT * 2 / 3 - Duration::from_millis(1));
    assert_eq!(pair.session.state(), SessionState::Connected);
    pair.run(Duration::from_millis(1));
    assert_eq!(pair.losses(), [&Loss::ServerSilent(TIMEOUT * 2 / 3)]);
    assert_eq!(pair.states(), [(SessionState::Suspended, 1)]);
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.session.epoch(), 1, "the session was resumed");
}

#[test]
fn a_slow_server_is_not_a_silent_one() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let reads: Vec<_> = (0..3).map(|_| pair.read("/a")).collect();
    for _ in 0..9 {
        // Half of what is there comes just before patience ends.
        pair.run(TIMEOUT / 2);
        pair.stalled_to_client = false;
        pair.settle();
        pair.stalled_to_client = true;
    }
    assert!(reads.iter().all(|read| pair.outcome(*read).is_ok()));
    assert_eq!(pair.losses(), [] as [&Loss; 0]);
}

#[test]
fn half_a_frame_is_no_word_from_the_server() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", &[0; 500]);
    pair.run(Duration::from_secs(1));
    pair.read_len = 1;
    pair.stalled_to_client = true;
    pair.read("/a");
    pair.settle();
    let len = pair.ensemble.out.len();
    pair.ensemble.out.truncate(len - 1);
    pair.stalled_to_client = false;
    pair.settle();
    // The last byte never comes, nor does anything else.
    pair.stalled_to_client = true;
    pair.run(TIMEOUT * 2 / 3 - Duration::from_millis(1_001));
    assert_eq!(pair.losses(), [] as [&Loss; 0]);
    pair.run(Duration::from_millis(2));
    assert_eq!(pair.losses(), [&Loss::ServerSilent(TIMEOUT * 2 / 3)]);
}

#[test]
fn a_server_that_talks_but_does_not_answer_is_left() {
    let mut pair = Pair::established();
    pair.set_watch(WatchKind::Persistent, "/a");
    let deadline = pair.session.session_deadline();
    // What the machine sends gets nowhere, yet events go on coming.
    pair.stalled_to_server = true;
    let started = pair.now;
    while pair.losses().is_empty() {
        assert!(pair.now < started + 2 * TIMEOUT, "it is given up");
        assert_eq!(pair.session.session_deadline(), deadline, "events prove nothing");
        pair.ensemble.set("/a", b"");
        pair.run(TIMEOUT / 12);
    }
    assert_eq!(pair.losses(), [&Loss::PingUnanswered(TIMEOUT)]);
}

#[test]
fn the_session_deadline_counts_from_when_the_answered_was_sent() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let start = pair.now;
    assert_eq!(pair.session.session_deadline(), Some(start + TIMEOUT));
    pair.run(Duration::from_secs(1));
    let sent_at = pair.now;
    pair.stalled_to_client = true;
    let read = pair.read("/a");
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.session_deadline(), Some(start + TIMEOUT), "nothing was answered");
    pair.stalled_to_client = false;
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.session.session_deadline(), Some(sent_at + TIMEOUT));
    // The next ping is due a third of the timeout after the read.
    pair.run(TIMEOUT / 3 - Duration::from_secs(2));
    assert_eq!(pair.session.session_deadline(), Some(sent_at + TIMEOUT / 3 + TIMEOUT));
    pair.close();
    pair.settle();
    assert_eq!(pair.session.session_deadline(), None);
}

#[test]
fn being_taken_in_counts_from_when_it_was_asked_for() {
    let mut pair = Pair::new(1);
    let asked_at = pair.now;
    pair.stalled_to_client = true;
    pair.run(Duration::from_secs(2));
    pair.stalled_to_client = false;
    pair.settle();
    assert_eq!(pair.session.session_deadline(), Some(asked_at + TIMEOUT));
}

#[test]
fn the_negotiated_timeout_sets_the_pace() {
    let mut pair = Pair::new(1);
    pair.ensemble.timeout_max_ms = 3000;
    pair.settle();
    assert_eq!(pair.session.session_timeout(), Some(Duration::from_secs(3)));
    pair.run(Duration::from_secs(9));
    assert_eq!(pings(&pair), 9);
    pair.stalled_to_client = true;
    pair.run(Duration::from_secs(1));
    pair.run_until(|pair| !pair.losses().is_empty());
    assert_eq!(pair.losses(), [&Loss::ServerSilent(Duration::from_secs(2))]);
    assert_eq!(pair.ensemble.greetings[0].timeout_ms, 12_000, "what was asked for");
}

#[test]
fn a_lost_connection_is_suspended_before_its_requests_fail() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let write = pair.write("/a");
    pair.settle();
    pair.cut();
    let told: Vec<_> = pair.told.iter().map(|(_, told)| told.clone()).collect();
    assert_eq!(
        told,
        [
            Told::State(SessionState::Suspended, 1),
            Told::Complete(write, Err(Failure::ConnectionLoss)),
        ]
    );
}
