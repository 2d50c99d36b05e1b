//! Sessions that are left to a successor, and taken over by one.

use std::time::Duration;

use zk_proto::{SessionId, Zxid};

use super::greeting::Host;
use super::pair::{Pair, TIMEOUT, Told, config};
use crate::handover::SessionHandover;
use crate::session::{Config, Failure, Loss, SessionState, WatchKind};

/// A client that goes on with this session, and the ensemble of the one before.
fn successor(of: Pair, handover: SessionHandover, renew: bool) -> Pair {
    let config = Config { resume: Some(handover), renew, ..config(1) };
    let mut pair = Pair::with(config, 11);
    pair.ensemble = of.ensemble;
    pair.ensemble.disconnected();
    pair
}

/// A client that has read and written and then left its session.
fn left() -> (Pair, SessionHandover) {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let (write, read) = (pair.write("/a"), pair.read("/a"));
    pair.session.detach(pair.now);
    let late = pair.read("/a");
    pair.settle();
    assert!(pair.outcome(write).is_ok() && pair.outcome(read).is_ok(), "what was sent is finished");
    assert_eq!(pair.failure(late), Failure::Closed);
    let handover = pair.detached().expect("a session was left").clone();
    (pair, handover)
}

#[test]
fn a_session_that_is_left_lives_on() {
    let (pair, handover) = left();
    assert!(pair.ensemble.sessions.values().all(|session| !session.closed));
    assert_eq!(pair.told.last().map(|told| &told.1), Some(&Told::Finished(Failure::Closed)));
    assert_eq!(pair.session.state(), SessionState::Closed);
    assert_eq!((pair.session.next_deadline(), pair.session.request_count()), (None, 0));
    assert_eq!(handover.session_id(), SessionId(0x1000));
    assert_eq!(handover.last_zxid(), Zxid(pair.ensemble.zxid));
    assert_eq!(handover.session_timeout(), TIMEOUT);
}

#[test]
fn a_successor_goes_on_with_the_session() {
    let (pair, handover) = left();
    let mut pair = successor(pair, handover.clone(), true);
    assert_eq!((pair.session.session_id(), pair.session.session_deadline()), (None, None));
    assert_eq!(pair.session.handover(), Some(handover.clone()), "it may be left again as it is");
    pair.settle();
    assert_eq!(pair.states(), [(SessionState::Connected, 1)]);
    assert_eq!(pair.session.session_id(), Some(handover.session_id()));
    let greeting = pair.ensemble.greetings.last().expect("a greeting");
    assert_eq!(greeting.last_zxid_seen, handover.last_zxid(), "it does not go back in time");
    assert_eq!(pair.ensemble.sessions.len(), 1);
    let close = pair.close();
    pair.settle();
    assert!(pair.outcome(close).is_ok());
    assert!(pair.ensemble.sessions.values().all(|session| session.closed));
}

#[test]
fn a_session_that_has_expired_meanwhile_is_replaced_or_is_the_end() {
    let (mut pair, handover) = left();
    pair.ensemble.expire_sessions();
    let mut pair = successor(pair, handover, true);
    let write = pair.write("/a");
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.failure(write), Failure::SessionExpired, "it may have been meant for that one");
    let states =
        [(SessionState::Expired, 1), (SessionState::Connecting, 2), (SessionState::Connected, 2)];
    assert_eq!(pair.states(), states);
    assert_eq!(pair.ensemble.greetings.last().expect("one").last_zxid_seen, Zxid::ZERO);

    let (mut pair, handover) = left();
    pair.ensemble.expire_sessions();
    let mut pair = successor(pair, handover, false);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.finished(), Some(&Failure::SessionExpired));
}

#[test]
fn a_wrong_password_is_like_an_expired_session() {
    let (pair, handover) = left();
    let (id, timeout) = (handover.session_id(), handover.session_timeout());
    let guessed = SessionHandover::new(id, [1; 16], timeout, Zxid::ZERO);
    let mut pair = successor(pair, guessed, false);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.finished(), Some(&Failure::SessionExpired));
    assert!(pair.ensemble.sessions.values().all(|session| !session.closed), "the owner keeps it");
}

#[test]
fn leaving_waits_for_the_next_server_as_long_as_closing_does() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let read = pair.read("/a");
    pair.settle();
    pair.cut();
    pair.session.detach(pair.now);
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(read).is_ok());
    assert!(pair.detached().is_some());

    let mut pair = Pair::established();
    pair.ensemble.hosts.insert(2181, Host::Down);
    pair.cut();
    let read = pair.read("/a");
    pair.session.detach(pair.now);
    pair.run(Duration::from_secs(4));
    assert_eq!(pair.failure(read), Failure::Closed);
    assert!(pair.detached().is_some(), "the session may be alive");
}

#[test]
fn there_is_nothing_to_leave_without_a_session_or_after_its_end() {
    let mut pair = Pair::new(1);
    pair.ensemble.hosts.insert(2181, Host::Mute);
    pair.settle();
    pair.session.detach(pair.now);
    pair.settle();
    assert_eq!(pair.detached(), None);
    assert_eq!(pair.session.finished(), Some(&Failure::Closed));

    let mut pair = Pair::established();
    pair.stalled_to_client = true;
    pair.read("/a");
    pair.settle();
    pair.session.detach(pair.now);
    pair.pause(TIMEOUT * 2);
    pair.settle();
    pair.session.timeout(pair.now);
    pair.settle();
    assert_eq!(pair.detached(), None, "it has expired meanwhile");
    assert_eq!(pair.session.finished(), Some(&Failure::Closed));
}

#[test]
fn leaving_twice_or_closing_after_it_changes_nothing() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let read = pair.read("/a");
    pair.session.detach(pair.now);
    pair.session.detach(pair.now);
    let close = pair.close();
    pair.settle();
    pair.session.detach(pair.now);
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.failure(close), Failure::Closed);
    let left = pair.told.iter().filter(|(_, told)| matches!(told, Told::Detached(_))).count();
    assert_eq!(left, 1);
    assert!(pair.ensemble.sessions.values().all(|session| !session.closed));
}

#[test]
fn one_session_handed_to_two_successors_is_cut_off_from_the_first() {
    let (pair, handover) = left();
    let mut first = successor(pair, handover.clone(), true);
    first.settle();
    // The ensemble has one connection at a time: the second takes it from the first.
    let mut second = successor(first, handover, true);
    second.settle();
    assert_eq!(second.session.state(), SessionState::Connected);
    assert_eq!(second.ensemble.sessions.len(), 1);
}

#[test]
fn closing_before_the_session_was_taken_over_ends_it_all_the_same() {
    let (pair, handover) = left();
    let mut pair = successor(pair, handover, true);
    let close = pair.close();
    pair.settle();
    assert!(pair.outcome(close).is_ok());
    assert!(pair.ensemble.sessions.values().all(|session| session.closed));
}

#[test]
fn watches_do_not_travel_and_their_watchers_are_told() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    pair.session.detach(pair.now);
    pair.settle();
    assert_eq!(pair.notices(watcher).len(), 1);
    assert_eq!(pair.losses(), [&Loss::Closed]);
}

#[test]
fn a_server_that_replaces_the_session_is_not_taken_for_one_that_resumes_it() {
    // ClickHouse Keeper knows no resuming: it opens another session each time.
    let (mut pair, handover) = left();
    pair.ensemble.replaces_sessions = true;
    let mut pair = successor(pair, handover, false);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.finished(), Some(&Failure::SessionExpired));
}
