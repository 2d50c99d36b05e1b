//! A future that is dropped, at each point where it can wait, leaves nothing behind.

use zk_client::Client;
use zk_recipes::Lock;
use zk_server::testing::TestServer;

use crate::support::{Op, Proxy, client, connect, server, soon, until_children};

/// Drops an acquire that waits for the reply to its next `op`, with `ahead` others in line.
async fn dropped_while_waiting_for(op: Op, ahead: usize) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let holder = soon(Lock::acquire(&observer, "/locks/x")).await.unwrap();
    let holder = if ahead == 0 {
        soon(holder.release()).await.unwrap();
        None
    } else {
        Some(holder)
    };

    proxy.hold_reply(op);
    let waiting = client.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    proxy.triggered(1).await;
    acquiring.abort();
    assert!(soon(acquiring).await.unwrap_err().is_cancelled());
    proxy.release();
    until_children(&observer, "/locks/x", ahead).await;

    drop(holder);
    nobody_is_in_the_way(&observer).await;
    // Not by the end of the session.
    assert!(client.exists("/locks").await.unwrap().is_some());
    assert_eq!(client.session_epoch(), 1);
}

async fn nobody_is_in_the_way(client: &Client) {
    let guard = soon(Lock::acquire(client, "/locks/x")).await.unwrap();
    soon(guard.release()).await.unwrap();
}

#[tokio::test]
async fn dropped_before_the_create_is_answered() {
    dropped_while_waiting_for(Op::Create, 1).await;
    dropped_while_waiting_for(Op::Create, 0).await;
}

#[tokio::test]
async fn dropped_before_the_list_is_answered() {
    dropped_while_waiting_for(Op::GetChildren, 1).await;
    dropped_while_waiting_for(Op::GetChildren, 0).await;
}

#[tokio::test]
async fn dropped_before_the_predecessor_is_watched() {
    dropped_while_waiting_for(Op::GetData, 1).await;
}

async fn waiter(server: &TestServer) -> (Client, tokio::task::JoinHandle<()>) {
    let client = client(server).await;
    let waiting = client.clone();
    let task = tokio::spawn(async move {
        let _guard = Lock::acquire(&waiting, "/locks/x").await;
    });
    (client, task)
}

#[tokio::test]
async fn dropped_in_the_middle_of_the_line() {
    let server = server().await;
    let observer = client(&server).await;
    let holder = soon(Lock::acquire(&observer, "/locks/x")).await.unwrap();
    let (_second, dropped) = waiter(&server).await;
    until_children(&observer, "/locks/x", 2).await;
    let (_third, served) = waiter(&server).await;
    until_children(&observer, "/locks/x", 3).await;
    dropped.abort();
    until_children(&observer, "/locks/x", 2).await;
    assert!(!served.is_finished(), "the one behind goes on waiting for the holder");
    soon(holder.release()).await.unwrap();
    soon(served).await.unwrap();
}

#[tokio::test]
async fn dropped_while_nobody_can_be_reached() {
    let mut server = server().await;
    let observer = client(&server).await;
    let holder = soon(Lock::acquire(&observer, "/locks/x")).await.unwrap();
    let (_client, dropped) = waiter(&server).await;
    until_children(&observer, "/locks/x", 2).await;
    server.stop().await;
    dropped.abort();
    assert!(soon(dropped).await.unwrap_err().is_cancelled());
    server.restart().await.unwrap();
    until_children(&observer, "/locks/x", 1).await;
    assert!(holder.is_held());
}

#[tokio::test]
async fn a_release_that_is_dropped_goes_on() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    proxy.lose_request(Op::Delete);
    let releasing = tokio::spawn(guard.release());
    proxy.triggered(1).await;
    releasing.abort();
    until_children(&observer, "/locks/x", 0).await;
}

#[tokio::test]
async fn a_dropped_guard_gives_the_lock_to_the_next() {
    let server = server().await;
    let client = client(&server).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    let lost = guard.lost();
    drop(guard);
    assert_eq!(soon(lost).await, zk_recipes::LostReason::Released);
    nobody_is_in_the_way(&client).await;
}
