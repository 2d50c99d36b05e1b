//! Watches: registered by replies, fired by events, set again on each connection.

use std::time::Duration;

use zk_proto::{ErrorCode, EventType, OpCode, Zxid};

use super::pair::{Pair, Told};
use crate::session::watches::CHUNK_LEN_MAX;
use crate::session::{Failure, Loss, NodeEvent, Notice, SessionState, WatchKind};

fn event(kind: EventType, path: &str, zxid: i64) -> Notice {
    let zxid = (zxid > 0).then_some(Zxid(zxid));
    Notice::Event(NodeEvent { kind, path: path.into(), zxid })
}

fn reconnect(pair: &mut Pair) {
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn an_answer_sets_the_watch_it_should() {
    let cases = [
        (WatchKind::Data, "/a", true),
        (WatchKind::Data, "/missing", false),
        (WatchKind::Child, "/a", true),
        (WatchKind::Child, "/missing", false),
        (WatchKind::Exist, "/a", true),
        (WatchKind::Exist, "/missing", true),
        (WatchKind::Persistent, "/missing", true),
        (WatchKind::Recursive, "/missing", true),
    ];
    for (kind, path, sets) in cases {
        let mut pair = Pair::established();
        pair.ensemble.set("/a", b"");
        pair.set_watch(kind, path);
        assert_eq!(pair.session.watches.len(), usize::from(sets), "{kind:?} on {path}");
    }
}

#[test]
fn one_event_reaches_each_kind_of_watcher_it_is_for() {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    let kinds = [
        WatchKind::Data,
        WatchKind::Exist,
        WatchKind::Child,
        WatchKind::Persistent,
        WatchKind::Recursive,
    ];
    // Who is told of a change of /a, and whose watch is then gone, in the order of `kinds`.
    let table = [
        (NodeCreated, [true, true, false, true, true]),
        (NodeDataChanged, [true, true, false, true, true]),
        (NodeDeleted, [true, true, true, true, true]),
        (NodeChildrenChanged, [false, false, true, true, false]),
    ];
    for (kind, told) in table {
        let mut pair = Pair::established();
        for (id, watched) in (0..).zip(kinds) {
            pair.session.watches.set(crate::session::Watch {
                id: crate::session::WatcherId(id),
                kind: watched,
                path: "/a".into(),
                sink: id,
            });
        }
        for (left, times) in [(2, told), (2, [false, false, false, told[3], told[4]])] {
            let mut hit = [false; 5];
            let mark = |sink: u64| hit[usize::try_from(sink).expect("small")] = true;
            pair.session.watches.fire(kind, "/a", mark);
            assert_eq!(hit, times, "{kind:?}");
            assert!(pair.session.watches.len() >= left, "persistent watches stay");
        }
    }
}

#[test]
fn recursive_watches_see_all_below_and_nothing_beside() {
    let mut pair = Pair::established();
    let (all, some) =
        (pair.set_watch(WatchKind::Recursive, "/"), pair.set_watch(WatchKind::Recursive, "/a"));
    for path in ["/a", "/ab", "/a/b/c"] {
        pair.ensemble.set(path, b"");
    }
    pair.settle();
    assert_eq!(pair.notices(all).len(), 3);
    let created = |path, zxid| event(EventType::NodeCreated, path, zxid);
    assert_eq!(pair.notices(some), [&created("/a", 101), &created("/a/b/c", 103)]);
}

#[test]
fn an_event_comes_before_the_reply_that_shows_its_change() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    pair.told.clear();
    let (write, read) = (pair.write("/a"), pair.read("/a"));
    pair.settle();
    let order: Vec<_> = pair
        .told
        .iter()
        .map(|(_, told)| match told {
            Told::Watch(of, _) => ("watch", u32::try_from(*of).expect("small")),
            Told::Complete(of, _) => ("complete", *of),
            other => panic!("{other:?}"),
        })
        .collect();
    let watcher = u32::try_from(watcher).expect("small");
    assert_eq!(order, [("watch", watcher), ("complete", write), ("complete", read)]);
}

#[test]
fn several_watchers_of_a_path_are_told_in_the_order_they_came() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watchers: Vec<_> = (0..4).map(|_| pair.set_watch(WatchKind::Data, "/a")).collect();
    pair.unwatch(watchers[1]);
    pair.told.clear();
    pair.ensemble.set("/a", b"");
    pair.settle();
    let told: Vec<_> = pair
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            Told::Watch(of, _) => Some(*of),
            _ => None,
        })
        .collect();
    assert_eq!(told, [watchers[0], watchers[2], watchers[3]]);
    assert_eq!(pair.session.watches.len(), 0);
}

#[test]
fn watches_are_set_again_and_stay() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let data = pair.set_watch(WatchKind::Data, "/a");
    let child = pair.set_watch(WatchKind::Child, "/a");
    let exist = pair.set_watch(WatchKind::Exist, "/missing");
    let recursive = pair.set_watch(WatchKind::Recursive, "/r");
    for round in 2..5 {
        reconnect(&mut pair);
        assert_eq!(pair.ensemble.watches(), [2, 1, 0, 1]);
        assert_eq!(pair.ensemble.asked(round), [(OpCode::SetWatches2, "")]);
    }
    assert_eq!(pair.notices(recursive), [&Notice::Rearmed; 3]);
    assert!([data, child, exist].iter().all(|watcher| pair.notices(*watcher).is_empty()));
    pair.ensemble.set("/missing", b"");
    pair.settle();
    let created = event(EventType::NodeCreated, "/missing", pair.ensemble.zxid);
    assert_eq!(pair.notices(exist), [&created]);
}

#[test]
fn what_was_missed_fires_before_any_reply_of_the_new_connection() {
    let mut pair = Pair::established();
    for path in ["/changed", "/deleted", "/parent", "/quiet"] {
        pair.ensemble.set(path, b"");
    }
    let read = pair.read("/quiet");
    let changed = pair.set_watch(WatchKind::Data, "/changed");
    let deleted = pair.set_watch(WatchKind::Child, "/deleted");
    let parent = pair.set_watch(WatchKind::Child, "/parent");
    let created = pair.set_watch(WatchKind::Exist, "/created");
    let quiet = pair.set_watch(WatchKind::Data, "/quiet");
    assert!(pair.outcome(read).is_ok());
    pair.cut();
    pair.ensemble.set("/changed", b"");
    pair.ensemble.delete("/deleted");
    pair.ensemble.set("/parent/child", b"");
    pair.ensemble.set("/created", b"");
    let read = pair.read("/changed");
    pair.told.clear();
    pair.run(Duration::from_secs(1));
    let expected = [
        (changed, EventType::NodeDataChanged, "/changed"),
        (created, EventType::NodeCreated, "/created"),
        (deleted, EventType::NodeDeleted, "/deleted"),
        (parent, EventType::NodeChildrenChanged, "/parent"),
    ];
    for (watcher, kind, path) in expected {
        assert_eq!(pair.notices(watcher), [&event(kind, path, -1)]);
    }
    assert!(pair.notices(quiet).is_empty());
    assert_eq!(
        pair.told.last().map(|(_, told)| matches!(told, Told::Complete(of, Ok(_)) if *of == read)),
        Some(true)
    );
    assert_eq!(pair.ensemble.watches()[0], 1, "only the quiet one is still set");
}

#[test]
fn events_do_not_move_what_counts_as_seen() {
    let mut pair = Pair::established();
    for path in ["/a", "/b"] {
        pair.ensemble.set(path, b"");
    }
    let (a, b) = (pair.set_watch(WatchKind::Data, "/a"), pair.set_watch(WatchKind::Data, "/b"));
    let seen = pair.session.zxid_seen;
    // Two events of one transaction; the connection dies between them.
    pair.ensemble.set("/a", b"");
    pair.ensemble.nodes.get_mut("/b").expect("a node").mzxid = pair.ensemble.zxid;
    pair.settle();
    assert_eq!((pair.notices(a).len(), pair.session.zxid_seen), (1, seen));
    reconnect(&mut pair);
    assert_eq!(pair.notices(b), [&event(EventType::NodeDataChanged, "/b", -1)]);
}

#[test]
fn pings_and_set_watches_do_not_move_what_counts_as_seen() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.set_watch(WatchKind::Data, "/a");
    let seen = pair.session.zxid_seen;
    pair.ensemble.set("/unrelated", b"");
    pair.run(Duration::from_secs(20));
    reconnect(&mut pair);
    assert_eq!(pair.session.zxid_seen, seen);
    pair.read("/a");
    pair.settle();
    assert_eq!(pair.session.zxid_seen, Zxid(pair.ensemble.zxid));
}

#[test]
fn many_watches_are_set_again_in_chunks_each_of_them_once() {
    let mut pair = Pair::established();
    let paths: Vec<_> =
        (0..20_000).map(|at| format!("/some/rather/long/path/to/node-{at:05}")).collect();
    for (at, path) in paths.iter().enumerate() {
        pair.watch([WatchKind::Exist, WatchKind::Persistent][at % 2], path);
        if at % 1000 == 0 {
            pair.settle();
        }
    }
    pair.settle();
    let bytes: usize = paths.iter().map(|path| path.len() + 4).sum();
    for connection in 2..4 {
        let before = pair.bytes_to_server;
        let read = pair.read("/missing");
        reconnect(&mut pair);
        assert!(pair.bytes_to_server - before >= bytes);
        let ops: Vec<_> = pair.ensemble.asked(connection).iter().map(|(op, _)| *op).collect();
        let chunks = bytes.div_ceil(CHUNK_LEN_MAX);
        let of = |op| ops.iter().filter(|seen| **seen == op).count();
        let (one, two) = (of(OpCode::SetWatches), of(OpCode::SetWatches2));
        assert!(one >= 3 && two >= 3 && (chunks..=chunks + 1).contains(&(one + two)), "{ops:?}");
        // The read that was queued before comes behind all of them, unless it was in flight.
        assert!(pair.outcomes(read).len() == 1);
        assert_eq!(pair.ensemble.watches(), [10_000, 0, 10_000, 0]);
    }
}

#[test]
fn no_chunk_is_longer_than_its_limit_unless_one_path_is() {
    let mut registry = crate::session::watches::Registry::new();
    let lens = [10, CHUNK_LEN_MAX - 4 - 14, 2, CHUNK_LEN_MAX + 9, 3, 70_000, 70_000];
    for (id, len) in (0..).zip(lens) {
        registry.set(crate::session::Watch {
            id: crate::session::WatcherId(id),
            kind: WatchKind::Data,
            path: format!("/{id}{}", "x".repeat(len - 2)).into(),
            sink: (),
        });
    }
    // 6 header bytes of xid and op, 8 of the zxid, three vector counts.
    let overhead = 4 + 8 + 8 + 3 * 4;
    let sizes: Vec<_> = registry
        .chunks(usize::MAX)
        .iter()
        .map(|chunk| {
            let mut out = bytes::BytesMut::new();
            chunk.transmit(Zxid(1), &mut out);
            out.len() - overhead
        })
        .collect();
    let total: usize = lens.iter().map(|len| len + 4).sum();
    assert_eq!(sizes.iter().sum::<usize>(), total);
    assert_eq!(sizes.iter().filter(|size| **size > CHUNK_LEN_MAX).count(), 1, "{sizes:?}");
}

#[test]
fn a_chunk_that_was_lost_still_catches_up_from_what_was_seen_before() {
    let mut pair = Pair::established();
    let long = "x".repeat(100_000);
    let paths = [format!("/1{long}"), format!("/2{long}")];
    for path in &paths {
        pair.ensemble.set(path, b"");
    }
    let watchers = paths.clone().map(|path| pair.set_watch(WatchKind::Data, &path));
    pair.cut();
    pair.ensemble.set(&paths[1], b"");
    // The first chunk is answered, with a zxid above that change; the second never arrives.
    pair.cut_to_server_after = Some(49 + 100_100);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.connections(), 3);
    assert_eq!(pair.notices(watchers[1]), [&event(EventType::NodeDataChanged, &paths[1], -1)]);
    assert!(pair.notices(watchers[0]).is_empty());
}

#[test]
fn a_server_without_persistent_watches_says_so_and_costs_one_connection() {
    let mut pair = Pair::established();
    pair.ensemble.before_3_6 = true;
    pair.ensemble.set("/a", b"");
    let one_shot = pair.set_watch(WatchKind::Data, "/a");
    let (add, watcher) = pair.watch(WatchKind::Persistent, "/a");
    let read = pair.read("/a");
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.failure(add), Failure::Code(ErrorCode::Unimplemented));
    assert!(pair.outcome(read).is_ok(), "it was in flight behind and went out again");
    assert!(pair.notices(watcher).is_empty(), "it never was set");
    assert_eq!(pair.session.connections(), 2);
    assert_eq!(
        pair.ensemble.asked(2)[0],
        (OpCode::SetWatches, ""),
        "not the form it does not know"
    );
    pair.ensemble.set("/a", b"");
    pair.settle();
    assert_eq!(pair.notices(one_shot).len(), 1);
}

#[test]
fn persistent_watches_end_when_the_next_server_is_too_old_for_them() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let one_shot = pair.set_watch(WatchKind::Data, "/a");
    let persistent = pair.set_watch(WatchKind::Persistent, "/a");
    pair.ensemble.before_3_6 = true;
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.state(), SessionState::Connected);
    let ended = Notice::Ended(Failure::Code(ErrorCode::Unimplemented));
    assert_eq!(pair.notices(persistent), [&ended]);
    assert_eq!(pair.losses(), [&Loss::WatchesRefused(ErrorCode::Unimplemented)]);
    assert_eq!(pair.ensemble.asked(3), [(OpCode::SetWatches, "")]);
    pair.ensemble.set("/a", b"");
    pair.settle();
    assert_eq!(pair.notices(one_shot).len(), 1);
}

#[test]
fn the_last_persistent_watcher_of_a_path_takes_the_watch_off_the_server() {
    for before_3_9 in [false, true] {
        let mut pair = Pair::established();
        pair.ensemble.before_3_9 = before_3_9;
        let first = pair.set_watch(WatchKind::Persistent, "/a");
        let last = pair.set_watch(WatchKind::Persistent, "/a");
        pair.unwatch(first);
        pair.settle();
        assert_eq!(pair.ensemble.watches(), [0, 0, 1, 0]);
        pair.ensemble.set("/a", b"");
        pair.settle();
        assert_eq!((pair.notices(first).len(), pair.notices(last).len()), (0, 1));
        pair.unwatch(last);
        pair.settle();
        assert_eq!(pair.ensemble.watches(), [0; 4], "before 3.9: {before_3_9}");
        assert_eq!(pair.session.request_count(), 0);
    }
}

#[test]
fn an_old_server_keeps_a_watch_rather_than_lose_others_of_the_path() {
    let mut pair = Pair::established();
    pair.ensemble.before_3_9 = true;
    let recursive = pair.set_watch(WatchKind::Recursive, "/a");
    let exist = pair.set_watch(WatchKind::Exist, "/a");
    pair.unwatch(recursive);
    pair.settle();
    pair.ensemble.set("/a", b"");
    pair.settle();
    assert_eq!((pair.notices(recursive).len(), pair.notices(exist).len()), (0, 1));
}

#[test]
fn a_watch_that_is_wanted_again_is_not_removed() {
    let mut pair = Pair::established();
    let old = pair.set_watch(WatchKind::Persistent, "/a");
    let (_, new) = pair.watch(WatchKind::Persistent, "/a");
    pair.unwatch(old);
    pair.settle();
    pair.ensemble.set("/a", b"");
    pair.settle();
    assert_eq!((pair.notices(old).len(), pair.notices(new).len()), (0, 1));
}

#[test]
fn a_watcher_may_go_before_its_watch_is_set() {
    for kind in [WatchKind::Exist, WatchKind::Persistent, WatchKind::Recursive] {
        let mut pair = Pair::established();
        pair.stalled_to_client = true;
        let (request, watcher) = pair.watch(kind, "/a");
        pair.settle();
        pair.unwatch(watcher);
        pair.stalled_to_client = false;
        pair.settle();
        assert_eq!(pair.outcomes(request).len(), 1);
        assert_eq!(pair.session.watches.len(), 0);
        let left = pair.ensemble.watches();
        assert_eq!(left, [usize::from(kind == WatchKind::Exist), 0, 0, 0], "{kind:?}");
        pair.ensemble.set("/a", b"");
        reconnect(&mut pair);
        assert!(pair.notices(watcher).is_empty());
    }
}

#[test]
fn watchers_that_go_while_there_is_no_connection_are_not_set_again() {
    let mut pair = Pair::established();
    let watchers = [WatchKind::Exist, WatchKind::Persistent].map(|kind| pair.set_watch(kind, "/a"));
    pair.cut();
    for watcher in watchers {
        pair.unwatch(watcher);
    }
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ensemble.asked(2), []);
}

#[test]
fn a_request_that_is_sent_again_sets_no_watch_that_nobody_wants_any_more() {
    for kind in [WatchKind::Data, WatchKind::Exist, WatchKind::Child] {
        let mut pair = Pair::established();
        pair.ensemble.set("/a", b"");
        pair.stalled_to_client = true;
        let (request, watcher) = pair.watch(kind, "/a");
        pair.settle();
        pair.unwatch(watcher);
        pair.stalled_to_client = false;
        reconnect(&mut pair);
        assert_eq!(pair.outcomes(request).len(), 1, "{kind:?}");
        assert_eq!(pair.ensemble.asked(2).len(), 1, "{kind:?}: it was sent again");
        assert_eq!(pair.ensemble.watches(), [0; 4], "{kind:?}");
    }
}
