use zk_proto::EventType::{self, NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
use zk_proto::{Acl, WatcherType};

use super::{ONE, TWO, change, events, fire};
use crate::tree::ChangeKind::{self, Created, DataChanged, Deleted};
use crate::watch::WatchKind::{self, Child, Data, Persistent, Recursive};
use crate::watch::WatchManager;

/// Every kind of watch, on the node, its parent and further up, against every change.
#[test]
fn each_kind_of_watch_sees_its_own_changes() {
    const KINDS: [WatchKind; 4] = [Data, Child, Persistent, Recursive];
    /// For each kind in that order.
    type Row = (ChangeKind, &'static str, [Option<EventType>; 4]);
    let rows: [Row; 12] = [
        (Created, "/a/b", [Some(NodeCreated), None, Some(NodeCreated), Some(NodeCreated)]),
        (
            Deleted,
            "/a/b",
            [Some(NodeDeleted), Some(NodeDeleted), Some(NodeDeleted), Some(NodeDeleted)],
        ),
        (
            DataChanged,
            "/a/b",
            [Some(NodeDataChanged), None, Some(NodeDataChanged), Some(NodeDataChanged)],
        ),
        (
            Created,
            "/a",
            [None, Some(NodeChildrenChanged), Some(NodeChildrenChanged), Some(NodeCreated)],
        ),
        (
            Deleted,
            "/a",
            [None, Some(NodeChildrenChanged), Some(NodeChildrenChanged), Some(NodeDeleted)],
        ),
        (DataChanged, "/a", [None, None, None, Some(NodeDataChanged)]),
        (Created, "/", [None, None, None, Some(NodeCreated)]),
        (Deleted, "/", [None, None, None, Some(NodeDeleted)]),
        (DataChanged, "/", [None, None, None, Some(NodeDataChanged)]),
        (Created, "/a/b/c", [None; 4]),
        (Deleted, "/a/b/c", [None; 4]),
        (DataChanged, "/ab", [None; 4]),
    ];
    for (what, watched, expected) in rows {
        for (kind, expected) in KINDS.into_iter().zip(expected) {
            let mut watches = WatchManager::default();
            watches.add(ONE, watched, kind);
            let fired = fire(&mut watches, what, "/a/b");
            let shown = format!("{what:?} of /a/b, {kind:?} watch on {watched}");
            assert_eq!(fired.iter().map(|n| n.kind).next(), expected, "{shown}");
            assert!(fired.len() <= 1, "{shown}");
            let one_shot = matches!(kind, Data | Child);
            let used_up = one_shot && expected.is_some();
            assert_eq!(watches.has(ONE, watched, WatcherType::Any), !used_up, "{shown}");
        }
    }
}

#[test]
fn children_of_the_root_are_children_of_the_slash() {
    let mut watches = WatchManager::default();
    watches.add(ONE, "/", Child);
    let fired = fire(&mut watches, Created, "/a");
    assert_eq!(events(&fired), [(NodeChildrenChanged, "/", &[ONE][..])]);
}

#[test]
fn a_connection_gets_one_event_however_many_of_its_watches_match() {
    let mut watches = WatchManager::default();
    for kind in [Data, Child, Persistent, Recursive] {
        watches.add(ONE, "/a/b", kind);
    }
    watches.add(ONE, "/a", Recursive);
    watches.add(ONE, "/", Recursive);
    watches.add(TWO, "/a", Recursive);
    watches.add(TWO, "/a", Child);
    watches.add(TWO, "/a", Persistent);
    let fired = fire(&mut watches, Deleted, "/a/b");
    let expected =
        [(NodeDeleted, "/a/b", &[ONE, TWO][..]), (NodeChildrenChanged, "/a", &[TWO][..])];
    assert_eq!(events(&fired), expected);
}

#[test]
fn kinds_on_one_path_do_not_replace_each_other() {
    let mut watches = WatchManager::default();
    for kind in [Recursive, Data, Persistent, Child] {
        watches.add(ONE, "/a", kind);
    }
    fire(&mut watches, Deleted, "/a");
    for (kind, left) in [
        (WatcherType::Data, false),
        (WatcherType::Children, false),
        (WatcherType::Persistent, true),
        (WatcherType::PersistentRecursive, true),
    ] {
        assert_eq!(watches.has(ONE, "/a", kind), left, "{kind:?}");
    }
    assert_eq!(fire(&mut watches, Created, "/a").len(), 1);
    assert!(watches.remove(ONE, "/a", WatcherType::Persistent));
    assert_eq!(fire(&mut watches, DataChanged, "/a").len(), 1, "the recursive one is still there");
    assert!(watches.remove(ONE, "/a", WatcherType::PersistentRecursive));
    assert!(fire(&mut watches, DataChanged, "/a").is_empty());
}

#[test]
fn a_child_watch_does_not_fire_for_a_childs_data() {
    let mut watches = WatchManager::default();
    watches.add(ONE, "/a", Child);
    watches.add(ONE, "/a", Persistent);
    assert!(fire(&mut watches, DataChanged, "/a/b").is_empty());
}

#[test]
fn who_may_not_read_hears_nothing_and_its_one_shot_watch_is_used_up() {
    let mut watches = WatchManager::default();
    watches.add(ONE, "/a/b", Data);
    watches.add(TWO, "/a/b", Data);
    watches.add(ONE, "/a", Child);
    let mut deletion = change(Deleted, "/a/b");
    deletion.acl = Acl::read_only().into();
    let fired = watches.fire(&deletion, |connection, acl| {
        // The node's ACL for the node, the parent's for its children.
        connection == TWO || **acl == Acl::open()
    });
    let expected = [(NodeDeleted, "/a/b", &[TWO][..]), (NodeChildrenChanged, "/a", &[ONE][..])];
    assert_eq!(events(&fired), expected);
    assert_eq!(watches.watch_count(), 0);
}
