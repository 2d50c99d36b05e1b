//! Finding a server, or saying why not.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpListener;
use zk_client::{Client, Error};

use crate::fixture::{builder, nobody, server, within};

#[tokio::test]
async fn a_wrong_connect_string_fails_at_once() {
    for servers in ["", "host:port", "host:0", ",,", "host:2181/a//b", "::1"] {
        let error = Client::connect(servers).await.unwrap_err();
        assert!(matches!(error, Error::InvalidConnectString { .. }), "{servers:?}: {error}");
    }
}

#[tokio::test]
async fn connecting_ends_in_time_and_tells_what_each_server_did() {
    let (_socket, refusing) = nobody();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let refusing = refusing.to_string();
    let servers = format!("{refusing},{silent},no-such-host.invalid");
    let builder = Client::builder(&servers).session_timeout(Duration::from_millis(600));
    let mut told = String::new();
    // A machine that stands still may use up a bound before all servers had their turn.
    for seconds in [2, 8, 24] {
        let connecting = builder.clone().connect_timeout(Duration::from_secs(seconds)).connect();
        let error = within("the verdict", connecting).await.unwrap_err();
        assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
        told = error.to_string();
        let servers = [&refusing, &silent, "no-such-host.invalid"];
        if servers.iter().all(|server| told.contains(server)) {
            return;
        }
    }
    panic!("a server is missing: {told}");
}

#[tokio::test]
async fn a_server_is_named_once_and_a_name_with_its_addresses() {
    let ((_socket, given), (_other, named)) = (nobody(), nobody());
    let name = format!("localhost:{}", named.port());
    let builder = Client::builder(&format!("{given},{name}"));
    let connecting = builder.connect_timeout(Duration::from_secs(1)).connect();
    let told = within("the verdict", connecting).await.unwrap_err().to_string();
    for address in [given.to_string(), named.to_string(), name] {
        assert_eq!(told.matches(&address).count(), 1, "{address}: {told}");
    }
}

#[tokio::test]
async fn one_server_that_answers_is_enough() {
    let server = server().await;
    let (_socket, dead) = nobody();
    for seed in 0..4 {
        let servers = format!("{dead},{}", server.connect_string());
        let client = within("connecting", Client::builder(&servers).seed(seed).connect()).await;
        assert!(client.unwrap().is_connected());
    }
}

#[tokio::test]
async fn names_are_resolved_and_all_their_addresses_tried() {
    let server = server().await;
    // `localhost` is often ::1 first, where nobody listens.
    let servers = format!("localhost:{}", server.addr().port());
    let client = within("connecting", Client::connect(&servers)).await.unwrap();
    client.get("/").await.unwrap();
}

#[tokio::test]
async fn refused_credentials_are_an_error_of_their_own() {
    let server = server().await;
    let refused = within("the verdict", builder(&server).auth("nonsense", b"x").connect()).await;
    let error = match refused {
        Err(error) => error,
        // The session came first: then the next request tells.
        Ok(client) => client.get("/").await.unwrap_err(),
    };
    assert!(matches!(&error, Error::AuthFailed { .. }), "{error}");
    assert!(error.to_string().contains("nonsense"), "{error}");
}

#[tokio::test]
async fn giving_up_on_connecting_leaves_nothing_behind() {
    let server = server().await;
    let connecting = builder(&server).connect();
    assert!(connecting.now_or_never().is_none());
    let client = crate::fixture::client(&server).await;
    client.get("/").await.unwrap();
}
