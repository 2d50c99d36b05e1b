//! Watches that fire once.

use futures_util::FutureExt;
use zk_client::{CreateMode, Error, EventType};

use crate::fixture::{client, disconnected, server, within};

#[tokio::test]
async fn a_data_watch_fires_for_a_change() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, watch) = client.get("/a").watch().await.unwrap();
    client.set("/a", b"x").await.unwrap();
    let event = within("the event", watch).await.unwrap();
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeDataChanged, "/a"));
}

#[tokio::test]
async fn an_event_tells_the_zxid_of_its_change() {
    let server = server().await;
    let client = client(&server).await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    let created = client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().zxid, Some(created.stat.czxid));
}

#[tokio::test]
async fn an_exists_watch_fires_for_creation_and_for_deletion() {
    let server = server().await;
    let client = client(&server).await;
    let (stat, watch) = client.exists("/a").watch().await.unwrap();
    assert_eq!(stat, None);
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().kind, EventType::NodeCreated);
    let (stat, watch) = client.exists("/a").watch().await.unwrap();
    assert!(stat.is_some());
    client.delete("/a").await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().kind, EventType::NodeDeleted);
}

#[tokio::test]
async fn a_child_watch_fires_for_a_new_child() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/p", b"", CreateMode::Persistent).await.unwrap();
    let (children, _, watch) = client.children("/p").watch().await.unwrap();
    assert!(children.is_empty());
    client.create("/p/c", b"", CreateMode::Persistent).await.unwrap();
    let event = within("the event", watch).await.unwrap();
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeChildrenChanged, "/p"));
}

#[tokio::test]
async fn an_event_is_there_before_the_read_that_shows_the_change() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, watch) = client.get("/a").watch().await.unwrap();
    client.set("/a", b"x").await.unwrap();
    assert!(watch.now_or_never().is_some());
}

#[tokio::test]
async fn all_watches_of_a_node_fire() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, first) = client.get("/a").watch().await.unwrap();
    let (_, dropped) = client.exists("/a").watch().await.unwrap();
    drop(dropped);
    let (_, second) = client.exists("/a").watch().await.unwrap();
    client.delete("/a").await.unwrap();
    for watch in [first, second] {
        assert_eq!(within("the event", watch).await.unwrap().kind, EventType::NodeDeleted);
    }
}

#[tokio::test]
async fn a_watch_survives_a_reconnection() {
    let server = server().await;
    let watcher = client(&server).await;
    let writer = client(&server).await;
    writer.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, watch) = watcher.get("/a").watch().await.unwrap();
    server.drop_connections();
    tokio::join!(disconnected(&watcher), disconnected(&writer));
    writer.set("/a", b"x").await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().kind, EventType::NodeDataChanged);
}

#[tokio::test]
async fn a_watch_fires_for_what_was_missed_while_the_server_was_down() {
    let mut server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, watch) = client.get("/a").watch().await.unwrap();
    server.stop().await;
    disconnected(&client).await;
    // Goes out before the watch is set again or after: it fires either way.
    let pending = client.set("/a", b"x").send();
    server.restart().await.unwrap();
    pending.await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().kind, EventType::NodeDataChanged);
}

#[tokio::test]
async fn a_watch_learns_that_its_session_has_expired() {
    let server = server().await;
    let client = client(&server).await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    server.expire_session(client.session_id().unwrap());
    assert_eq!(within("the end", watch).await, Err(Error::SessionExpired));
}

#[tokio::test]
async fn a_watch_learns_that_the_client_was_closed() {
    let server = server().await;
    let client = client(&server).await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    client.close().await.unwrap();
    assert_eq!(within("the end", watch).await, Err(Error::Closed));
}

#[tokio::test]
async fn a_read_that_fails_sets_no_watch() {
    let server = server().await;
    let client = client(&server).await;
    let error = client.get("/a").watch().await.unwrap_err();
    assert_eq!(error, Error::NoNode { path: "/a".to_owned() });
}
