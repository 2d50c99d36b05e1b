//! Closing: what was asked for is finished, and it is bounded.

use std::time::Duration;

use zk_proto::OpCode;

use super::greeting::Host;
use super::pair::{Pair, Told};
use crate::session::{Failure, Loss, Notice, SessionState, WatchKind};

fn is_finished(pair: &Pair) -> bool {
    pair.told.last().map(|told| &told.1) == Some(&Told::Finished(Failure::Closed))
        && pair.session.state() == SessionState::Closed
        && pair.session.next_deadline().is_none()
        && pair.session.request_count() == 0
}

#[test]
fn closing_lets_requests_finish_and_ends_the_session_on_the_server() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    let read = pair.read("/a");
    let close = pair.close();
    let late = pair.read("/a");
    pair.settle();
    assert!(pair.outcome(read).is_ok() && pair.outcome(close).is_ok());
    assert_eq!(pair.failure(late), Failure::Closed);
    assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::Closed)]);
    assert!(pair.ensemble.sessions.values().all(|session| session.closed));
    assert_eq!(pair.ensemble.asked(1).last(), Some(&(OpCode::CloseSession, "")));
    assert_eq!(pair.losses(), [&Loss::Closed]);
    assert!(is_finished(&pair));
    assert_eq!(pair.session.epoch(), 2, "the session is over");
}

#[test]
fn closing_without_a_session_is_done_at_once() {
    for host in [Host::Hangs, Host::Down, Host::Mute] {
        let mut pair = Pair::new(1);
        pair.ensemble.hosts.insert(2181, host);
        let queued = pair.read("/a");
        pair.settle();
        let close = pair.close();
        assert!(pair.outcome(close).is_ok(), "{host:?}");
        assert_eq!(pair.failure(queued), Failure::Closed);
        assert!(is_finished(&pair));
    }
}

#[test]
fn closing_during_a_blip_waits_for_the_next_server() {
    let mut pair = Pair::established();
    pair.cut();
    let close = pair.close();
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(close).is_ok());
    assert!(pair.ensemble.sessions.values().all(|session| session.closed));
    assert!(is_finished(&pair));
}

#[test]
fn closing_during_an_outage_is_given_up_in_time() {
    let mut pair = Pair::established();
    pair.ensemble.hosts.insert(2181, Host::Down);
    pair.cut();
    let write = pair.write("/a");
    let (close, start) = (pair.close(), pair.now);
    pair.run_until(|pair| pair.session.finished().is_some());
    assert_eq!(pair.now - start, Duration::from_secs(3));
    assert_eq!(pair.failure(close), Failure::TimedOut { in_flight: false });
    assert_eq!(pair.failure(write), Failure::Closed, "it was not sent");
    assert!(is_finished(&pair));
}

#[test]
fn a_server_that_does_not_answer_the_close_does_not_hold_it_up() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    let close = pair.close();
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.failure(close), Failure::TimedOut { in_flight: true });
    assert_eq!(pair.failure(read), Failure::Closed);
    assert_eq!(pair.failure(write), Failure::ConnectionLoss, "it may have been done");
    assert!(is_finished(&pair));
}

#[test]
fn a_close_whose_reply_is_lost_is_over_all_the_same() {
    let mut pair = Pair::established();
    pair.stalled_to_client = true;
    let close = pair.close();
    pair.settle();
    pair.cut();
    assert_eq!(pair.failure(close), Failure::ConnectionLoss);
    assert!(is_finished(&pair));
}

#[test]
fn a_session_that_expires_while_it_is_closed_is_not_renewed() {
    let mut pair = Pair::established();
    pair.ensemble.expire_sessions();
    pair.cut();
    let close = pair.close();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.failure(close), Failure::SessionExpired);
    let states =
        [(SessionState::Suspended, 1), (SessionState::Expired, 1), (SessionState::Closed, 2)];
    assert_eq!(pair.states(), states);
    assert!(is_finished(&pair));
}

#[test]
fn closing_twice_says_so() {
    let mut pair = Pair::established();
    let first = pair.close();
    let second = pair.close();
    assert_eq!(pair.failure(second), Failure::Closed);
    pair.settle();
    assert!(pair.outcome(first).is_ok());
    let third = pair.close();
    assert_eq!(pair.failure(third), Failure::Closed);
}

#[test]
fn an_abort_ends_everything_now() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    pair.settle();
    let auth = pair.auth("me:secret");
    pair.session.abort(pair.now);
    pair.settle();
    assert_eq!(pair.failure(read), Failure::Closed);
    assert_eq!(pair.failure(write), Failure::ConnectionLoss);
    assert_eq!(pair.failure(auth), Failure::Closed);
    assert!(is_finished(&pair));
    let told = pair.told.len();
    pair.session.abort(pair.now);
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.told.len(), told);
}
