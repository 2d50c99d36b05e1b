//! Servers that are not Apache's latest: what each kind does that others do not.

use std::time::Duration;

use zk_proto::{ErrorCode, OpCode, SessionId};

use super::greeting::Host;
use super::pair::{Pair, TIMEOUT, config};
use crate::session::{Failure, Loss, Notice, SessionState, WatchKind};

/// ClickHouse Keeper answers so while it has no leader, with a timeout and a session id of zero.
const KEEPER_REJECTS: i32 = 42;

#[test]
fn a_keeper_without_a_leader_is_not_believed_to_have_ended_the_session() {
    let mut pair = Pair::established();
    let id = pair.session.session_id();
    pair.ensemble.protocol_version = KEEPER_REJECTS;
    pair.cut();
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.session.epoch(), 1);
    assert!(pair.losses().contains(&&Loss::OtherProtocol(KEEPER_REJECTS)));
    pair.ensemble.protocol_version = 0;
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert_eq!(pair.session.session_id(), id);
}

#[test]
fn a_keeper_without_a_leader_is_no_server_for_a_first_session() {
    let mut pair = Pair::new(1);
    pair.ensemble.protocol_version = KEEPER_REJECTS;
    pair.run(TIMEOUT);
    assert_eq!(pair.session.session_id(), None);
    pair.ensemble.protocol_version = 0;
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn a_keeper_that_opens_a_new_session_for_an_old_one_has_ended_the_old() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    pair.ensemble.replaces_sessions = true;
    pair.cut();
    let queued = pair.write("/a");
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.epoch(), 2);
    assert_eq!(pair.failure(queued), Failure::SessionExpired);
    assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)]);
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn a_server_that_closes_on_an_operation_it_does_not_know_costs_that_request() {
    // Keepers drop the connection on an op code they do not know, without an answer.
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.ensemble.closes_on = Some(OpCode::AddWatch);
    let (add, watcher) = pair.watch(WatchKind::Persistent, "/a");
    let read = pair.read("/a");
    pair.run_until(|pair| !pair.outcomes(add).is_empty());
    assert_eq!(pair.failure(add), Failure::ConnectionLoss);
    pair.run(Duration::from_secs(5));
    assert!(pair.outcome(read).is_ok(), "what came behind goes on");
    assert!(pair.notices(watcher).is_empty());
    assert_eq!(pair.session.epoch(), 1);
}

#[test]
fn an_old_server_says_nothing_of_being_read_only() {
    let mut pair = Pair::new(1);
    pair.ensemble.omits_read_only = true;
    pair.settle();
    assert_eq!(pair.session.state(), SessionState::Connected);
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.session.state(), pair.session.epoch()), (SessionState::Connected, 1));
}

#[test]
fn session_timeouts_at_the_edges_are_taken_as_granted() {
    for granted in [1, 2, 1000, i32::MAX] {
        let mut config = config(1);
        config.session_timeout = Duration::from_millis(i32::MAX.unsigned_abs().into());
        let mut pair = Pair::with(config, 1);
        pair.ensemble.timeout_max_ms = granted;
        pair.settle();
        let timeout = Duration::from_millis(granted.unsigned_abs().into());
        assert_eq!(pair.session.session_timeout(), Some(timeout));
        pair.run(Duration::from_millis(20));
    }
    for refused in [0, -1, i32::MIN] {
        let mut pair = Pair::new(1);
        pair.ensemble.timeout_max_ms = refused;
        pair.run(Duration::from_secs(2));
        assert_eq!(pair.session.session_id(), None, "{refused}");
        assert!(pair.losses().contains(&&Loss::Refused));
    }
}

#[test]
fn a_session_id_may_be_negative_or_one() {
    for id in [i64::MIN + 1, -1, 1, i64::MAX] {
        let mut pair = Pair::new(1);
        pair.ensemble.next_session = Some(id);
        pair.settle();
        assert_eq!(pair.session.session_id(), Some(SessionId(id)));
        pair.cut();
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.ensemble.greetings[1].session_id, SessionId(id));
        assert_eq!(pair.session.epoch(), 1);
    }
}

#[test]
fn a_read_only_refusal_on_an_old_and_a_new_server_leaves_the_request_definite() {
    for host in [Host::ReadOnly, Host::OldReadOnly] {
        let mut pair = Pair::with(crate::session::Config { read_only: true, ..config(1) }, 3);
        pair.ensemble.hosts.insert(2181, host);
        pair.ensemble.set("/a", b"");
        let write = pair.write("/a");
        pair.settle();
        assert_eq!(pair.failure(write), Failure::Code(ErrorCode::NotReadOnly));
    }
}
