//! What a lost connection means for each request.

use std::time::Duration;

use zk_client::{CreateMode, Error};

use crate::fixture::{client, disconnected, server, within};

#[tokio::test]
async fn a_write_in_flight_has_an_unknown_outcome() {
    let mut server = server().await;
    let client = client(&server).await;
    server.pause();
    let pending = client.create("/a", b"", CreateMode::Persistent).send();
    let flushed = client.get("/").timeout(Duration::from_millis(200)).await;
    assert!(matches!(flushed, Err(Error::Timeout { in_flight: false, .. })), "{flushed:?}");
    server.stop().await;
    let error = within("the outcome", pending).await.unwrap_err();
    assert!(matches!(&error, Error::ConnectionLoss { path, .. } if path == "/a"), "{error}");
    assert!(error.is_outcome_unknown() && error.is_retryable());
}

#[tokio::test]
async fn a_read_in_flight_is_sent_again() {
    let mut server = server().await;
    let client = client(&server).await;
    client.create("/a", b"x", CreateMode::Persistent).await.unwrap();
    server.pause();
    let pending = client.get("/a").send();
    let flushed = client.get("/").timeout(Duration::from_millis(200)).await;
    assert!(matches!(flushed, Err(Error::Timeout { in_flight: false, .. })), "{flushed:?}");
    server.stop().await;
    server.restart().await.unwrap();
    assert_eq!(&within("the reply", pending).await.unwrap().0[..], b"x");
}

#[tokio::test]
async fn what_was_not_sent_waits_for_the_next_connection() {
    let mut server = server().await;
    let client = client(&server).await;
    server.stop().await;
    disconnected(&client).await;
    let create = client.create("/a", b"0", CreateMode::Persistent).send();
    let set = client.set("/a", b"1").send();
    let get = client.get("/a").send();
    server.restart().await.unwrap();
    assert_eq!(&within("the read", get).await.unwrap().0[..], b"1");
    assert_eq!(set.await.unwrap().version, 1);
    assert_eq!(create.await.unwrap().path, "/a");
}

#[tokio::test]
async fn a_request_that_was_not_sent_in_time_never_is() {
    let mut server = server().await;
    let client = client(&server).await;
    server.stop().await;
    disconnected(&client).await;
    let mode = CreateMode::Persistent;
    let error = client.create("/a", b"", mode).timeout(Duration::from_millis(50)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Timeout { in_flight: false, .. }), "{error}");
    assert!(!error.is_outcome_unknown());
    server.restart().await.unwrap();
    assert_eq!(within("the answer", client.exists("/a")).await.unwrap(), None);
}

#[tokio::test]
async fn many_reconnections_lose_no_write_that_was_confirmed() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/n", b"", CreateMode::Persistent).await.unwrap();
    let mut confirmed = 0;
    for round in 0..200 {
        let pending = client.set("/n", b"x").send();
        if round % 20 == 0 {
            server.drop_connections();
        }
        match within("the outcome", pending).await {
            Ok(_) => confirmed += 1,
            Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
        }
    }
    let (_, stat) = within("the read", client.get("/n")).await.unwrap();
    assert!((confirmed..=200).contains(&stat.version), "{confirmed} of {}", stat.version);
}
