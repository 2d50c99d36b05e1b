//! What a lock costs, counted at the network.

use zk_recipes::Lock;

use crate::support::{Counted, Op, Proxy, client, connect, server, soon, until, until_children};

#[tokio::test]
async fn a_free_lock_costs_two_requests_at_once_and_one_in_the_background() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    // The directory is there from the first time.
    soon(soon(Lock::acquire(&client, "/locks/x")).await.unwrap().release()).await.unwrap();

    let before = proxy.requests();
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    until(|| async { proxy.requests() - before == 3 }).await;
    soon(guard.release()).await.unwrap();
    assert_eq!(proxy.requests() - before, 4, "create, list, read of the own node, delete");
}

#[tokio::test]
async fn a_free_lock_is_taken_in_one_round_trip() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(soon(Lock::acquire(&client, "/locks/x")).await.unwrap().release()).await.unwrap();

    // No reply comes until the list is asked for: only a client that sends both at once goes on.
    proxy.hold_reply(Op::Create);
    let before = proxy.requests();
    let acquiring = tokio::spawn(async move { Lock::acquire(&client, "/locks/x").await });
    proxy.triggered(1).await;
    until(|| async { proxy.requests() - before == 2 }).await;
    proxy.release();
    drop(soon(acquiring).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_release_wakes_only_the_next_in_line() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (near, far) = (client(&server).await, connect(&proxy.connect_string()).await);
    let first = soon(Lock::acquire(&near, "/locks/x")).await.unwrap();
    let second = tokio::spawn({
        let near = near.clone();
        async move { Lock::acquire(&near, "/locks/x").await }
    });
    until_children(&near, "/locks/x", 2).await;
    let waiting = far.clone();
    let third = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&near, "/locks/x", 3).await;
    // Create, list, and the read that watches the predecessor.
    until(|| async { proxy.requests() == 3 }).await;
    let mut far = Counted::new(&proxy, far);

    soon(first.release()).await.unwrap();
    let second = soon(second).await.unwrap().unwrap();
    assert_eq!(far.requests().await, 3, "the third in line slept on");
    soon(second.release()).await.unwrap();
    let _guard = soon(third).await.unwrap().unwrap();
    // A list, and the holder's read of its own node.
    until(|| async { far.so_far() == 5 }).await;
    assert_eq!(far.requests().await, 5);
}
