//! The end of a session: told by the server, or by the client's own clock.

use std::time::Duration;

use zk_proto::{ErrorCode, Password, SessionId, Zxid};

use super::greeting::Host;
use super::pair::{Pair, TIMEOUT, Told, config};
use crate::session::{Failure, Loss, Notice, Request, SessionState, WatchKind};

/// A machine whose session the server has expired, and which has found out.
fn expired_by_the_server(pair: &mut Pair) {
    pair.ensemble.expire_sessions();
    pair.cut();
    pair.run_until(|pair| pair.session.epoch() > 1);
}

#[test]
fn an_expired_session_is_told_to_all_and_followed_by_a_new_one() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let one_shot = pair.set_watch(WatchKind::Data, "/a");
    let persistent = pair.set_watch(WatchKind::Persistent, "/a");
    let old = pair.session.session_id();
    pair.ensemble.expire_sessions();
    pair.cut();
    let queued = [pair.read("/a"), pair.write("/a")];
    pair.run_until(|pair| pair.session.state() == SessionState::Connected);
    for request in queued {
        assert_eq!(pair.failure(request), Failure::SessionExpired);
    }
    for watcher in [one_shot, persistent] {
        assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)]);
    }
    let states = [
        (SessionState::Suspended, 1),
        (SessionState::Expired, 1),
        (SessionState::Connecting, 2),
        (SessionState::Connected, 2),
    ];
    assert_eq!(pair.states(), states);
    assert_ne!(pair.session.session_id(), old);
    assert_eq!(pair.ensemble.watches(), [0; 4], "watches die with their session");
    let last = pair.ensemble.greetings.last().expect("a greeting");
    assert_eq!((last.session_id, last.last_zxid_seen), (SessionId::NONE, Zxid::ZERO));
    assert!(pair.ensemble.applied.is_empty(), "what expired was not carried out");
}

#[test]
fn the_loss_is_known_before_anything_that_follows_from_it() {
    let mut pair = Pair::established();
    pair.ensemble.expire_sessions();
    pair.cut();
    let queued = pair.read("/a");
    pair.told.clear();
    pair.run_until(|pair| pair.session.epoch() > 1);
    let told: Vec<_> = pair.told.iter().map(|(_, told)| told.clone()).collect();
    assert_eq!(
        told[..5],
        [
            Told::Connect(2181),
            Told::Disconnect(Loss::Expired),
            Told::State(SessionState::Expired, 1),
            Told::Complete(queued, Err(Failure::SessionExpired)),
            Told::State(SessionState::Connecting, 2),
        ]
    );
}

#[test]
fn expiry_is_final_if_the_application_wants_it_so() {
    let mut config = config(1);
    config.renew = false;
    let mut pair = Pair::with(config, 1);
    pair.settle();
    pair.ensemble.expire_sessions();
    pair.cut();
    pair.run_until(|pair| pair.session.finished().is_some());
    assert_eq!(pair.session.finished(), Some(&Failure::SessionExpired));
    assert_eq!(pair.session.state(), SessionState::Expired);
    assert_eq!(pair.session.epoch(), 2, "the session is over");
    assert_eq!(pair.session.next_deadline(), None);
    let late = pair.read("/a");
    assert_eq!(pair.failure(late), Failure::SessionExpired);
    let finished = Told::Finished(Failure::SessionExpired);
    assert_eq!(pair.told.iter().filter(|(_, told)| *told == finished).count(), 1);
}

#[test]
fn a_wrong_password_looks_like_expiry() {
    let mut pair = Pair::established();
    for session in pair.ensemble.sessions.values_mut() {
        session.password = Password([9; 16]);
    }
    pair.cut();
    pair.run_until(|pair| pair.session.epoch() > 1);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn a_new_session_in_place_of_the_old_is_not_taken_for_it() {
    let mut pair = Pair::established();
    let watcher = pair.set_watch(WatchKind::Persistent, "/a");
    pair.ensemble.replaces_sessions = true;
    pair.cut();
    pair.run_until(|pair| pair.session.epoch() > 1);
    assert_eq!(pair.losses(), [&Loss::SessionReplaced]);
    assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)]);
}

#[test]
fn an_outage_ends_the_session_by_the_clients_own_clock() {
    let mut pair = Pair::new(2);
    pair.settle();
    let heard_at = pair.now;
    pair.run(Duration::from_millis(700));
    pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Down);
    pair.cut();
    let queued = pair.write("/a");
    pair.run_until(|pair| pair.session.epoch() > 1);
    assert_eq!(pair.now, heard_at + TIMEOUT * 4 / 3);
    assert_eq!(pair.failure(queued), Failure::SessionExpired);
    assert!(pair.attempts().len() > 8, "it was tried: {:?}", pair.attempts());
}

#[test]
fn after_a_pause_the_session_is_over_before_anything_else_is_done() {
    type Wake = (&'static str, fn(&mut Pair));
    let wakes: [Wake; 6] = [
        ("a timer", |pair| pair.session.timeout(pair.now)),
        ("a request", |pair| {
            pair.read("/a");
        }),
        ("a watcher", |pair| pair.unwatch(77)),
        ("bytes", |pair| {
            pair.session.received(pair.now, &mut bytes::BytesMut::from(&[0, 0, 0, 9][..]));
        }),
        ("bytes to send", |pair| {
            let mut out = bytes::BytesMut::new();
            pair.session.transmit(pair.now, &mut out);
            assert!(out.is_empty(), "nothing is sent in the name of the old session");
        }),
        ("a loss", Pair::cut),
    ];
    for (what, wake) in wakes {
        let mut pair = Pair::established();
        pair.ensemble.set("/a", b"");
        let watcher = pair.set_watch(WatchKind::Data, "/a");
        pair.stalled_to_client = true;
        let write = pair.write("/a");
        pair.settle();
        pair.told.clear();
        pair.pause(TIMEOUT * 4 / 3);
        wake(&mut pair);
        let states = pair.session.epoch();
        assert_eq!(states, 2, "{what}");
        pair.stalled_to_client = false;
        pair.settle();
        let first = pair.told.iter().find(|(_, told)| !matches!(told, Told::Disconnect(_)));
        let expired = Told::State(SessionState::Expired, 1);
        assert_eq!(first.map(|(_, told)| told), Some(&expired), "{what}");
        assert_eq!(pair.failure(write), Failure::ConnectionLoss, "{what}: it may have been done");
        assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)], "{what}");
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.session.state(), SessionState::Connected, "{what}");
    }
}

#[test]
fn a_pause_that_is_not_too_long_keeps_the_session() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let read = pair.read("/a");
    pair.settle();
    pair.pause(TIMEOUT * 4 / 3 - Duration::from_millis(1));
    // The socket has the reply, and is looked at before the timers.
    pair.stalled_to_client = false;
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.session.epoch(), pair.states()), (1, vec![]));
}

#[test]
fn a_pause_while_connecting_ends_the_session_before_the_server_is_asked() {
    let mut pair = Pair::established();
    pair.ensemble.hosts.insert(2181, Host::Hangs);
    pair.cut();
    pair.run_until(|pair| !pair.attempts().is_empty());
    let greetings = pair.ensemble.greetings.len();
    pair.pause(TIMEOUT * 4 / 3);
    pair.session.connected(pair.now);
    pair.settle();
    assert_eq!((pair.session.epoch(), pair.ensemble.greetings.len()), (2, greetings));
}

#[test]
fn requests_bound_to_a_session_do_not_enter_the_next() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let bound = |epoch| Request { epoch: Some(epoch), ..super::pair::get("/a") };
    let first = pair.submit(bound(1));
    pair.settle();
    expired_by_the_server(&mut pair);
    let late = pair.submit(bound(1));
    let next = pair.submit(bound(2));
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(first).is_ok() && pair.outcome(next).is_ok());
    assert_eq!(pair.failure(late), Failure::SessionExpired);
}

#[test]
fn requests_do_not_wait_for_ever_for_a_session_to_come() {
    let mut pair = Pair::established();
    pair.ensemble.hosts.insert(2181, Host::Down);
    expired_by_the_server_unreachable(&mut pair);
    pair.run(Duration::from_secs(3));
    let early = pair.read("/a");
    let submitted = pair.now;
    pair.run(Duration::from_secs(5));
    let late = pair.read("/a");
    pair.run_until(|pair| !pair.outcomes(early).is_empty());
    assert_eq!(pair.failure(early), Failure::Unreachable);
    assert_eq!(pair.now, submitted + Duration::from_secs(15), "the connect timeout");
    assert_eq!(pair.outcomes(late).len(), 0);
    pair.ensemble.hosts.insert(2181, Host::Up);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.failure(late), Failure::Code(ErrorCode::NoNode), "the machine went on trying");
}

fn expired_by_the_server_unreachable(pair: &mut Pair) {
    pair.cut();
    pair.run_until(|pair| pair.session.epoch() > 1);
}
