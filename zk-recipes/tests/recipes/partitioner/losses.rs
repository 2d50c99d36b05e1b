//! The connection breaks between a request and its reply, or the caller gives up.

use zk_client::Client;
use zk_recipes::Partitioner;

use super::crew::{Board, PATH, items, join, nothing_is_left};
use crate::support::{Op, Proxy, client, connect, expire, server, soon, until_children};

/// Two members, one of them behind a network that goes wrong at the `op` after the other joined.
async fn shares_although(broken: impl Fn(&Proxy)) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let board = Board::default();
    broken(&proxy);
    let first = join(&far, "far", 6, &board).await;
    board.settled(&observer, &["far"], 6).await;
    proxy.triggered(1).await;
    broken(&proxy);
    // Now the one behind the network plans, and hands over.
    let second = join(&observer, "near", 6, &board).await;
    board.settled(&observer, &["far", "near"], 6).await;
    broken(&proxy);
    first.leave().await;
    board.settled(&observer, &["near"], 6).await;
    second.leave().await;
    nothing_is_left(&observer).await;
}

#[tokio::test]
async fn items_are_shared_whatever_reply_is_lost() {
    for op in [Op::Create, Op::GetChildren, Op::GetData, Op::Multi] {
        shares_although(|proxy| proxy.lose_reply(op)).await;
    }
}

#[tokio::test]
async fn items_are_shared_whatever_request_is_lost() {
    for op in [Op::Create, Op::GetChildren, Op::GetData, Op::Multi] {
        shares_although(|proxy| proxy.lose_request(op)).await;
    }
}

#[tokio::test]
async fn leaving_goes_through_whatever_is_lost() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let board = Board::default();
    let breaks: [fn(&Proxy); 4] = [
        |proxy| proxy.lose_reply(Op::Delete),
        |proxy| proxy.lose_request(Op::Delete),
        |proxy| proxy.lose_reply(Op::GetData),
        |proxy| proxy.lose_request(Op::GetChildren),
    ];
    for (round, broken) in breaks.into_iter().enumerate() {
        let member = join(&far, "far", 3, &board).await;
        board.settled(&observer, &["far"], 3).await;
        broken(&proxy);
        member.leave().await;
        proxy.triggered(round + 1).await;
        members_and_locks_are_gone(&observer).await;
    }
}

async fn members_and_locks_are_gone(client: &Client) {
    until_children(client, &format!("{PATH}/members"), 0).await;
    for item in items(3) {
        until_children(client, &format!("{PATH}/locks/{item}"), 0).await;
    }
}

#[tokio::test]
async fn joining_that_is_dropped_leaves_nobody_behind() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    for (round, op) in [Op::Create, Op::GetChildren].into_iter().enumerate() {
        proxy.hold_reply(op);
        let joining = tokio::spawn({
            let far = far.clone();
            async move { Partitioner::join(&far, PATH, "far", items(3)).await }
        });
        proxy.triggered(round + 1).await;
        joining.abort();
        drop(soon(joining).await);
        proxy.release();
        members_and_locks_are_gone(&observer).await;
    }
}

/// Drops a member that waits for the reply to its next `op`, after it has joined.
async fn dropped_at(op: Op) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let board = Board::lossy();
    let near = join(&observer, "near", 6, &board).await;
    board.settled(&observer, &["near"], 6).await;
    let member = soon(Partitioner::join(&far, PATH, "far", items(6))).await.unwrap();
    proxy.hold_reply(op);
    // What is released and taken makes requests of every kind.
    expire(&server, &observer);
    proxy.triggered(1).await;
    drop(member);
    proxy.release();
    board.settled(&observer, &["near"], 6).await;
    near.leave().await;
    members_and_locks_are_gone(&observer).await;
    assert_eq!(far.session_epoch(), 1, "not by the end of the session");
}

#[tokio::test]
async fn a_member_that_is_dropped_anywhere_leaves_nothing_behind() {
    for op in [Op::GetChildren, Op::GetData, Op::Create] {
        dropped_at(op).await;
    }
}
