//! Watches that stay: persistent, recursive, and `observe`.

use futures_util::StreamExt;
use tests::{Target, within};
use zk_client::{Client, CreateMode, EventType, WatchMode, WatchStream};

async fn next(stream: &mut WatchStream) -> (EventType, String) {
    let event = within("an event", stream.next()).await.expect("the stream goes on");
    (event.kind, event.path)
}

/// Create, set, child created, child set, child deleted, deleted.
async fn a_life(client: &Client, path: &str) {
    let child = format!("{path}/child");
    client.create(path, b"", CreateMode::Persistent).await.unwrap();
    client.set(path, b"1").await.unwrap();
    client.create(&child, b"", CreateMode::Persistent).await.unwrap();
    client.set(&child, b"1").await.unwrap();
    client.delete(&child).await.unwrap();
    client.delete(path).await.unwrap();
}

#[tokio::test]
async fn a_persistent_watch_reports_the_node_and_its_children_again_and_again() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let mut events = client.watch("/a", WatchMode::Persistent).await.unwrap();
    for _ in 0..2 {
        a_life(&other, "/a").await;
        for kind in [
            EventType::NodeCreated,
            EventType::NodeDataChanged,
            EventType::NodeChildrenChanged,
            EventType::NodeChildrenChanged,
            EventType::NodeDeleted,
        ] {
            assert_eq!(next(&mut events).await, (kind, "/a".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_recursive_watch_reports_the_whole_tree_below() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let mut events = client.watch("/", WatchMode::PersistentRecursive).await.unwrap();
    a_life(&other, "/a").await;
    for (kind, path) in [
        (EventType::NodeCreated, "/a"),
        (EventType::NodeDataChanged, "/a"),
        (EventType::NodeCreated, "/a/child"),
        (EventType::NodeDataChanged, "/a/child"),
        (EventType::NodeDeleted, "/a/child"),
        (EventType::NodeDeleted, "/a"),
    ] {
        assert_eq!(next(&mut events).await, (kind, path.to_owned()));
    }
}

#[tokio::test]
async fn one_shot_watches_inside_do_not_leak_into_a_recursive_one() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    client.create("/p", b"", CreateMode::Persistent).await.unwrap();
    let mut events = client.watch("/p", WatchMode::PersistentRecursive).await.unwrap();
    let (_, _, children) = client.children("/p").watch().await.unwrap();
    other.create("/p/a", b"", CreateMode::Persistent).await.unwrap();
    within("the one-shot watch fires", children).await.unwrap();
    other.delete("/p/a").await.unwrap();
    assert_eq!(next(&mut events).await, (EventType::NodeCreated, "/p/a".to_owned()));
    assert_eq!(next(&mut events).await, (EventType::NodeDeleted, "/p/a".to_owned()));
}

#[tokio::test]
async fn a_lasting_watch_goes_on_after_a_reconnect_and_says_that_there_was_a_gap() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    let mut events = client.watch("/a", WatchMode::PersistentRecursive).await.unwrap();
    proxy.refuse();
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    proxy.heal();
    assert_eq!(next(&mut events).await.0, EventType::Resync);
    assert!(client.exists("/a").await.unwrap().is_some());
    other.set("/a", b"1").await.unwrap();
    assert_eq!(next(&mut events).await, (EventType::NodeDataChanged, "/a".to_owned()));
}

#[tokio::test]
async fn a_dropped_stream_leaves_the_others_alone() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let dropped = client.watch("/a", WatchMode::Persistent).await.unwrap();
    let mut kept = client.watch("/a", WatchMode::Persistent).await.unwrap();
    drop(dropped);
    client.sync("/").await.unwrap();
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(next(&mut kept).await, (EventType::NodeCreated, "/a".to_owned()));
    drop(kept);
    let mut again = client.watch("/a", WatchMode::Persistent).await.unwrap();
    other.delete("/a").await.unwrap();
    assert_eq!(next(&mut again).await, (EventType::NodeDeleted, "/a".to_owned()));
}

#[tokio::test]
async fn observe_always_ends_up_at_the_latest_state() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    let mut states = std::pin::pin!(client.observe("/a"));
    let mut until = async |wanted: Option<&[u8]>| {
        within("the observed state", async {
            loop {
                let state = states.next().await.expect("observing goes on").unwrap();
                if state.as_ref().map(|(data, _)| &data[..]) == wanted {
                    return;
                }
            }
        })
        .await;
    };
    until(None).await;
    other.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    until(Some(b"0")).await;
    for value in [b"1", b"2", b"3"] {
        other.set("/a", value).await.unwrap();
    }
    until(Some(b"3")).await;
    proxy.refuse();
    other.set("/a", b"4").await.unwrap();
    proxy.heal();
    until(Some(b"4")).await;
    other.delete("/a").await.unwrap();
    until(None).await;
}

/// What a watch on `/a` is told of [`a_life`], if it is the only one.
fn told(mode: WatchMode) -> Vec<(EventType, &'static str)> {
    use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
    match mode {
        WatchMode::Persistent => vec![
            (NodeCreated, "/a"),
            (NodeDataChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeChildrenChanged, "/a"),
            (NodeDeleted, "/a"),
        ],
        _ => vec![
            (NodeCreated, "/a"),
            (NodeDataChanged, "/a"),
            (NodeCreated, "/a/child"),
            (NodeDataChanged, "/a/child"),
            (NodeDeleted, "/a/child"),
            (NodeDeleted, "/a"),
        ],
    }
}

#[tokio::test]
async fn lasting_watches_of_both_modes_on_one_path_tell_all_in_either_order() {
    let target = Target::start().await;
    let other = target.client().await;
    for reconnects in [false, true] {
        for modes in [
            [WatchMode::Persistent, WatchMode::PersistentRecursive],
            [WatchMode::PersistentRecursive, WatchMode::Persistent],
        ] {
            let proxy = target.proxy().await;
            let client = target.client_through(&proxy).await;
            let mut streams = Vec::new();
            for mode in modes {
                streams.push((mode, client.watch("/a", mode).await.unwrap()));
            }
            if reconnects {
                proxy.refuse();
                proxy.heal();
                for (_, stream) in &mut streams {
                    assert_eq!(next(stream).await.0, EventType::Resync);
                }
            }
            for _ in 0..2 {
                a_life(&other, "/a").await;
                for (mode, stream) in &mut streams {
                    for (kind, path) in told(*mode) {
                        assert_eq!(next(stream).await, (kind, path.to_owned()), "{modes:?}");
                    }
                }
            }
            client.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn one_shot_watches_and_a_lasting_one_on_one_path_take_nothing_from_each_other() {
    let target = Target::start().await;
    let other = target.client().await;
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    for mode in [WatchMode::Persistent, WatchMode::PersistentRecursive] {
        for first in [true, false] {
            let client = target.client().await;
            let early = match first {
                true => Some(client.watch("/a", mode).await.unwrap()),
                false => None,
            };
            let (_, _, data) = client.get("/a").watch().await.unwrap();
            let (_, exists) = client.exists("/a").watch().await.unwrap();
            let (_, _, children) = client.children("/a").watch().await.unwrap();
            let mut stream = match early {
                Some(stream) => stream,
                None => client.watch("/a", mode).await.unwrap(),
            };
            other.set("/a", b"1").await.unwrap();
            other.set("/a", b"2").await.unwrap();
            other.create("/a/b", b"", CreateMode::Persistent).await.unwrap();
            other.delete("/a/b").await.unwrap();
            for (watch, kind) in [
                (data, EventType::NodeDataChanged),
                (exists, EventType::NodeDataChanged),
                (children, EventType::NodeChildrenChanged),
            ] {
                let event = within("a one-shot watch fires", watch).await.unwrap();
                assert_eq!((event.kind, event.path.as_str()), (kind, "/a"), "{mode:?}");
            }
            for _ in 0..2 {
                assert_eq!(next(&mut stream).await.0, EventType::NodeDataChanged, "{mode:?}");
            }
            let expected = match mode {
                WatchMode::Persistent => [(EventType::NodeChildrenChanged, "/a"); 2],
                _ => [(EventType::NodeCreated, "/a/b"), (EventType::NodeDeleted, "/a/b")],
            };
            for (kind, path) in expected {
                assert_eq!(next(&mut stream).await, (kind, path.to_owned()), "{mode:?}");
            }
            // Who set its watch while the lasting one was there keeps it when that is dropped.
            let (_, _, data) = client.get("/a").watch().await.unwrap();
            drop(stream);
            client.sync("/").await.unwrap();
            let (_, _, again) = client.get("/a").watch().await.unwrap();
            other.set("/a", b"3").await.unwrap();
            within("it fires", data).await.unwrap();
            within("and the next", again).await.unwrap();
            client.close().await.unwrap();
        }
    }
}
