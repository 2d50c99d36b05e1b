//! Elections that never came to rest.

use zk_client::Client;
use zk_recipes::LeaderLatch;
use zk_recipes::election::LatchState;

use crate::support::{Proxy, client, connect, server, soon, until_children};

/// CURATOR-644, -645 and FLINK-28078: each participant made a new node when its connection was back,
/// so that they chased each other to the tail of the line for ever.
#[tokio::test]
async fn cuts_that_hit_everybody_change_neither_leader_nor_line() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let mut latches = Vec::new();
    for id in ["a", "b", "c"] {
        let client = connect(&proxy.connect_string()).await;
        let latch = LeaderLatch::start(&client, "/masters", id).await.unwrap();
        latches.push((client, latch));
        until_children(&observer, "/masters", latches.len()).await;
    }
    let term = soon(latches[0].1.lead()).await.unwrap();
    let before = observer.exists("/masters").await.unwrap().unwrap();

    for _ in 0..5 {
        proxy.cut();
        for (client, latch) in &latches {
            back_in_line(client, latch).await;
        }
    }
    assert!(term.is_held(), "{:?}", term.state());
    let after = observer.exists("/masters").await.unwrap().unwrap();
    assert_eq!(after.cversion, before.cversion, "nobody made a node or deleted one");

    // And the line still moves.
    soon(term.resign()).await.unwrap();
    drop(soon(latches[1].1.lead()).await.unwrap());
}

/// Waits until the connection is a new one, and the latch knows where it stands.
async fn back_in_line(client: &Client, latch: &LeaderLatch) {
    soon(client.get("/masters").send()).await.unwrap();
    let mut states = latch.states();
    let stands = |state: &LatchState| {
        matches!(state, LatchState::Leading { .. } | LatchState::Waiting { .. })
    };
    soon(async {
        while !stands(&latch.state()) {
            futures_util::StreamExt::next(&mut states).await.expect("the latch is open");
        }
    })
    .await;
}
