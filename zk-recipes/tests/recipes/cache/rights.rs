//! Rights that are taken away and given back.

use futures_util::StreamExt;
use zk_client::{Acl, Client, Permissions};
use zk_recipes::Cache;
use zk_recipes::cache::CacheChange;

use super::{ROOT, create};
use crate::support::{Proxy, client, connect, server, soon, until};

/// Nobody may read the node any more.
async fn close(writer: &Client, path: &str) {
    let no_read = Permissions::WRITE | Permissions::CREATE | Permissions::ADMIN;
    writer.set_acl(path, [Acl::new(no_read, "world", "anyone")]).await.unwrap();
}

async fn ends_when_it_is_shut_out(depth: usize, prepare: impl Fn(&Proxy)) {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    prepare(&proxy);
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    create(&writer, "/a/b", "").await;
    let cache = soon(Cache::with_depth(&reader, ROOT, depth)).await.unwrap();
    let mut changes = cache.changes();
    proxy.swallow();
    close(&writer, ROOT).await;
    proxy.deliver();
    proxy.cut();
    assert_eq!(soon(changes.next()).await, None);
    until(|| async { reader.is_connected() }).await;
    assert!(cache.is_stale());
    assert!(cache.root().is_some(), "what was known is kept");
}

#[tokio::test]
async fn a_cache_whose_root_may_not_be_read_after_a_reconnect_ends() {
    for depth in [0, usize::MAX] {
        ends_when_it_is_shut_out(depth, |_| {}).await;
        ends_when_it_is_shut_out(depth, Proxy::refuse_add_watch).await;
    }
}

#[tokio::test]
async fn a_node_that_may_not_be_read_after_a_reconnect_is_done_without() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    for path in [ROOT, "/a/b", "/a/b/c", "/a/d"] {
        create(&writer, path, "").await;
    }
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    proxy.swallow();
    close(&writer, "/a/b").await;
    proxy.deliver();
    proxy.cut();
    soon(cache.wait_for(|nodes| nodes.keys().eq([ROOT, "/a/d"]))).await.unwrap();
    // Given back, it comes with the next look.
    writer.set_acl("/a/b", [Acl::new(Permissions::ALL, "world", "anyone")]).await.unwrap();
    proxy.cut();
    soon(cache.wait_for(|nodes| nodes.len() == 4)).await.unwrap();
    until(|| async { !cache.is_stale() }).await;
}

#[tokio::test]
async fn another_acl_that_lets_one_read_is_no_change() {
    let server = server().await;
    let writer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let reader = connect(&proxy.connect_string()).await;
    create(&writer, ROOT, "").await;
    let cache = soon(Cache::node(&reader, ROOT)).await.unwrap();
    let mut changes = cache.changes();
    writer.set_acl(ROOT, [Acl::new(Permissions::ALL, "world", "anyone")]).await.unwrap();
    proxy.cut();
    until(|| async { cache.is_stale() }).await;
    until(|| async { !cache.is_stale() }).await;
    writer.set(ROOT, b"new").await.unwrap();
    let change = soon(changes.next()).await.unwrap();
    assert!(matches!(&change, CacheChange::Updated(node) if node.data == "new"));
}
