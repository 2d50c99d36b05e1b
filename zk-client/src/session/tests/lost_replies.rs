//! The connection breaks at every single byte of a conversation, in both directions. Whatever was
//! lost: each request ends once, with the word that is true.

use std::time::Duration;

use zk_proto::OpCode;

use super::greeting::Host;
use super::pair::{Pair, Told};
use crate::session::pending::READ_RESENDS_MAX;
use crate::session::{Failure, Notice, SessionState, WatchKind};

/// What a conversation has asked for.
struct Script {
    auth: u32,
    reads: Vec<u32>,
    writes: Vec<u32>,
    one_shot: Vec<u64>,
    persistent: Vec<u64>,
    close: u32,
}

/// A conversation with everything in it: credentials, reads, writes, watches that fire, a close.
fn converse(pair: &mut Pair) -> Script {
    for path in ["/a", "/w", "/p"] {
        pair.ensemble.set(path, b"");
    }
    let auth = pair.auth("me:secret");
    let (data_read, data) = pair.watch(WatchKind::Data, "/w");
    let (exist_read, exist) = pair.watch(WatchKind::Exist, "/missing");
    let (add, persistent) = pair.watch(WatchKind::Persistent, "/p");
    let mut reads = vec![data_read, exist_read, add];
    let mut writes = vec![pair.write("/a")];
    reads.push(pair.read("/a"));
    writes.push(pair.write("/a"));
    pair.run(Duration::from_secs(1));

    for path in ["/w", "/missing", "/p"] {
        pair.ensemble.set(path, b"changed");
    }
    writes.push(pair.write("/a"));
    reads.push(pair.read("/a"));
    pair.run(Duration::from_secs(1));

    writes.push(pair.write("/a"));
    let close = pair.close();
    pair.run(Duration::from_secs(1));
    Script { auth, reads, writes, one_shot: vec![data, exist], persistent: vec![persistent], close }
}

/// Whether the script's oracle agrees; true if a write's outcome stayed unknown.
fn check(pair: &Pair, script: &Script, all_known: bool) -> bool {
    for read in script.reads.iter().chain([&script.auth]) {
        let outcome = pair.outcome(*read);
        let missing = Err(Failure::Code(zk_proto::ErrorCode::NoNode));
        assert!(outcome.is_ok() || *outcome == missing, "read {read}: {outcome:?}");
    }
    let mut unknown = false;
    for write in &script.writes {
        let data = write.to_be_bytes();
        let times = pair.ensemble.applied.iter().filter(|applied| **applied == data[..]).count();
        match pair.outcome(*write) {
            Ok(_) => assert_eq!(times, 1, "write {write} was acknowledged"),
            Err(Failure::ConnectionLoss) if all_known => {
                assert_eq!(times, 1, "write {write} was sent as a whole");
                unknown = true;
            }
            Err(Failure::ConnectionLoss) => {
                assert!(times <= 1, "write {write} was sent once");
                unknown = true;
            }
            Err(failure) => panic!("write {write}: {failure:?}"),
        }
    }
    assert!(pair.ensemble.applied.is_sorted(), "writes take effect in the order they were made");
    for watcher in &script.one_shot {
        let notices = pair.notices(*watcher);
        assert!(matches!(notices[..], [Notice::Event(_)]), "{watcher} fires once: {notices:?}");
    }
    for watcher in &script.persistent {
        let notices = pair.notices(*watcher);
        let (last, before) = notices.split_last().expect("a persistent watcher is told");
        assert_eq!(**last, Notice::Ended(Failure::Closed));
        assert!(!before.is_empty(), "an event or the word to read again");
    }
    let close = pair.outcome(script.close);
    assert!(close.is_ok() || *close == Err(Failure::ConnectionLoss), "close: {close:?}");
    assert_eq!(pair.told.last().map(|told| &told.1), Some(&Told::Finished(Failure::Closed)));
    assert_eq!(pair.session.state(), SessionState::Closed);
    assert_eq!((pair.session.request_count(), pair.session.next_deadline()), (0, None));
    unknown
}

/// How many bytes an undisturbed conversation takes in each direction.
fn lengths() -> (usize, usize) {
    let mut pair = Pair::new(2);
    let script = converse(&mut pair);
    assert!(!check(&pair, &script, true), "nothing is unknown where nothing is lost");
    assert!(pair.outcome(script.close).is_ok());
    (pair.bytes_to_server, pair.bytes_to_client)
}

#[test]
fn a_cut_after_any_byte_to_the_server_loses_nothing_that_can_be_known() {
    let (len, _) = lengths();
    assert!(len > 300, "{len} bytes");
    for cut in 0..=len {
        let mut pair = Pair::new(2);
        pair.cut_to_server_after = Some(cut);
        let script = converse(&mut pair);
        check(&pair, &script, true);
    }
}

#[test]
fn a_driver_that_cannot_count_only_makes_more_outcomes_unknown() {
    let (len, _) = lengths();
    let mut unknown = 0;
    for cut in 0..=len {
        let mut pair = Pair::new(2);
        pair.counts_unwritten = false;
        pair.cut_to_server_after = Some(cut);
        let script = converse(&mut pair);
        unknown += usize::from(check(&pair, &script, false));
    }
    assert!(unknown > 100, "{unknown} of {len}");
}

#[test]
fn a_cut_after_any_byte_from_the_server_ends_each_request_once_and_truly() {
    let (_, len) = lengths();
    assert!(len > 500, "{len} bytes");
    let mut unknown = 0;
    for cut in 0..=len {
        for read_len in [usize::MAX, 5] {
            let mut pair = Pair::new(2);
            pair.read_len = read_len;
            pair.cut_to_client_after = Some(cut);
            let script = converse(&mut pair);
            unknown += usize::from(check(&pair, &script, true));
        }
    }
    assert!(unknown > 20, "replies to writes were lost: {unknown}");
}

#[test]
fn a_write_in_flight_fails_as_unknown_while_reads_and_unsent_writes_go_to_the_next_server() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let (read, sent) = (pair.read("/a"), pair.write("/a"));
    pair.settle();
    pair.stalled_to_server = true;
    let unsent = pair.write("/a");
    pair.settle();
    pair.cut();
    assert_eq!(pair.failure(sent), Failure::ConnectionLoss);
    assert_eq!((pair.outcomes(read).len(), pair.outcomes(unsent).len()), (0, 0));
    (pair.stalled_to_client, pair.stalled_to_server) = (false, false);
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(read).is_ok() && pair.outcome(unsent).is_ok());
    let paths: Vec<_> = pair.ensemble.asked(2).iter().map(|(op, _)| op.name()).collect();
    assert_eq!(paths, ["getData", "setData"], "in the order they were made");
}

#[test]
fn a_read_that_costs_every_connection_fails_in_the_end() {
    let mut pair = Pair::established();
    pair.ensemble.closes_on = Some(OpCode::GetData);
    let (read, write) = (pair.read("/a"), pair.write("/a"));
    pair.run_until(|pair| !pair.outcomes(read).is_empty());
    assert_eq!(pair.failure(read), Failure::ConnectionLoss);
    assert_eq!(pair.failure(write), Failure::ConnectionLoss, "it was in flight behind the first");
    assert_eq!(pair.ensemble.seen.len(), 1 + usize::from(READ_RESENDS_MAX));
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn a_read_behind_one_that_costs_every_connection_is_not_blamed() {
    let mut pair = Pair::established();
    pair.ensemble.closes_on = Some(OpCode::GetData);
    let (read, behind) = (pair.read("/a"), pair.read("/b"));
    pair.run_until(|pair| !pair.outcomes(read).is_empty());
    assert!(pair.outcomes(behind).is_empty());
    pair.ensemble.closes_on = None;
    pair.run(Duration::from_secs(5));
    assert_ne!(pair.failure(behind), Failure::ConnectionLoss);
}

#[test]
fn a_connection_that_dies_right_after_the_session_answer_does_not_reset_the_pauses() {
    let mut pair = Pair::new(1);
    pair.ensemble.hosts.insert(2181, Host::Flaky);
    pair.run(Duration::from_secs(8));
    let attempts = pair.attempts().len();
    assert!((5..20).contains(&attempts), "{attempts} attempts in 8 s");
}
