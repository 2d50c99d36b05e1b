//! Read-only servers: taken if the application allows it, and left for one that takes writes.

use std::time::Duration;

use zk_proto::{ErrorCode, EventType, OpCode, SessionId, Zxid};

use super::greeting::Host;
use super::pair::{Pair, TIMEOUT, Told, config};
use crate::session::{Config, Failure, Loss, Notice, SessionState, WatchKind};

/// A machine that is content with read-only servers, and an ensemble of such.
fn pair(hosts: u16, host: Host) -> Pair {
    let config = Config { read_only: true, ..config(hosts) };
    let mut pair = Pair::with(config, 7);
    pair.ensemble.hosts.values_mut().for_each(|known| *known = host);
    pair
}

fn all(pair: &mut Pair, host: Host) {
    pair.ensemble.hosts.values_mut().for_each(|known| *known = host);
}

/// A machine with a session that the ensemble has granted, which is then cut off from a majority.
fn cut_off(host: Host) -> Pair {
    let mut pair = pair(3, Host::Up);
    pair.ensemble.set("/a", b"");
    pair.settle();
    all(&mut pair, host);
    pair.told.clear();
    pair.cut();
    pair
}

#[test]
fn a_read_only_server_is_refused_unless_it_was_asked_for() {
    for host in [Host::ReadOnly, Host::OldReadOnly] {
        let mut pair = Pair::new(1);
        pair.ensemble.hosts.insert(2181, host);
        pair.run_until(|pair| pair.session.finished().is_some());
        assert_eq!(pair.session.finished(), Some(&Failure::Unreachable));
        assert_eq!(pair.ensemble.greetings[0].read_only, Some(false));
    }
}

#[test]
fn a_read_only_server_serves_reads_and_refuses_writes() {
    let mut pair = pair(2, Host::ReadOnly);
    pair.ensemble.set("/a", b"");
    let (write, read) = (pair.write("/a"), pair.read("/a"));
    pair.settle();
    assert_eq!(pair.failure(write), Failure::Code(ErrorCode::NotReadOnly));
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.states(), [(SessionState::ConnectedReadOnly, 1)]);
    assert_eq!(pair.session.session_id(), None, "nobody else knows this session");
    assert_eq!(pair.session.session_deadline(), None, "nothing may be held by it");
    assert_eq!(pair.session.handover(), None);
}

#[test]
fn others_are_asked_ever_more_rarely_whether_they_take_writes() {
    let mut pair = pair(3, Host::ReadOnly);
    pair.settle();
    let start = pair.now;
    pair.run(Duration::from_secs(400));
    let used = pair.attempts()[0].1;
    let probes = pair.probes();
    assert!(probes.iter().all(|(_, port)| *port != used));
    assert!(probes.windows(2).all(|pair| pair[0].1 != pair[1].1), "each in turn: {probes:?}");
    let mut at = vec![start];
    at.extend(probes.iter().map(|(at, _)| *at));
    let pauses: Vec<_> = at.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    let doubled = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
    assert_eq!(pauses[..12], doubled);
    assert_eq!(pair.session.state(), SessionState::ConnectedReadOnly);
    assert_eq!(pair.session.epoch(), 1);
}

#[test]
fn a_question_that_is_never_answered_does_not_end_the_search() {
    let mut pair = pair(3, Host::ReadOnly);
    pair.settle();
    let used = pair.attempts()[0].1;
    for port in (2181..2184).filter(|port| *port != used) {
        pair.ensemble.hosts.insert(port, Host::Hangs);
    }
    pair.run(Duration::from_secs(60));
    assert!(pair.probes().len() >= 5, "{:?}", pair.probes());
}

#[test]
fn a_server_that_takes_writes_is_moved_to_with_watches_and_epoch() {
    let mut pair = pair(3, Host::ReadOnly);
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    let used = pair.attempts()[0].1;
    let other = (2181..2184).find(|port| *port != used).expect("another");
    pair.ensemble.hosts.insert(other, Host::Up);
    pair.run(Duration::from_secs(2));
    let states = [
        (SessionState::ConnectedReadOnly, 1),
        (SessionState::Suspended, 1),
        (SessionState::Connected, 1),
    ];
    assert_eq!(pair.states(), states);
    assert_eq!(pair.attempts().last().expect("an attempt").1, other);
    assert!(matches!(pair.losses()[..], [Loss::ReadWriteFound(_)]));
    assert_eq!(pair.ensemble.greetings[1].session_id, SessionId::NONE, "the other was thrown away");
    assert!(pair.session.session_id().is_some());
    let write = pair.write("/a");
    pair.settle();
    assert!(pair.outcome(write).is_ok());
    assert_eq!(pair.notices(watcher).len(), 1, "the watch came along");
    pair.run(Duration::from_secs(300));
    let probes = pair.probes().len();
    assert!(probes <= 2, "no more questions");
}

#[test]
fn a_change_on_the_way_to_the_other_server_is_not_missed() {
    let mut pair = pair(2, Host::ReadOnly);
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    pair.cut();
    pair.ensemble.set("/a", b"changed");
    all(&mut pair, Host::Up);
    pair.run(Duration::from_secs(2));
    let [Notice::Event(event)] = pair.notices(watcher)[..] else { panic!("{:?}", pair.told) };
    assert_eq!(event.kind, EventType::NodeDataChanged);
}

#[test]
fn a_write_in_flight_to_a_read_only_server_was_certainly_not_carried_out() {
    let mut pair = pair(1, Host::ReadOnly);
    pair.ensemble.set("/a", b"");
    pair.settle();
    pair.stalled_to_client = true;
    let (write, read) = (pair.write("/a"), pair.read("/a"));
    pair.settle();
    pair.cut();
    assert_eq!(pair.failure(write), Failure::Code(ErrorCode::NotReadOnly));
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(read).is_ok(), "reads go on");
}

#[test]
fn a_real_session_is_resumed_where_writes_are_taken() {
    for host in [Host::ReadOnly, Host::OldReadOnly] {
        let mut pair = cut_off(host);
        pair.run(Duration::from_secs(3));
        assert_eq!((pair.session.epoch(), pair.ensemble.sessions.len()), (1, 1), "{host:?}");
        all(&mut pair, Host::Up);
        pair.run(Duration::from_secs(7));
        assert_eq!(pair.session.state(), SessionState::Connected, "{host:?}");
        assert_eq!((pair.session.epoch(), pair.ensemble.sessions.len()), (1, 1));
        assert_eq!(pair.session.session_id(), Some(SessionId(0x1000)));
    }
}

#[test]
fn a_read_only_server_does_not_keep_a_real_session_alive() {
    let mut pair = cut_off(Host::OldReadOnly);
    let deadline = pair.session.session_deadline();
    pair.run(Duration::from_secs(5));
    pair.read("/a");
    pair.settle();
    assert_eq!(pair.session.state(), SessionState::ConnectedReadOnly);
    assert_eq!(pair.session.session_deadline(), deadline, "its word proves nothing");
    let start = pair.now;
    pair.run_until(|pair| pair.session.epoch() == 2);
    assert!(pair.now - start < TIMEOUT * 4 / 3);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.state(), SessionState::ConnectedReadOnly, "with a session of its own");
    assert_eq!((pair.session.session_id(), pair.session.session_deadline()), (None, None));
}

#[test]
fn what_a_read_only_server_calls_expired_is_tried_elsewhere() {
    let mut pair = cut_off(Host::ReadOnly);
    // The session was opened after that server was cut off: it does not know it.
    let known = std::mem::take(&mut pair.ensemble.sessions);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.epoch(), 1);
    assert!(pair.losses().contains(&&Loss::ReadOnly), "{:?}", pair.losses());
    pair.ensemble.sessions = known;
    all(&mut pair, Host::Up);
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert_eq!((pair.session.epoch(), pair.ensemble.sessions.len()), (1, 1));
}

#[test]
fn servers_behind_what_a_read_only_server_has_shown_are_not_tried_for_ever() {
    let mut pair = pair(2, Host::ReadOnly);
    pair.ensemble.set("/a", b"");
    let read = pair.read("/a");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    let used = pair.attempts()[0].1;
    let other = if used == 2181 { 2182 } else { 2181 };
    pair.ensemble.hosts.insert(other, Host::Behind(7));
    pair.run(Duration::from_secs(30));
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert_eq!(pair.session.epoch(), 2, "a new session starts from zero");
    assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)]);
    assert_eq!(pair.ensemble.greetings.last().expect("one").last_zxid_seen, Zxid::ZERO);
}

#[test]
fn a_server_that_only_says_that_it_takes_writes_is_gone_to_ever_more_rarely() {
    let mut pair = pair(2, Host::ReadOnly);
    pair.settle();
    let used = pair.attempts()[0].1;
    let other = if used == 2181 { 2182 } else { 2181 };
    pair.ensemble.hosts.insert(other, Host::NotServing);
    pair.run(Duration::from_secs(600));
    assert!(pair.attempts().len() < 60, "{} attempts in ten minutes", pair.attempts().len());
}

#[test]
fn closing_on_a_read_only_server_waits_for_nobody() {
    let mut pair = pair(1, Host::ReadOnly);
    pair.settle();
    let close = pair.close();
    pair.settle();
    assert!(pair.outcome(close).is_ok());
    assert_eq!(pair.ensemble.asked(1).last(), Some(&(OpCode::CloseSession, "")));

    let mut pair = self::pair(1, Host::ReadOnly);
    pair.settle();
    pair.cut();
    let close = pair.close();
    assert!(pair.outcome(close).is_ok(), "there is nothing to be ended");
    assert_eq!(pair.told.last().map(|told| &told.1), Some(&Told::Finished(Failure::Closed)));
}
