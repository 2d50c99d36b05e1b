//! Servers that know no lasting watches.

use zk_client::Client;
use zk_recipes::Cache;
use zk_server::testing::TestServer;

use super::{ROOT, create, until_equal};
use crate::support::{Proxy, client, connect, expire, server, soon};

async fn old_server() -> (TestServer, Proxy, Client, Client) {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    proxy.refuse_add_watch();
    let (writer, reader) = (client(&server).await, connect(&proxy.connect_string()).await);
    (server, proxy, writer, reader)
}

#[tokio::test]
async fn a_tree_is_followed_by_one_shot_watches() {
    let (server, proxy, writer, reader) = old_server().await;
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    assert!(cache.nodes().is_empty());
    for path in ["/a", "/a/b", "/a/b/c", "/a/d"] {
        create(&writer, path, "").await;
        until_equal(&cache, &writer).await;
    }
    for round in 0..3 {
        writer.set("/a/b/c", format!("{round}").as_bytes()).await.unwrap();
        writer.set("/a", format!("{round}").as_bytes()).await.unwrap();
        until_equal(&cache, &writer).await;
        create(&writer, "/a/d/e", "").await;
        until_equal(&cache, &writer).await;
        proxy.cut();
        writer.delete("/a/d/e").await.unwrap();
        until_equal(&cache, &writer).await;
    }
    expire(&server, &reader);
    writer.set("/a/d", b"new").await.unwrap();
    create(&writer, "/a/b/f", "").await;
    until_equal(&cache, &writer).await;
    for path in ["/a/b/c", "/a/b/f", "/a/b", "/a/d", "/a"] {
        writer.delete(path).await.unwrap();
    }
    until_equal(&cache, &writer).await;
    create(&writer, "/a", "again").await;
    create(&writer, "/a/b", "").await;
    until_equal(&cache, &writer).await;
}

#[tokio::test]
async fn a_cache_that_comes_to_an_old_server_goes_on_there() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (writer, reader) = (client(&server).await, connect(&proxy.connect_string()).await);
    let cache = soon(Cache::tree(&reader, ROOT)).await.unwrap();
    // The lasting watch is asked for again in the next session, and refused.
    proxy.refuse_add_watch();
    expire(&server, &reader);
    for path in ["/a", "/a/b"] {
        create(&writer, path, "").await;
        until_equal(&cache, &writer).await;
    }
    writer.set("/a/b", b"new").await.unwrap();
    until_equal(&cache, &writer).await;
}

#[tokio::test]
async fn depth_is_heeded() {
    let (_server, _proxy, writer, reader) = old_server().await;
    for path in ["/a", "/a/b", "/a/b/c"] {
        create(&writer, path, "").await;
    }
    let node = soon(Cache::node(&reader, ROOT)).await.unwrap();
    let children = soon(Cache::children(&reader, ROOT)).await.unwrap();
    assert_eq!(node.nodes().len(), 1);
    assert_eq!(children.nodes().len(), 2);
    create(&writer, "/a/d", "").await;
    writer.set("/a", b"new").await.unwrap();
    soon(children.wait_for(|nodes| nodes.len() == 3 && nodes["/a"].data == "new")).await.unwrap();
    soon(node.wait_for(|nodes| nodes["/a"].data == "new")).await.unwrap();
    assert_eq!(node.nodes().len(), 1);
}
