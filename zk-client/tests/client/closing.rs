//! The end of a client.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::oneshot;
use zk_client::{Client, CreateMode, Error, SessionState};
use zk_server::testing::TestServer;

use crate::fixture::{builder, client, server, within};

#[tokio::test]
async fn closing_answers_what_was_sent_and_ends_the_session() {
    let server = server().await;
    let client = client(&server).await;
    let other = crate::fixture::client(&server).await;
    let states = client.states();
    let pending = client.create("/e", b"", CreateMode::Ephemeral).send();
    within("the close", client.close()).await.unwrap();
    pending.await.unwrap();
    assert_eq!(other.exists("/e").await.unwrap(), None, "the session's node goes at once");
    assert_eq!(client.get("/").await, Err(Error::Closed));
    assert_eq!(client.state(), SessionState::Closed);
    assert_eq!(states.collect::<Vec<_>>().await.last(), Some(&SessionState::Closed));
}

#[tokio::test]
async fn closing_twice_is_closing_once() {
    let server = server().await;
    let client = client(&server).await;
    let clone = client.clone();
    let (first, second) = tokio::join!(client.close(), clone.close());
    first.unwrap();
    second.unwrap();
    client.close().await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_clone_ends_the_session() {
    let server = server().await;
    let other = client(&server).await;
    let client = client(&server).await;
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let (_, _, gone) = other.get("/e").watch().await.unwrap();
    let clone = client.clone();
    drop(client);
    assert!(clone.exists("/e").await.unwrap().is_some());
    drop(clone);
    within("the end of the session", gone).await.unwrap();
}

#[tokio::test]
async fn closing_waits_for_tidying() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (go, gone) = oneshot::channel::<()>();
    let task = client.clone();
    client.spawn_cleanup(async move {
        let _ = gone.await;
        task.delete("/a").await.unwrap();
    });
    let close = async {
        let _ = go.send(());
        client.close().await
    };
    within("the close", close).await.unwrap();
    assert_eq!(crate::fixture::client(&server).await.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn closing_ends_in_time_whatever_the_server_does() {
    // Nothing ends in time because the session does.
    let hour = Duration::from_secs(3600);
    let server = TestServer::builder().session_timeout_bounds(hour, hour).start().await.unwrap();
    let builder = builder(&server).session_timeout(hour).close_timeout(Duration::from_millis(200));
    let client = builder.connect().await.unwrap();
    client.spawn_cleanup(std::future::pending());
    server.pause();
    let pending = client.set("/", b"").send();
    let error = within("the close", client.close()).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert!(within("the outcome", pending).await.unwrap_err().is_outcome_unknown());
    assert!(client.is_closed());
    server.resume();
}

#[tokio::test]
async fn a_client_may_be_dropped_after_its_runtime() {
    let server = server().await;
    let servers = server.connect_string();
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Client::connect(&servers)).unwrap()
    });
    let client = tokio::task::spawn_blocking(|| client.join().unwrap()).await.unwrap();
    assert!(within("the refusal", client.get("/")).await.is_err());
    drop(client);
}
