//! What becomes of the session, and who is told.

use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use zk_client::{CreateMode, Error, SessionState};
use zk_server::testing::TestServer;

use crate::fixture::{builder, client, next, next_where, server, within};

#[tokio::test]
async fn a_connected_client_knows_its_session() {
    let server = server().await;
    let client = client(&server).await;
    assert!(client.is_connected());
    assert_eq!(client.state(), SessionState::Connected);
    assert_eq!(client.session_epoch(), 1);
    assert_eq!(client.session_timeout(), Some(Duration::from_secs(20)));
    assert_eq!(server.session_ids(), [client.session_id().unwrap()]);
    let deadline = client.session_deadline().unwrap();
    assert!(deadline > Instant::now());
    assert!(client.session_ended(1).now_or_never().is_none());
}

#[tokio::test]
async fn an_expired_session_is_reported_and_followed_by_a_new_one() {
    let server = server().await;
    let client = client(&server).await;
    let first = client.session_id().unwrap();
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let mut states = client.states();
    assert_eq!(next("the state", &mut states).await, SessionState::Connected);
    assert!(server.expire_session(first));
    let expired = |state: &SessionState| *state == SessionState::Expired;
    next_where("expiry", &mut states, expired).await;
    within("the end of the session", client.session_ended(1)).await;
    let connected = |state: &SessionState| *state == SessionState::Connected;
    next_where("a new session", &mut states, connected).await;
    assert_eq!(client.session_epoch(), 2);
    assert_ne!(client.session_id().unwrap(), first);
    assert_eq!(client.exists("/e").await.unwrap(), None);
}

#[tokio::test]
async fn expiry_is_known_before_any_reply_of_the_next_session() {
    let server = server().await;
    let client = client(&server).await;
    let mut states = client.states();
    assert_eq!(next("the state", &mut states).await, SessionState::Connected);
    server.expire_session(client.session_id().unwrap());
    loop {
        match client.get("/").await {
            Ok(_) if client.session_epoch() == 1 => {}
            Ok(_) => break,
            Err(error) => assert_eq!(error, Error::SessionExpired),
        }
    }
    let seen = std::iter::from_fn(|| states.next().now_or_never().flatten()).collect::<Vec<_>>();
    assert!(seen.contains(&SessionState::Expired), "{seen:?}");
}

#[tokio::test]
async fn a_request_can_be_bound_to_its_session() {
    let server = server().await;
    let client = client(&server).await;
    let epoch = client.session_epoch();
    client.create("/a", b"", CreateMode::Ephemeral).in_session(epoch).await.unwrap();
    server.expire_session(client.session_id().unwrap());
    within("the end of the session", client.session_ended(epoch)).await;
    let late = client.create("/b", b"", CreateMode::Ephemeral).in_session(epoch).await;
    assert_eq!(late.unwrap_err(), Error::SessionExpired);
    assert_eq!(client.exists("/b").await.unwrap(), None);
}

#[tokio::test]
async fn expiry_can_be_made_the_end() {
    let server = server().await;
    let client = builder(&server).renew_expired_session(false).connect().await.unwrap();
    let states = client.states();
    server.expire_session(client.session_id().unwrap());
    let states = within("the end of the states", states.collect::<Vec<_>>()).await;
    assert_eq!(states.last(), Some(&SessionState::Expired));
    assert_eq!(client.get("/").await, Err(Error::SessionExpired));
    assert!(client.is_closed());
    assert_eq!(client.session_id(), None);
}

#[tokio::test]
async fn a_session_survives_a_restart_of_the_server() {
    let mut server = server().await;
    let client = client(&server).await;
    let session = client.session_id();
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let mut states = client.states();
    server.stop().await;
    let suspended = |state: &SessionState| *state == SessionState::Suspended;
    next_where("suspension", &mut states, suspended).await;
    assert!(!client.is_connected());
    assert_eq!(client.session_id(), session);
    server.restart().await.unwrap();
    let connected = |state: &SessionState| *state == SessionState::Connected;
    next_where("reconnection", &mut states, connected).await;
    assert_eq!((client.session_id(), client.session_epoch()), (session, 1));
    assert!(client.exists("/e").await.unwrap().is_some());
}

#[tokio::test]
async fn without_any_server_the_client_declares_its_session_expired() {
    let mut server = server().await;
    let builder = builder(&server).session_timeout(Duration::from_millis(300));
    let client = builder.connect().await.unwrap();
    server.stop().await;
    within("the end of the session", client.session_ended(1)).await;
}

#[tokio::test]
async fn an_idle_session_is_kept_alive() {
    let server = server().await;
    // A machine that stands still for as long as a session lives ends it, so a longer one may tell.
    for timeout_ms in [900, 4000, 16_000] {
        if is_kept_alive(&server, Duration::from_millis(timeout_ms)).await {
            return;
        }
    }
    panic!("sessions end while their clients are there");
}

async fn is_kept_alive(server: &TestServer, session_timeout: Duration) -> bool {
    let builder = builder(server).session_timeout(session_timeout);
    let client = within("connecting", builder.connect()).await.unwrap();
    let first = client.session_deadline().unwrap();
    let mut turn = tokio::time::interval(Duration::from_millis(10));
    let kept_alive = async {
        while Instant::now() < first || client.session_deadline() <= Some(first) {
            turn.tick().await;
        }
    };
    within("a later deadline", kept_alive).await;
    client.session_epoch() == 1 && client.is_connected()
}
