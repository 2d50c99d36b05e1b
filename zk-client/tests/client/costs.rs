//! What an operation costs, counted at the server.

use std::time::Duration;

use zk_client::{Client, CreateMode, FourLetterWord, four_letter};
use zk_server::testing::TestServer;

use crate::fixture::{client, server, within};

/// How many packets the server has received.
async fn received(server: &TestServer) -> usize {
    let limit = Duration::from_secs(30);
    let answer = four_letter(&server.connect_string(), FourLetterWord::Srvr, limit).await.unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix("Received: ")).unwrap();
    line.parse().unwrap()
}

/// How many requests it takes to do this.
async fn requests<T>(
    server: &TestServer,
    work: impl IntoFuture<Output = zk_client::Result<T>>,
) -> usize {
    let empty = {
        let before = received(server).await;
        received(server).await - before
    };
    let before = received(server).await;
    within("the work", work).await.unwrap();
    received(server).await - before - empty
}

async fn connected() -> (TestServer, Client) {
    let server = server().await;
    let client = client(&server).await;
    // The first of its kind finds out what the server has.
    client.create("/a", b"", CreateMode::Container).await.unwrap();
    client.create("/b", b"", CreateMode::Persistent).await.unwrap();
    (server, client)
}

#[tokio::test]
async fn care_costs_nothing_where_nothing_happens() {
    let (server, client) = connected().await;
    let mode = CreateMode::PersistentSequential;
    let plain = requests(&server, client.create("/a/n-", b"", mode)).await;
    assert_eq!(plain, 1);
    let create = || client.create("/a/n-", b"", mode);
    assert_eq!(requests(&server, create().protected()).await, 1);
    assert_eq!(requests(&server, create().with_container_parents()).await, 1);
    let create = || client.create("/b", b"", CreateMode::Persistent);
    assert_eq!(requests(&server, create().or_set()).await, 2, "create, then set");
    let set = client.set("/b", b"").version(1).idempotent();
    assert_eq!(requests(&server, set).await, 1);
    let guarded = client.guarded_by("/b").version(2);
    assert_eq!(requests(&server, guarded.set("/b", b"")).await, 1);
    assert_eq!(requests(&server, client.ensure_path("/b")).await, 1);
    assert_eq!(requests(&server, client.delete("/b").guaranteed()).await, 1);
}

#[tokio::test]
async fn each_missing_parent_costs_a_create() {
    let (server, client) = connected().await;
    let create = client.create("/x/y/z/n", b"", CreateMode::Persistent).with_container_parents();
    assert_eq!(requests(&server, create).await, 1 + 3 + 1);
    let ensure = client.ensure_path("/u/v/w");
    assert_eq!(requests(&server, ensure).await, 1 + 3);
}

#[tokio::test]
async fn a_subtree_costs_a_read_for_each_node_and_a_write_for_many() {
    let (server, client) = connected().await;
    for node in 0..600 {
        client.create(&format!("/a/{node}"), b"", CreateMode::Persistent).await.unwrap();
    }
    let delete = client.delete_recursive("/a");
    assert_eq!(requests(&server, delete).await, 1 + 600 + 3);
}
