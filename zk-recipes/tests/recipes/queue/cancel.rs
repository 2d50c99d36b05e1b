//! A future that is dropped, at each point where it can wait, loses nothing and leaves nothing.

use zk_recipes::Queue;

use crate::support::{Op, Proxy, children, client, connect, server, soon, until, until_children};

const PATH: &str = "/queues/a";

/// Drops a take, or a claim, that waits for the reply to its next `op`.
async fn dropped_while_waiting_for(op: Op, claim: bool) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put_all(["zero", "one", "two"])).await.unwrap();
    // So that the ledger and the directories are there.
    assert_eq!(soon(queue.take()).await.unwrap(), "zero");
    if claim {
        drop(soon(queue.claim()).await.unwrap());
        until_children(&observer, "/queues/a-claims", 0).await;
    }
    drop(queue);
    until_children(&observer, "/queues/a-consumers", 0).await;
    let queue = Queue::new(&client, PATH);
    proxy.hold_reply(op);
    let dropped = tokio::spawn(async move {
        if claim {
            drop(queue.claim().await);
        } else {
            drop(queue.take().await);
        }
    });
    proxy.triggered(1).await;
    dropped.abort();
    assert!(soon(dropped).await.unwrap_err().is_cancelled());
    proxy.release();

    until_children(&observer, PATH, 2).await;
    until_children(&observer, "/queues/a-claims", 0).await;
    until_children(&observer, "/queues/a-consumers", 0).await;
    assert_eq!(client.session_epoch(), 1, "not by the end of the session");
    let next = Queue::new(&observer, PATH);
    assert_eq!(soon(next.take()).await.unwrap(), "one");
    assert_eq!(soon(next.take()).await.unwrap(), "two");
}

#[tokio::test]
async fn an_item_whose_taker_is_gone_is_put_back_to_its_place() {
    for op in [Op::GetChildren, Op::GetData, Op::Create, Op::Multi] {
        dropped_while_waiting_for(op, false).await;
    }
}

#[tokio::test]
async fn an_item_whose_claimer_is_gone_is_free() {
    for op in [Op::GetChildren, Op::GetData, Op::Multi] {
        dropped_while_waiting_for(op, true).await;
    }
}

#[tokio::test]
async fn one_who_stops_waiting_leaves_the_line() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    let waiting = queue.clone();
    let taking = tokio::spawn(async move { waiting.take().await });
    until_children(&client, "/queues/a-consumers", 1).await;
    taking.abort();
    until_children(&client, "/queues/a-consumers", 0).await;
    soon(queue.put("one")).await.unwrap();
    assert_eq!(soon(queue.take()).await.unwrap(), "one");
}

#[tokio::test]
async fn a_completion_that_is_dropped_removes_the_item_or_gives_it_back() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    proxy.hold_reply(Op::Multi);
    let completing = tokio::spawn(claim.complete());
    proxy.triggered(1).await;
    completing.abort();
    proxy.release();
    until(|| async { children(&observer, "/queues/a-claims").await.is_empty() }).await;
    assert!(children(&observer, PATH).await.is_empty(), "it had been sent");
}
