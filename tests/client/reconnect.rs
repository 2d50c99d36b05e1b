//! A connection that breaks, and a session that does not.

use futures_util::StreamExt;
use tests::{Target, within};
use zk_client::{Client, CreateMode, Error, EventType, SessionState};

/// Waits until the client has this state.
async fn reaches(client: &Client, wanted: SessionState) {
    let mut states = std::pin::pin!(client.states());
    within("the state", async { while states.next().await.expect("states go on") != wanted {} })
        .await;
}

#[tokio::test]
async fn a_cut_suspends_the_session_and_a_reconnect_resumes_it() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let before = (client.session_id(), client.session_epoch());
    for _ in 0..3 {
        proxy.refuse();
        reaches(&client, SessionState::Suspended).await;
        proxy.heal();
        reaches(&client, SessionState::Connected).await;
    }
    assert_eq!((client.session_id(), client.session_epoch()), before);
    let stat = client.exists("/e").await.unwrap().expect("the session never ended");
    assert_eq!(stat.ephemeral_owner, before.0.unwrap());
}

#[tokio::test]
async fn a_request_made_while_cut_off_is_carried_out_after() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    proxy.refuse();
    reaches(&client, SessionState::Suspended).await;
    let write = client.create("/a", b"late", CreateMode::Persistent).send();
    let read = client.get("/a").send();
    proxy.heal();
    within("the write", write).await.unwrap();
    assert_eq!(&within("the read", read).await.unwrap().0[..], b"late");
}

#[tokio::test]
async fn a_read_in_flight_is_sent_again_and_a_write_in_flight_is_unknown() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    let (_, written) = other.exists("/a").watch().await.unwrap();
    proxy.swallow_replies();
    let write = client.create("/a", b"1", CreateMode::Persistent).send();
    let read = client.get("/a").send();
    within("the server has carried out the write", written).await.unwrap();
    proxy.cut();
    let error = within("the write fails", write).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLoss { .. }), "{error}");
    assert!(error.is_outcome_unknown());
    assert_eq!(&within("the read is answered", read).await.unwrap().0[..], b"1");
}

#[tokio::test]
async fn one_shot_watches_survive_and_report_what_was_missed() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    for path in ["/data", "/children", "/gone", "/later-changed"] {
        other.create(path, b"", CreateMode::Persistent).await.unwrap();
    }
    let (_, _, data) = client.get("/data").watch().await.unwrap();
    let (_, _, children) = client.children("/children").watch().await.unwrap();
    let (_, _, gone) = client.get("/gone").watch().await.unwrap();
    let (_, created) = client.exists("/created").watch().await.unwrap();
    let (_, _, later) = client.get("/later-changed").watch().await.unwrap();
    proxy.refuse();
    reaches(&client, SessionState::Suspended).await;
    other.set("/data", b"1").await.unwrap();
    other.create("/children/a", b"", CreateMode::Persistent).await.unwrap();
    other.delete("/gone").await.unwrap();
    other.create("/created", b"", CreateMode::Persistent).await.unwrap();
    proxy.heal();
    for (watch, kind, path) in [
        (data, EventType::NodeDataChanged, "/data"),
        (children, EventType::NodeChildrenChanged, "/children"),
        (gone, EventType::NodeDeleted, "/gone"),
        (created, EventType::NodeCreated, "/created"),
    ] {
        let event = within(path, watch).await.unwrap();
        assert_eq!((event.kind, &*event.path), (kind, path));
    }
    other.set("/later-changed", b"1").await.unwrap();
    let event = within("a watch that missed nothing stays set", later).await.unwrap();
    assert_eq!(event.kind, EventType::NodeDataChanged);
}

#[tokio::test]
async fn more_watches_than_one_frame_holds_are_all_set_again() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    // Twice what one setWatches takes (128 KiB of paths).
    let long = "x".repeat(1_000);
    let paths: Vec<_> = (0..256).map(|i| format!("/{long}{i}")).collect();
    let pending: Vec<_> = paths.iter().map(|path| client.exists(path).watch().send()).collect();
    let mut watches = Vec::new();
    for pending in pending {
        watches.push(within("the watch is set", pending).await.unwrap().1);
    }
    proxy.cut();
    let creates: Vec<_> =
        paths.iter().map(|path| other.create(path, b"", CreateMode::Persistent).send()).collect();
    for create in creates {
        within("the create", create).await.unwrap();
    }
    for watch in watches {
        assert_eq!(within("every watch fires", watch).await.unwrap().kind, EventType::NodeCreated);
    }
}

#[tokio::test]
async fn a_request_with_a_time_limit_does_not_wait_for_the_network() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    proxy.refuse();
    let limit = std::time::Duration::from_millis(50);
    let error = within("it gives up", client.get("/").timeout(limit)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    proxy.heal();
    within("others are answered", client.get("/")).await.unwrap();
}
