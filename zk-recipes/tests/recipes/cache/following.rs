//! Nodes that come, change and go.

use futures_util::{FutureExt, StreamExt};
use zk_recipes::Cache;
use zk_recipes::cache::{CHANGES_BUFFERED, CacheChange};

use super::{ROOT, create, until_equal};
use crate::support::{Proxy, client, connect, server, soon, until};

#[tokio::test]
async fn a_cache_is_complete_when_it_is_there_and_follows_from_then_on() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    for path in ["/a", "/a/b", "/a/b/c", "/a/d", "/ab"] {
        create(&writer, path, path).await;
    }
    let node = soon(Cache::node(&reader, ROOT)).await.unwrap();
    let children = soon(Cache::children(&reader, ROOT)).await.unwrap();
    let tree = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    assert_eq!(node.nodes().keys().collect::<Vec<_>>(), ["/a"]);
    assert_eq!(children.nodes().keys().collect::<Vec<_>>(), ["/a", "/a/b", "/a/d"]);
    assert_eq!(tree.nodes().keys().collect::<Vec<_>>(), ["/a", "/a/b", "/a/b/c", "/a/d"]);
    assert_eq!(node.root().unwrap().data, "/a");
    let names: Vec<_> = tree.children_of(ROOT).iter().map(|node| node.path.clone()).collect();
    assert_eq!(names, ["/a/b", "/a/d"]);

    let mut changes = tree.changes();
    writer.set("/a/b/c", b"new").await.unwrap();
    create(&writer, "/a/b/e", "e").await;
    writer.delete("/a/d").await.unwrap();
    writer.set("/a", b"root").await.unwrap();
    until_equal(&tree, &writer).await;
    soon(node.wait_for(|nodes| nodes["/a"].data == "root")).await.unwrap();
    soon(children.wait_for(|nodes| nodes.len() == 2 && nodes["/a"].data == "root")).await.unwrap();
    let mut seen = Vec::new();
    while let Some(Some(change)) = changes.next().now_or_never() {
        seen.push(match change {
            CacheChange::Added(node) => format!("+{}", node.path),
            CacheChange::Updated(node) => format!("={}", node.path),
            CacheChange::Removed(node) => format!("-{}", node.path),
            other => format!("{other:?}"),
        });
    }
    seen.sort();
    assert_eq!(seen, ["+/a/b/e", "-/a/d", "=/a", "=/a/b/c"]);
}

#[tokio::test]
async fn a_root_that_is_not_there_is_waited_for() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    let cache = soon(Cache::tree(&reader, "/a/b")).await.unwrap();
    assert!(cache.root().is_none() && cache.nodes().is_empty());
    for _ in 0..2 {
        create(&writer, "/a", "").await;
        create(&writer, "/a/b", "root").await;
        create(&writer, "/a/b/c", "leaf").await;
        until_equal(&cache, &writer).await;
        assert_eq!(cache.get("/a/b/c").unwrap().data, "leaf");
        for path in ["/a/b/c", "/a/b", "/a"] {
            writer.delete(path).await.unwrap();
        }
        until_equal(&cache, &writer).await;
        assert!(cache.nodes().is_empty());
    }
}

#[tokio::test]
async fn a_node_made_anew_in_one_step_is_told_from_an_updated_one() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    create(&writer, ROOT, "same").await;
    let cache = soon(Cache::node(&reader, ROOT)).await.unwrap();
    let mut changes = cache.changes();
    let persistent = zk_client::CreateMode::Persistent;
    let anew = writer.multi().delete(ROOT).create(ROOT, b"same", persistent);
    anew.commit().await.unwrap();
    let change = soon(changes.next()).await.unwrap();
    assert!(matches!(change, CacheChange::Replaced(node) if node.stat.version == 0));
}

#[tokio::test]
async fn a_slow_consumer_is_told_that_it_missed_something() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    create(&writer, ROOT, "").await;
    let cache = soon(Cache::children(&reader, ROOT)).await.unwrap();
    let mut changes = cache.changes();
    let count = CHANGES_BUFFERED + 10;
    let creates: Vec<_> = (0..count)
        .map(|number| {
            let path = format!("{ROOT}/{number}");
            writer.create(&path, b"", zk_client::CreateMode::Persistent).send()
        })
        .collect();
    for create in creates {
        create.await.unwrap();
    }
    soon(cache.wait_for(|nodes| nodes.len() == count + 1)).await.unwrap();
    let first = soon(changes.next()).await.unwrap();
    assert!(matches!(first, CacheChange::Missed { count: 1.. }), "{first:?}");
}

#[tokio::test]
async fn a_change_costs_one_read() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    for path in ["/a", "/a/b", "/a/b/c"] {
        create(&writer, path, "").await;
    }
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    assert_eq!(proxy.requests(), 7, "the watch; a read and a list for each node");
    writer.set("/a/b/c", b"1").await.unwrap();
    until_equal(&cache, &writer).await;
    assert_eq!(proxy.requests(), 8);
}

#[tokio::test]
async fn a_dropped_cache_ends_its_streams_and_asks_nothing_more() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    let mut changes = cache.changes();
    drop(cache);
    assert!(soon(changes.next()).await.is_none());
    // The watch is removed; then nothing comes any more.
    until(|| async { proxy.requests() >= 4 && reader.exists("/").await.is_ok() }).await;
    let before = proxy.requests();
    writer.set(ROOT, b"1").await.unwrap();
    reader.exists("/").await.unwrap();
    assert_eq!(proxy.requests() - before, 1);
}

#[tokio::test]
async fn a_closed_client_leaves_the_cache_stale() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    create(&writer, ROOT, "last").await;
    let cache = soon(Cache::node(&reader, ROOT)).await.unwrap();
    assert!(!cache.is_stale());
    let mut changes = cache.changes();
    soon(reader.close()).await.unwrap();
    assert!(soon(changes.next()).await.is_none());
    assert!(cache.is_stale());
    assert_eq!(cache.root().unwrap().data, "last");
    assert!(soon(Cache::node(&reader, ROOT)).await.is_err());
}
