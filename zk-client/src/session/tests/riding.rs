//! Watches of several kinds on one path, on servers that have room for one of them.

use std::time::Duration;

use zk_proto::EventType::{self, NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
use zk_proto::OpCode;

use super::pair::Pair;
use crate::session::{Notice, SessionState, WatchKind};

const KINDS: [WatchKind; 5] = [
    WatchKind::Data,
    WatchKind::Exist,
    WatchKind::Child,
    WatchKind::Persistent,
    WatchKind::Recursive,
];

/// What each kind of watch on `/a` is told of [`a_life`], if it is alone.
fn alone(kind: WatchKind) -> Vec<(EventType, &'static str)> {
    match kind {
        WatchKind::Data | WatchKind::Exist => vec![(NodeDataChanged, "/a")],
        WatchKind::Child => vec![(NodeChildrenChanged, "/a")],
        WatchKind::Persistent => vec![
            (NodeDataChanged, "/a"),
            (NodeDataChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeDeleted, "/a"),
            (NodeCreated, "/a"),
        ],
        WatchKind::Recursive => vec![
            (NodeDataChanged, "/a"),
            (NodeDataChanged, "/a"),
            (NodeCreated, "/a/b"),
            (NodeDataChanged, "/a/b"),
            (NodeCreated, "/a/c"),
            (NodeDeleted, "/a/b"),
            (NodeDeleted, "/a/c"),
            (NodeDeleted, "/a"),
            (NodeCreated, "/a"),
        ],
    }
}

fn a_life(pair: &mut Pair) {
    for path in ["/a", "/a", "/a/b", "/a/b", "/a/c"] {
        pair.ensemble.set(path, b"");
    }
    for path in ["/a/b", "/a/c", "/a"] {
        pair.ensemble.delete(path);
    }
    pair.ensemble.set("/a", b"");
    pair.settle();
}

/// A session with a server before 3.9, or a later one, and a node `/a`.
fn established(before_3_9: bool) -> Pair {
    let mut pair = Pair::established();
    (pair.ensemble.before_3_9, pair.ensemble.says_no_zxid) = (before_3_9, before_3_9);
    pair.ensemble.set("/a", b"");
    pair
}

fn events(pair: &Pair, watcher: u64) -> Vec<(EventType, String)> {
    let events = pair.notices(watcher).into_iter().filter_map(|notice| match notice {
        Notice::Event(event) => Some((event.kind, event.path.to_string())),
        _ => None,
    });
    events.collect()
}

fn check(pair: &Pair, watchers: &[(WatchKind, u64)], how: &str) {
    for (kind, watcher) in watchers {
        let expected: Vec<_> =
            alone(*kind).into_iter().map(|(kind, path)| (kind, path.to_owned())).collect();
        assert_eq!(events(pair, *watcher), expected, "{kind:?} in {watchers:?}, {how}");
    }
}

/// All sequences of `len` kinds.
fn sequences(len: u32) -> impl Iterator<Item = Vec<WatchKind>> {
    (0..KINDS.len().pow(len)).map(move |mut number| {
        let mut sequence = Vec::new();
        for _ in 0..len {
            sequence.push(KINDS[number % KINDS.len()]);
            number /= KINDS.len();
        }
        sequence
    })
}

#[test]
fn each_watch_of_a_path_is_told_what_it_would_be_alone_in_whatever_order_they_are_set() {
    for (before_3_9, at_once) in [(true, false), (true, true), (false, false), (false, true)] {
        for sequence in (1..=4).flat_map(sequences) {
            let mut pair = established(before_3_9);
            let set = |kind: &WatchKind| {
                let (_, watcher) = pair.watch(*kind, "/a");
                if !at_once {
                    pair.settle();
                }
                (*kind, watcher)
            };
            let watchers: Vec<_> = sequence.iter().map(set).collect();
            pair.settle();
            a_life(&mut pair);
            check(&pair, &watchers, &format!("before 3.9: {before_3_9}, at once: {at_once}"));
        }
    }
}

#[test]
fn and_after_a_reconnect() {
    for before_3_9 in [true, false] {
        for sequence in (1..=4).flat_map(sequences) {
            let mut pair = established(before_3_9);
            let set = |kind: &WatchKind| (*kind, pair.set_watch(*kind, "/a"));
            let watchers: Vec<_> = sequence.iter().map(set).collect();
            pair.cut();
            pair.run(Duration::from_secs(1));
            assert_eq!(pair.session.state(), SessionState::Connected);
            a_life(&mut pair);
            check(&pair, &watchers, &format!("before 3.9: {before_3_9}"));
        }
    }
}

#[test]
fn what_riders_missed_while_away_is_told() {
    for before_3_9 in [true, false] {
        for sequence in (1..=4).flat_map(sequences) {
            let mut pair = established(before_3_9);
            let set = |kind: &WatchKind| (*kind, pair.set_watch(*kind, "/a"));
            let watchers: Vec<_> = sequence.iter().map(set).collect();
            pair.cut();
            pair.ensemble.set("/a", b"");
            pair.ensemble.set("/a/b", b"");
            pair.run(Duration::from_secs(1));
            for (kind, watcher) in watchers {
                let told = pair.notices(watcher);
                if kind.is_persistent() {
                    assert_eq!(told.last(), Some(&&Notice::Rearmed), "{kind:?} in {sequence:?}");
                } else {
                    assert_eq!(told.len(), 1, "{kind:?} in {sequence:?}");
                }
            }
        }
    }
}

#[test]
fn those_that_stay_are_not_disturbed_by_who_goes() {
    for before_3_9 in [true, false] {
        for sequence in (2..=4).flat_map(sequences) {
            for gone in 0..sequence.len() {
                let mut pair = established(before_3_9);
                let set = |kind: &WatchKind| (*kind, pair.set_watch(*kind, "/a"));
                let mut watchers: Vec<_> = sequence.iter().map(set).collect();
                let (_, watcher) = watchers.remove(gone);
                pair.unwatch(watcher);
                // What comes while the removal is in flight is told its part too.
                let late = KINDS[(gone + sequence.len()) % KINDS.len()];
                watchers.push((late, pair.watch(late, "/a").1));
                pair.settle();
                a_life(&mut pair);
                assert!(pair.notices(watcher).is_empty());
                check(&pair, &watchers, &format!("without {gone} of {sequence:?}"));
            }
        }
    }
}

#[test]
fn nothing_lasting_stays_on_the_server_when_all_are_gone() {
    for before_3_9 in [true, false] {
        for (at, sequence) in (1..=4).flat_map(sequences).enumerate() {
            let mut pair = established(before_3_9);
            let set = |kind: &WatchKind| (*kind, pair.set_watch(*kind, "/a"));
            let watchers: Vec<_> = sequence.iter().map(set).collect();
            if at % 2 == 0 {
                // One-shot watches go by firing, the others are dropped before or after.
                let (lasting, _): (Vec<_>, Vec<_>) =
                    watchers.iter().partition(|(kind, _)| kind.is_persistent());
                for (_, watcher) in &lasting {
                    pair.unwatch(*watcher);
                    pair.settle();
                }
                a_life(&mut pair);
            }
            for (_, watcher) in &watchers {
                pair.unwatch(*watcher);
                pair.settle();
            }
            let [.., persistent, recursive] = pair.ensemble.watches();
            assert_eq!((persistent, recursive), (0, 0), "{sequence:?}, before 3.9: {before_3_9}");
            assert_eq!((pair.session.watch_count(), pair.session.request_count()), (0, 0));
        }
    }
}

#[test]
fn a_watch_that_rides_costs_the_server_nothing() {
    for before_3_9 in [true, false] {
        let mut pair = established(before_3_9);
        pair.set_watch(WatchKind::Recursive, "/a");
        for kind in [WatchKind::Data, WatchKind::Exist, WatchKind::Persistent] {
            pair.set_watch(kind, "/a");
        }
        assert_eq!(pair.ensemble.watches(), [0, 0, 0, 1]);
    }
}

#[test]
fn a_list_that_may_not_be_seen_whole_still_tells_of_its_changes() {
    // A server from 3.8.4 on tells nothing of a child that may not be read, but of the list it is
    // in: an event comes that no other announced.
    let mut pair = established(false);
    let recursive = pair.set_watch(WatchKind::Recursive, "/a");
    let child = pair.set_watch(WatchKind::Child, "/a");
    pair.ensemble.set_unseen("/a/hidden");
    pair.settle();
    assert_eq!(events(&pair, child), [(NodeChildrenChanged, "/a".to_owned())]);
    assert!(events(&pair, recursive).is_empty());
}

#[test]
fn a_request_waits_until_it_is_settled_what_the_server_holds_and_no_other_does() {
    let mut pair = established(true);
    pair.stalled_to_client = true;
    let (add, _) = pair.watch(WatchKind::Persistent, "/a");
    let (get, _) = pair.watch(WatchKind::Data, "/a");
    let behind = pair.read("/a");
    pair.settle();
    assert_eq!(pair.ensemble.asked(1), [(OpCode::AddWatch, "/a")]);
    assert!(pair.outcomes(behind).is_empty());
    pair.stalled_to_client = false;
    pair.settle();
    assert!([add, get, behind].iter().all(|request| pair.outcome(*request).is_ok()));
}

#[test]
fn a_request_that_waits_is_lost_to_its_time_only() {
    let mut pair = established(true);
    pair.stalled_to_client = true;
    pair.watch(WatchKind::Persistent, "/a");
    let deadline = pair.now + Duration::from_millis(10);
    let (get, _) = pair.watch_until(WatchKind::Data, "/a", Some(deadline));
    pair.run(Duration::from_millis(20));
    let in_flight = false;
    assert_eq!(pair.failure(get), crate::session::Failure::TimedOut { in_flight });
    pair.stalled_to_client = false;
    pair.settle();
    assert_eq!(pair.session.request_count(), 0);
}
