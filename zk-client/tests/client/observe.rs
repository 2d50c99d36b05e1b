//! Following what a node is.

use futures_util::StreamExt;
use zk_client::{Acl, CreateMode, Error, Observe};

use crate::fixture::{builder, client, disconnected, next, next_where, server, within};

/// The next state of the node: its data, or `None` if it is gone.
async fn state(nodes: &mut Observe) -> Option<Vec<u8>> {
    let node = next("a state", nodes).await.unwrap();
    node.map(|(data, _)| data.to_vec())
}

#[tokio::test]
async fn a_node_is_followed_through_its_lives() {
    let server = server().await;
    let client = client(&server).await;
    let mut nodes = client.observe("/a");
    assert_eq!(state(&mut nodes).await, None);
    client.create("/a", b"1", CreateMode::Persistent).await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"1"[..]));
    client.set("/a", b"2").await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"2"[..]));
    client.delete("/a").await.unwrap();
    assert_eq!(state(&mut nodes).await, None);
    client.create("/a", b"3", CreateMode::Persistent).await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"3"[..]));
}

#[tokio::test]
async fn who_was_not_looking_sees_the_latest_state() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    let mut nodes = client.observe("/a");
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"0"[..]));
    for number in 1..=50_u8 {
        client.set("/a", &[number]).await.unwrap();
    }
    let is_latest = |node: &Result<_, Error>| match node {
        Ok(Some((data, _))) => <zk_client::Bytes as AsRef<[u8]>>::as_ref(data) == [50],
        _ => false,
    };
    next_where("the latest state", &mut nodes, is_latest).await.unwrap();
}

#[tokio::test]
async fn a_node_created_anew_with_the_same_data_is_news() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"x", CreateMode::Persistent).await.unwrap();
    let mut nodes = client.observe("/a");
    let first = next("a state", &mut nodes).await.unwrap().unwrap();
    client.multi().delete("/a").create("/a", b"x", CreateMode::Persistent).commit().await.unwrap();
    let second = next("a state", &mut nodes).await.unwrap().unwrap();
    assert!(second.1.czxid > first.1.czxid);
}

#[tokio::test]
async fn a_node_is_followed_over_reconnections_and_restarts() {
    let mut server = server().await;
    let client = client(&server).await;
    let mut nodes = client.observe("/a");
    assert_eq!(state(&mut nodes).await, None);
    server.drop_connections();
    disconnected(&client).await;
    client.create("/a", b"1", CreateMode::Persistent).await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"1"[..]));
    server.stop().await;
    disconnected(&client).await;
    let pending = client.set("/a", b"2").send();
    server.restart().await.unwrap();
    pending.await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"2"[..]));
}

#[tokio::test]
async fn a_node_is_followed_into_a_new_session() {
    let server = server().await;
    let observer = client(&server).await;
    let writer = client(&server).await;
    let mut nodes = observer.observe("/a");
    assert_eq!(state(&mut nodes).await, None);
    server.expire_session(observer.session_id().unwrap());
    writer.create("/a", b"1", CreateMode::Persistent).await.unwrap();
    assert_eq!(state(&mut nodes).await.as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn an_error_that_lasts_is_the_last_item() {
    let server = server().await;
    let owner = builder(&server).auth_digest("u", "p").connect().await.unwrap();
    let mode = CreateMode::Persistent;
    owner.create("/a", b"", mode).acl(Acl::creator_all()).await.unwrap();
    let other = client(&server).await;
    let mut nodes = other.observe("/a");
    let error = next("the error", &mut nodes).await.unwrap_err();
    assert_eq!(error, Error::NoAuth { path: "/a".to_owned() });
    assert!(within("the end", nodes.next()).await.is_none());
}

#[tokio::test]
async fn closing_the_client_ends_the_stream() {
    let server = server().await;
    let client = client(&server).await;
    let mut nodes = client.observe("/a");
    assert_eq!(state(&mut nodes).await, None);
    client.close().await.unwrap();
    assert!(within("the end", nodes.next()).await.is_none());
}
