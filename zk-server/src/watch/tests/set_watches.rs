use bytes::Bytes;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{
    Acl, EventType, KeeperState, SessionId, SetWatches, SetWatches2, WatcherType, Zxid,
};

use super::ONE;
use crate::tree::DataTree;
use crate::watch::WatchManager;
use crate::watch::set_watches::{SetWatchesLists, decide};

/// `/data` was set at 10, `/parent` got a child at 20, `/old` was created at 1 and left alone.
fn tree() -> DataTree {
    let mut tree = DataTree::new(false);
    let create = |path: &str| Txn::Create {
        with_stat: false,
        path: path.into(),
        data: None,
        acl: Acl::open().into(),
        ephemeral: false,
        parent_cversion: -1,
    };
    let set = Txn::SetData { path: "/data".into(), data: Some(Bytes::new()), version: 1 };
    let txns = [
        (1, create("/old")),
        (2, create("/data")),
        (3, create("/parent")),
        (10, set),
        (20, create("/parent/child")),
    ];
    for (zxid, txn) in txns {
        let (zxid, op) = (Zxid(zxid), txn.op().code());
        let header = TxnHeader { session: SessionId(1), cxid: 0, zxid, time_ms: 0, op };
        tree.apply(&header, &txn);
    }
    tree
}

#[derive(Clone, Copy, Debug)]
enum List {
    Data,
    Exist,
    Child,
    Persistent,
    Recursive,
}

#[test]
fn each_list_is_told_what_it_missed_and_watches_the_rest() {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    use List::{Child, Data, Exist, Persistent, Recursive};
    let rows = [
        (Data, "/gone", 5, Some(NodeDeleted)),
        (Data, "/data", 9, Some(NodeDataChanged)),
        (Data, "/data", 10, None),
        (Data, "/parent", 5, None),
        (Exist, "/gone", 5, None),
        (Exist, "/old", 5, Some(NodeCreated)),
        (Exist, "/old", 99, Some(NodeCreated)),
        (Child, "/gone", 5, Some(NodeDeleted)),
        (Child, "/parent", 19, Some(NodeChildrenChanged)),
        (Child, "/parent", 20, None),
        (Child, "/data", 5, None),
        (Persistent, "/gone", 5, None),
        (Persistent, "/data", 5, None),
        (Recursive, "/gone", 5, None),
        (Recursive, "/data", 5, None),
    ];
    for (list, path, since, expected) in rows {
        let shown = format!("{list:?} {path} since {since}");
        let mut watches = WatchManager::default();
        let paths = [path];
        let mut lists = SetWatchesLists {
            relative_zxid: Zxid(since),
            data: &[],
            exist: &[],
            child: &[],
            persistent: &[],
            persistent_recursive: &[],
        };
        let (asked, kind) = match list {
            Data => (&mut lists.data, WatcherType::Data),
            Exist => (&mut lists.exist, WatcherType::Data),
            Child => (&mut lists.child, WatcherType::Children),
            Persistent => (&mut lists.persistent, WatcherType::Persistent),
            Recursive => (&mut lists.persistent_recursive, WatcherType::PersistentRecursive),
        };
        *asked = &paths;
        let missed = decide(&tree(), &mut watches, ONE, lists, |_| true);
        assert_eq!(missed.first().map(|event| event.kind), expected, "{shown}");
        assert!(missed.iter().all(|e| e.path == path && e.state == KeeperState::SyncConnected));
        assert_eq!(watches.has(ONE, path, kind), expected.is_none(), "{shown}");
        assert_eq!(watches.has(ONE, path, WatcherType::Any), expected.is_none(), "{shown}");
    }
}

#[test]
fn both_requests_have_the_same_lists() {
    let (data, exist, child) = (vec!["/gone"], vec!["/old"], vec!["/parent"]);
    let first = SetWatches { relative_zxid: Zxid(5), data, exist, child };
    let second = SetWatches2 {
        relative_zxid: Zxid(5),
        data: first.data.clone(),
        exist: first.exist.clone(),
        child: first.child.clone(),
        persistent: vec!["/p"],
        persistent_recursive: vec!["/r"],
    };
    let mut watches = WatchManager::default();
    let from_first = decide(&tree(), &mut watches, ONE, (&first).into(), |_| true);
    assert_eq!(watches.watch_count(), 0);
    let from_second = decide(&tree(), &mut watches, ONE, (&second).into(), |_| true);
    assert_eq!(from_first, from_second);
    let kinds: Vec<_> = from_first.iter().map(|event| event.kind).collect();
    let expected = [EventType::NodeDeleted, EventType::NodeCreated, EventType::NodeChildrenChanged];
    assert_eq!(kinds, expected, "in the order of the lists");
    assert!(watches.has(ONE, "/p", WatcherType::Persistent));
    assert!(watches.has(ONE, "/r", WatcherType::PersistentRecursive));
}

#[test]
fn who_may_not_read_a_node_hears_only_that_it_is_missing() {
    let lists = SetWatchesLists {
        relative_zxid: Zxid(5),
        data: &["/data", "/gone"],
        exist: &["/old"],
        child: &["/parent"],
        persistent: &[],
        persistent_recursive: &[],
    };
    let mut watches = WatchManager::default();
    let missed = decide(&tree(), &mut watches, ONE, lists, |_| false);
    let seen: Vec<_> = missed.iter().map(|event| (event.kind, event.path.as_str())).collect();
    assert_eq!(seen, [(EventType::NodeDeleted, "/gone")]);
    assert_eq!(watches.watch_count(), 0);
}
