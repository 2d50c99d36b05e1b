//! What a read-write lock costs, counted at the network.

use super::{lock, reader, writer};
use crate::support::{Counted, Op, Proxy, client, connect, server, soon, until};

#[tokio::test]
async fn a_free_lock_costs_two_requests_at_once_and_one_in_the_background() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let lock = lock(&client);
    // The directory is there from the first time.
    soon(soon(lock.read()).await.unwrap().release()).await.unwrap();

    let before = proxy.requests();
    let guard = soon(lock.read()).await.unwrap();
    until(|| async { proxy.requests() - before == 3 }).await;
    soon(guard.release()).await.unwrap();
    assert_eq!(proxy.requests() - before, 4, "create, list, read of the own node, delete");

    let before = proxy.requests();
    let guard = soon(lock.write()).await.unwrap();
    until(|| async { proxy.requests() - before == 3 }).await;
    let guard = soon(guard.downgrade()).await.unwrap();
    until(|| async { proxy.requests() - before == 5 }).await;
    soon(guard.release()).await.unwrap();
    assert_eq!(proxy.requests() - before, 6, "a multi, and a read of the new node, are added");
}

#[tokio::test]
async fn a_free_lock_is_taken_in_one_round_trip() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let lock = lock(&client);
    soon(soon(lock.read()).await.unwrap().release()).await.unwrap();

    // No reply comes until the list is asked for: only a client that sends both at once goes on.
    proxy.hold_reply(Op::Create);
    let before = proxy.requests();
    let acquiring = tokio::spawn(async move { lock.write().await });
    proxy.triggered(1).await;
    until(|| async { proxy.requests() - before == 2 }).await;
    proxy.release();
    drop(soon(acquiring).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_writer_that_leaves_wakes_the_readers_behind_it_and_nobody_else() {
    let server = server().await;
    let near = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let holder = soon(lock(&near).write()).await.unwrap();
    let readings = [reader(&lock(&near), &near, 2).await, reader(&lock(&near), &near, 3).await];
    let writing = writer(&lock(&far), &near, 4).await;
    let late = reader(&lock(&far), &near, 5).await;
    // Create, list, and the read that watches, of two.
    until(|| async { proxy.requests() == 6 }).await;
    let mut far = Counted::new(&proxy, far);

    soon(holder.release()).await.unwrap();
    let mut guards = Vec::new();
    for reading in readings {
        guards.push(soon(reading).await.unwrap().unwrap());
    }
    // The first of the two leaves, which the writer does not watch.
    soon(guards.remove(0).release()).await.unwrap();
    assert_eq!(far.requests().await, 6, "the others sleep on");

    soon(guards.remove(0).release()).await.unwrap();
    let writing = soon(writing).await.unwrap().unwrap();
    // A list, and the holder's read of its own node.
    until(|| async { far.so_far() == 8 }).await;
    assert_eq!(far.requests().await, 8);
    assert!(!late.is_finished());
    soon(writing.release()).await.unwrap();
    drop(soon(late).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_reader_far_down_the_line_sleeps_until_the_last_writer_before_it_leaves() {
    let server = server().await;
    let near = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let mut writers = Vec::new();
    for count in 1..=5 {
        writers.push(writer(&lock(&near), &near, count).await);
    }
    let reading = reader(&lock(&far), &near, 6).await;
    until(|| async { proxy.requests() == 3 }).await;
    let mut far = Counted::new(&proxy, far);
    for writer in writers {
        assert_eq!(far.requests().await, 3, "it sleeps on");
        soon(soon(writer).await.unwrap().unwrap().release()).await.unwrap();
    }
    let guard = soon(reading).await.unwrap().unwrap();
    // A list, and the holder's read of its own node.
    until(|| async { far.so_far() == 5 }).await;
    soon(guard.release()).await.unwrap();
    assert_eq!(far.requests().await, 6);
}
