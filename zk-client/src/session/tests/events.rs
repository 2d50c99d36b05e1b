//! Events over reconnections, with the connection cut at every byte: none is missed and none comes
//! twice, but for what the protocol cannot tell, a node that was created and deleted again while
//! its watcher was away.

use std::time::Duration;

use zk_proto::EventType;

use super::pair::{Pair, config};
use crate::session::{Failure, Notice, WatchKind};

/// How often each node is changed.
const ROUNDS: u8 = 5;

/// A persistent watch on `/p`, a recursive one on `/r`, and one-shot watches on `/w`, each set by
/// the read that follows the event of the one before.
struct Watchers {
    persistent: u64,
    recursive: u64,
    one_shot: Vec<(u32, u64)>,
    /// The zxids of the changes that the first two are for.
    changes: [Vec<i64>; 2],
}

impl Watchers {
    /// Somebody changes all nodes; who was told of `/w` reads it again.
    fn round(&mut self, pair: &mut Pair, round: u8) {
        for (of, path) in [(0, "/p"), (1, "/r/below")] {
            pair.ensemble.set(path, &[round]);
            self.changes[of].push(pair.ensemble.zxid);
        }
        pair.ensemble.set("/w", &[round]);
        // Far less than a session, and enough for a reconnection, every other time.
        pair.run(Duration::from_millis(if round & 1 == 0 { 1 } else { 200 }));
        self.read_again(pair);
    }

    fn read_again(&mut self, pair: &mut Pair) {
        let last = self.one_shot.last().expect("a watcher").1;
        if !pair.notices(last).is_empty() {
            self.one_shot.push(pair.watch(WatchKind::Data, "/w"));
        }
    }
}

fn run(prepare: impl Fn(&mut Pair)) -> (Pair, Watchers) {
    let mut pair = Pair::with(config(2), 3);
    for path in ["/p", "/r", "/w"] {
        pair.ensemble.set(path, b"");
    }
    pair.settle();
    let persistent = pair.set_watch(WatchKind::Persistent, "/p");
    let recursive = pair.set_watch(WatchKind::Recursive, "/r");
    let one_shot = vec![pair.watch(WatchKind::Data, "/w")];
    pair.settle();
    (pair.bytes_to_server, pair.bytes_to_client) = (0, 0);
    prepare(&mut pair);
    let mut watchers = Watchers { persistent, recursive, one_shot, changes: Default::default() };
    for round in 0..ROUNDS {
        watchers.round(&mut pair, round);
    }
    (pair.cut_to_server_after, pair.cut_to_client_after) = (None, None);
    pair.run(Duration::from_secs(2));
    watchers.read_again(&mut pair);
    pair.run(Duration::from_secs(2));
    (pair, watchers)
}

/// Each change came as an event, once and in order, or there was the word to read again after it.
fn check_stream(pair: &Pair, watcher: u64, changes: &[i64]) -> usize {
    let mut seen = Vec::new();
    let mut rearmed = 0;
    let mut since_rearmed = 0;
    for notice in pair.notices(watcher) {
        match notice {
            Notice::Event(event) => {
                seen.push(event.zxid.expect("the script says it").0);
                since_rearmed += 1;
            }
            Notice::Rearmed => (rearmed, since_rearmed) = (rearmed + 1, 0),
            Notice::Ended(failure) => panic!("{failure:?}"),
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "in order and never twice: {seen:?}");
    assert!(seen.iter().all(|zxid| changes.contains(zxid)), "{seen:?} of {changes:?}");
    let tail = &seen[seen.len() - since_rearmed..];
    assert!(changes.ends_with(tail), "none is missing at the end: {seen:?} of {changes:?}");
    if rearmed == 0 {
        assert_eq!(seen, changes, "nothing was missed without a word");
    }
    rearmed
}

fn check(pair: &Pair, watchers: &Watchers) -> usize {
    let rearmed = check_stream(pair, watchers.persistent, &watchers.changes[0]);
    check_stream(pair, watchers.recursive, &watchers.changes[1]);
    let (last, fired) = watchers.one_shot.split_last().expect("a watcher");
    for (_, watcher) in fired {
        let [Notice::Event(event)] = pair.notices(*watcher)[..] else {
            panic!("{:?}", pair.notices(*watcher))
        };
        assert_eq!(event.kind, EventType::NodeDataChanged);
    }
    assert!(pair.notices(last.1).is_empty(), "it waits for a change that has not come");
    let reply = pair.outcome(last.0).as_ref().expect("an answer");
    let latest = [0, 0, 0, 1, ROUNDS - 1];
    assert_eq!(reply.body[..5], latest, "who reads after each event ends with the latest state");
    rearmed
}

#[test]
fn no_event_is_missed_or_doubled_wherever_the_connection_is_cut() {
    let (pair, watchers) = run(|_| {});
    assert_eq!(check(&pair, &watchers), 0);
    assert!(watchers.one_shot.len() > usize::from(ROUNDS / 2));
    let (to_server, to_client) = (pair.bytes_to_server, pair.bytes_to_client);
    let (mut cuts, mut rearmed) = (0, 0);
    for read_len in [usize::MAX, 11] {
        for cut in 1..=to_server {
            let (pair, watchers) = run(|pair| {
                (pair.read_len, pair.cut_to_server_after) = (read_len, Some(cut));
            });
            rearmed += check(&pair, &watchers);
            cuts += 1;
        }
        for cut in 1..=to_client {
            let (pair, watchers) = run(|pair| {
                (pair.read_len, pair.cut_to_client_after) = (read_len, Some(cut));
            });
            rearmed += check(&pair, &watchers);
            cuts += 1;
        }
    }
    eprintln!("[{to_server}, {to_client}] bytes, {cuts} cuts, {rearmed} reconnections");
    assert!(cuts > 1500 && rearmed > 1000, "{cuts} cuts, {rearmed} reconnections");
}

#[test]
fn a_node_that_came_and_went_while_its_watcher_was_away_is_the_exception() {
    let mut pair = Pair::established();
    let watcher = pair.set_watch(WatchKind::Exist, "/brief");
    pair.cut();
    pair.ensemble.set("/brief", b"");
    pair.ensemble.delete("/brief");
    pair.run(Duration::from_secs(1));
    assert!(pair.notices(watcher).is_empty(), "no server can tell");
    pair.ensemble.set("/brief", b"");
    pair.settle();
    assert_eq!(pair.notices(watcher).len(), 1, "the watch is still set");
}

#[test]
fn a_process_that_was_paused_for_longer_than_its_session_knows_before_anything_else() {
    let timeout = super::pair::TIMEOUT;
    for pause in [timeout, timeout * 4 / 3, timeout * 100] {
        let mut pair = Pair::established();
        pair.ensemble.set("/w", b"");
        let watcher = pair.set_watch(WatchKind::Data, "/w");
        let deadline = pair.session.session_deadline().expect("a session");
        assert!(deadline <= pair.now + timeout);
        pair.pause(pause);
        // Before the machine has run at all, and before a byte has come or gone.
        assert!(pair.session.session_deadline().is_none_or(|deadline| deadline <= pair.now));
        pair.ensemble.set("/w", b"changed");
        let write = pair.write("/w");
        if pause >= timeout * 4 / 3 {
            assert_eq!(pair.session.session_id(), None, "it is over as soon as anybody asks");
            assert_eq!(pair.notices(watcher), [&Notice::Ended(Failure::SessionExpired)]);
        }
        pair.run(Duration::from_secs(2));
        assert!(pair.outcome(write).is_ok());
    }
}
