//! Sessions that outlive their client, clients that wait for their server, and other servers.

use std::time::Duration;

use futures_util::StreamExt;
use zk_client::{Client, CreateMode, Error, SessionHandover, SessionId, SessionState, Zxid};
use zk_server::testing::TestServer;

use crate::fixture::{builder, client, server, within};

#[tokio::test]
async fn a_successor_finds_the_ephemeral_nodes_of_the_session() {
    let server = server().await;
    let first = client(&server).await;
    first.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let unawaited = first.set("/e", b"last words").send();
    let handover = within("detaching", first.detach()).await.unwrap();
    unawaited.await.unwrap();
    assert_eq!(handover.session_timeout(), Duration::from_secs(20));
    assert!(first.is_closed());
    assert_eq!(first.get("/e").await.unwrap_err(), Error::Closed);
    assert_eq!(first.detach().await.unwrap(), handover, "again, the same");
    first.close().await.unwrap();
    assert_eq!(server.session_ids(), [handover.session_id()]);

    let bytes = handover.to_bytes();
    let handover = SessionHandover::from_bytes(&bytes).unwrap();
    let id = handover.session_id();
    let second = within("resuming", builder(&server).resume(handover).connect()).await.unwrap();
    assert_eq!((second.session_id(), second.session_epoch()), (Some(id), 1));
    let (data, stat) = second.get("/e").await.unwrap();
    assert_eq!((&data[..], stat.ephemeral_owner), (&b"last words"[..], id));
    second.close().await.unwrap();
    assert!(server.session_ids().is_empty());
}

#[tokio::test]
async fn a_session_resumed_twice_belongs_to_who_came_last() {
    let server = server().await;
    let first = client(&server).await;
    let handover = first.handover().unwrap();
    assert!(!format!("{handover:?}").contains(&format!("{:?}", handover.password())));
    let mut states = first.states();
    let second = builder(&server).resume(handover.clone()).connect().await.unwrap();
    within("the first to be cut off", async {
        while states.next().await != Some(SessionState::Suspended) {}
    })
    .await;
    // The first takes it back, which is what a client does with its session; both are served in
    // turn until one of them gives up.
    first.detach().await.unwrap();
    second.get("/").await.unwrap();
    assert_eq!(second.session_id(), Some(handover.session_id()));
}

#[tokio::test]
async fn an_expired_session_is_not_resumed() {
    let server = server().await;
    let first = client(&server).await;
    let handover = first.detach().await.unwrap();
    assert!(server.expire_session(handover.session_id()));
    let resuming = || builder(&server).resume(handover.clone());
    let strict = resuming().renew_expired_session(false).connect();
    assert_eq!(within("the verdict", strict).await.unwrap_err(), Error::SessionExpired);
    let renewed = within("a new session", resuming().connect()).await.unwrap();
    assert_eq!(renewed.session_epoch(), 2, "which tells that the first is over");
    assert_ne!(renewed.session_id(), Some(handover.session_id()));
}

#[tokio::test]
async fn a_handover_without_a_session_is_refused() {
    let server = server().await;
    let nobody = SessionHandover::new(SessionId::NONE, [0; 16], Duration::from_secs(1), Zxid::ZERO);
    let error = builder(&server).resume(nobody).connect().await.unwrap_err();
    assert!(matches!(error, Error::InvalidConfig { setting: "resume", .. }), "{error}");
}

#[tokio::test]
async fn a_lazy_client_needs_no_server_to_begin_with() {
    let mut server = server().await;
    let address = server.connect_string();
    server.stop().await;
    let client = Client::builder(&address).connect_lazily().unwrap();
    assert_eq!(client.state(), SessionState::Connecting);
    assert_eq!(client.handover(), None);
    let waiting = client.create("/a", b"", CreateMode::Persistent).send();
    server.restart().await.unwrap();
    assert_eq!(within("the create", waiting).await.unwrap().path, "/a");
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn requests_of_a_lazy_client_fail_in_time_and_the_client_goes_on() {
    let mut server = server().await;
    let address = server.connect_string();
    server.stop().await;
    let builder = Client::builder(&address).connect_timeout(Duration::from_millis(200));
    let client = builder.connect_lazily().unwrap();
    let error = within("the verdict", client.get("/")).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    assert!(!client.is_closed());
    server.restart().await.unwrap();
    within("an answer", async { while client.get("/").await.is_err() {} }).await;
}

#[tokio::test]
async fn a_lazy_client_that_is_dropped_or_closed_at_once_leaves_nothing() {
    let server = server().await;
    for steps in 0..30 {
        let client = builder(&server).connect_lazily().unwrap();
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        if steps % 3 == 0 {
            within("the close", client.close()).await.unwrap();
        } else if steps % 3 == 1 {
            let _ = within("detaching", client.detach()).await;
        }
    }
    within("the end of all connections", async {
        while server.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_setting_is_told_at_once() {
    assert!(matches!(
        Client::builder("host:port").connect_lazily(),
        Err(Error::InvalidConnectString { .. })
    ));
}

#[tokio::test]
async fn other_servers_take_over_the_client() {
    let mut first = server().await;
    let client = client(&first).await;
    // The second is no member of the first's ensemble, so it does not know the session.
    let second = server().await;
    client.update_servers(&second.connect_string()).unwrap();
    within("a new session", client.session_ended(1)).await;
    first.stop().await;
    client.create("/on-the-second", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(second.session_ids(), [client.session_id().unwrap()]);
}

#[tokio::test]
async fn the_chroot_stays_whatever_the_servers() {
    let server = server().await;
    let root = client(&server).await;
    root.create("/app", b"", CreateMode::Persistent).await.unwrap();
    let address = server.connect_string();
    let rooted = Client::connect(&format!("{address}/app")).await.unwrap();
    for other in [address.clone(), format!("{address}/other"), "not a host".to_owned()] {
        let error = rooted.update_servers(&other).unwrap_err();
        assert!(matches!(error, Error::InvalidConnectString { .. }), "{error}");
    }
    assert!(root.update_servers(&format!("{address}/app")).is_err());
    rooted.update_servers(&format!("{address}/app")).unwrap();
    let below = rooted.in_chroot("/below").unwrap();
    below.update_servers(&format!("{address}/app")).unwrap();
    root.update_servers(&format!("{address}/")).unwrap();
    root.close().await.unwrap();
    assert_eq!(root.update_servers(&address), Err(Error::Closed));
}

#[tokio::test]
async fn many_changes_of_the_list_lose_no_request() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/n", b"", CreateMode::Persistent).await.unwrap();
    let address = server.connect_string();
    // Two names of one server.
    let other = address.replace("127.0.0.1", "localhost");
    assert_ne!(address, other);
    for round in 0..40 {
        let pending = (0..10).map(|_| client.set("/n", b"x").send()).collect::<Vec<_>>();
        client.update_servers(if round % 2 == 0 { &other } else { &address }).unwrap();
        for write in pending {
            within("the write", write).await.expect("a move leaves no outcome unknown");
        }
    }
    let (_, stat) = client.get("/n").await.unwrap();
    assert_eq!((stat.version, client.session_epoch()), (400, 1));
}

#[tokio::test]
async fn a_client_follows_the_ensemble_s_configuration() {
    let open = || TestServer::builder().skip_acl(true);
    let (first, second) = (open().start().await.unwrap(), open().start().await.unwrap());
    let admin = client(&first).await;
    // The other server knows neither the session nor the changes it has seen: it ends by the clock.
    let client = builder(&first).session_timeout(Duration::from_secs(1)).connect().await.unwrap();
    let following = tokio::spawn({
        let client = client.clone();
        async move { client.follow_config().await }
    });
    let port = second.addr().port();
    // The client's address is "anywhere", so the one of the quorum counts.
    let config = format!("server.2=127.0.0.1:2888:3888:participant;0.0.0.0:{port}\nversion=1");
    admin.set("/zookeeper/config", config.as_bytes()).await.unwrap();
    within("the move to the other server", async {
        while second.connection_count() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within("a session there", async { while client.get("/").await.is_err() {} }).await;
    // An error if the machine has stood still for as long as the session lives.
    let _ = client.close().await;
    assert_eq!(within("its end", following).await.unwrap(), Err(Error::Closed));
}
