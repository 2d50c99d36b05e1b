//! Persistent watches as streams.

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_client::{Client, CreateMode, EventType, WatchMode, WatchStream};
use zk_server::testing::TestServer;

use crate::fixture::{client, next, next_where, server, within};

async fn event(stream: &mut WatchStream) -> (EventType, String) {
    let event = next("an event", stream).await;
    (event.kind, event.path)
}

/// How many watches the server holds.
async fn watches(server: &TestServer) -> u32 {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"mntr").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("zk_watch_count"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

async fn create(client: &Client, path: &str) {
    client.create(path, b"", CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn a_persistent_watch_tells_of_the_node_and_its_children() {
    let server = server().await;
    let client = client(&server).await;
    let mut events = client.watch("/a", WatchMode::Persistent).await.unwrap();
    create(&client, "/a").await;
    client.set("/a", b"x").await.unwrap();
    create(&client, "/a/b").await;
    create(&client, "/a/b/c").await;
    client.delete("/a/b/c").await.unwrap();
    client.delete("/a/b").await.unwrap();
    client.delete("/a").await.unwrap();
    let a = || "/a".to_owned();
    assert_eq!(event(&mut events).await, (EventType::NodeCreated, a()));
    assert_eq!(event(&mut events).await, (EventType::NodeDataChanged, a()));
    assert_eq!(event(&mut events).await, (EventType::NodeChildrenChanged, a()));
    assert_eq!(event(&mut events).await, (EventType::NodeChildrenChanged, a()));
    assert_eq!(event(&mut events).await, (EventType::NodeDeleted, a()));
}

#[tokio::test]
async fn a_recursive_watch_tells_of_everything_below() {
    let server = server().await;
    let client = client(&server).await;
    let mut events = client.watch("/a", WatchMode::PersistentRecursive).await.unwrap();
    create(&client, "/a").await;
    create(&client, "/a/b").await;
    client.set("/a/b", b"x").await.unwrap();
    create(&client, "/elsewhere").await;
    client.delete("/a/b").await.unwrap();
    let b = || "/a/b".to_owned();
    assert_eq!(event(&mut events).await, (EventType::NodeCreated, "/a".to_owned()));
    assert_eq!(event(&mut events).await, (EventType::NodeCreated, b()));
    assert_eq!(event(&mut events).await, (EventType::NodeDataChanged, b()));
    assert_eq!(event(&mut events).await, (EventType::NodeDeleted, b()));
}

#[tokio::test]
async fn after_a_reconnection_a_stream_asks_to_read_anew_and_goes_on() {
    let server = server().await;
    let client = client(&server).await;
    let mut events = client.watch("/a", WatchMode::Persistent).await.unwrap();
    server.drop_connections();
    assert_eq!(event(&mut events).await, (EventType::Resync, "/a".to_owned()));
    create(&client, "/a").await;
    assert_eq!(event(&mut events).await, (EventType::NodeCreated, "/a".to_owned()));
}

#[tokio::test]
async fn in_a_new_session_a_stream_asks_to_read_anew_and_goes_on() {
    let server = server().await;
    let client = client(&server).await;
    let mut events = client.watch("/a", WatchMode::PersistentRecursive).await.unwrap();
    server.expire_session(client.session_id().unwrap());
    let is_resync = |event: &zk_client::WatchedEvent| event.kind == EventType::Resync;
    next_where("the resync", &mut events, is_resync).await;
    create(&client, "/a").await;
    assert_eq!(event(&mut events).await, (EventType::NodeCreated, "/a".to_owned()));
}

#[tokio::test]
async fn streams_of_one_path_do_not_disturb_each_other() {
    let server = server().await;
    let client = client(&server).await;
    let first = client.watch("/a", WatchMode::Persistent).await.unwrap();
    let mut second = client.watch("/a", WatchMode::Persistent).await.unwrap();
    drop(first);
    client.sync("/").await.unwrap();
    create(&client, "/a").await;
    assert_eq!(event(&mut second).await, (EventType::NodeCreated, "/a".to_owned()));
    drop(second);
    client.sync("/").await.unwrap();
    assert_eq!(watches(&server).await, 0, "a dropped stream takes its watch along");
    let mut third = client.watch("/a", WatchMode::Persistent).await.unwrap();
    client.delete("/a").await.unwrap();
    assert_eq!(event(&mut third).await, (EventType::NodeDeleted, "/a".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_when_the_client_is_closed() {
    let server = server().await;
    let client = client(&server).await;
    let mut events = client.watch("/a", WatchMode::Persistent).await.unwrap();
    client.close().await.unwrap();
    assert_eq!(within("the end", events.next()).await, None);
}
