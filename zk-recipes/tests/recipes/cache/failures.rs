//! What happens while nobody looks.

use futures_util::StreamExt;
use zk_client::{Acl, CreateMode, Permissions};
use zk_recipes::cache::CacheChange;
use zk_recipes::{Cache, Error};

use super::{ROOT, create, until_equal};
use crate::support::{Op, Proxy, client, connect, expire, server, soon, until};

#[tokio::test]
async fn what_changed_while_disconnected_is_found_and_no_more_is_read() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    for path in ["/a", "/a/b", "/a/b/c", "/a/d", "/a/e"] {
        create(&writer, path, "").await;
    }
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    let mut changes = cache.changes();
    proxy.swallow();
    let anew = writer.multi().delete("/a/d").create("/a/d", b"", CreateMode::Persistent);
    anew.commit().await.unwrap();
    writer.set("/a/b/c", b"new").await.unwrap();
    writer.delete("/a/e").await.unwrap();
    create(&writer, "/a/b/f", "").await;
    let before = proxy.requests();
    proxy.deliver();
    proxy.cut();
    until_equal(&cache, &writer).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(match soon(changes.next()).await.unwrap() {
            CacheChange::Added(node) => format!("+{}", node.path),
            CacheChange::Updated(node) => format!("={}", node.path),
            CacheChange::Replaced(node) => format!("!{}", node.path),
            CacheChange::Removed(node) => format!("-{}", node.path),
            other => format!("{other:?}"),
        });
    }
    seen.sort();
    assert_eq!(seen, ["!/a/d", "+/a/b/f", "-/a/e", "=/a/b/c"]);
    let asked = proxy.requests() - before;
    // The watch again. Metadata of the four that are known and there; lists of /a and /a/b, which
    // changed, and of /a/d and /a/b/f, which are new; data of these two and of /a/b/c.
    assert!(asked <= 13, "{asked} requests");
}

#[tokio::test]
async fn a_cache_outlives_sessions_and_servers() {
    let mut server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    for path in ["/a", "/a/b"] {
        create(&writer, path, "").await;
    }
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    expire(&server, &reader);
    writer.set("/a/b", b"1").await.unwrap();
    create(&writer, "/a/c", "").await;
    until_equal(&cache, &writer).await;

    server.stop().await;
    until(|| async { cache.is_stale() }).await;
    assert_eq!(cache.nodes().len(), 3, "what was known is kept");
    server.restart().await.unwrap();
    until(|| async { writer.set("/a/c", b"2").await.is_ok() }).await;
    until_equal(&cache, &writer).await;
    until(|| async { !cache.is_stale() }).await;
}

#[tokio::test]
async fn a_busy_tree_under_cuts_is_followed_to_the_end() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    for round in 0..30 {
        let path = format!("{ROOT}/{}", round % 7);
        let child = format!("{path}/x");
        match round % 3 {
            0 => drop(writer.create(&path, b"", CreateMode::Persistent).await),
            1 => drop(writer.create(&child, b"", CreateMode::Persistent).await),
            _ => drop(writer.set(&path, format!("{round}").as_bytes()).await),
        }
        if round % 5 == 4 {
            drop(writer.delete(&child).await);
            proxy.cut();
        }
    }
    until_equal(&cache, &writer).await;
}

#[tokio::test]
async fn lost_requests_and_replies_are_no_matter() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    for path in ["/a", "/a/b"] {
        create(&writer, path, "").await;
    }
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::GetData, Op::GetChildren] {
            lose(&proxy, op);
            let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
            assert_eq!(cache.nodes().len(), 2);
            lose(&proxy, Op::GetData);
            writer.set("/a/b", format!("{op:?}").as_bytes()).await.unwrap();
            until_equal(&cache, &writer).await;
        }
    }
}

#[tokio::test]
async fn what_may_not_be_read_hides_nothing_else() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    create(&writer, ROOT, "").await;
    let no_read = [Acl::new(Permissions::WRITE, "world", "anyone")];
    writer.create("/a/secret", b"", CreateMode::Persistent).acl(no_read).await.unwrap();
    create(&writer, "/a/open", "data").await;
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    assert_eq!(cache.nodes().keys().collect::<Vec<_>>(), ["/a", "/a/open"]);
    let refused = soon(Cache::tree(&reader, "/a/secret")).await.unwrap_err();
    assert!(matches!(refused, Error::Client(zk_client::Error::NoAuth { .. })));
}

#[tokio::test]
async fn a_cache_that_is_dropped_while_it_loads_leaves_no_watch() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    proxy.hold_reply(Op::GetData);
    let loading = tokio::spawn({
        let reader = reader.clone();
        async move { Cache::tree(&reader, ROOT).await.map(drop) }
    });
    proxy.triggered(1).await;
    loading.abort();
    assert!(soon(loading).await.unwrap_err().is_cancelled());
    proxy.release();
    until(|| async { proxy.requests() >= 4 && reader.exists("/").await.is_ok() }).await;
    let before = proxy.requests();
    writer.set(ROOT, b"1").await.unwrap();
    reader.exists("/").await.unwrap();
    assert_eq!(proxy.requests() - before, 1);
}

#[tokio::test]
async fn a_cache_is_stale_also_while_it_waits_for_an_answer() {
    let mut server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    let cache = soon(Cache::node(&reader, ROOT)).await.unwrap();
    proxy.hold_reply(Op::GetData);
    writer.set(ROOT, b"1").await.unwrap();
    proxy.triggered(1).await;
    server.stop().await;
    proxy.cut();
    until(|| async { cache.is_stale() }).await;
}
