//! A future that is dropped, at each point where it can wait, leaves nothing behind.

use super::{PATH, lock, reader, writer};
use crate::support::{Op, Proxy, client, connect, server, soon, until_children};

/// Drops a wait for the reply to its next `op`, with a writer in line or nobody.
async fn dropped_while_waiting_for(op: Op, is_taken: bool, reads: bool) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let holder = soon(lock(&observer).write()).await.unwrap();
    let holder = if is_taken {
        Some(holder)
    } else {
        soon(holder.release()).await.unwrap();
        None
    };

    proxy.hold_reply(op);
    let waiting = lock(&client);
    let acquiring = tokio::spawn(async move {
        if reads { waiting.read().await.map(drop) } else { waiting.write().await.map(drop) }
    });
    proxy.triggered(1).await;
    acquiring.abort();
    assert!(soon(acquiring).await.unwrap_err().is_cancelled());
    proxy.release();
    until_children(&observer, PATH, usize::from(is_taken)).await;

    drop(holder);
    soon(soon(lock(&observer).write()).await.unwrap().release()).await.unwrap();
    // Not by the end of the session.
    assert!(client.exists("/locks").await.unwrap().is_some());
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn dropped_before_the_create_is_answered() {
    for (is_taken, reads) in [(true, true), (true, false), (false, true), (false, false)] {
        dropped_while_waiting_for(Op::Create, is_taken, reads).await;
    }
}

#[tokio::test]
async fn dropped_before_the_list_is_answered() {
    for (is_taken, reads) in [(true, true), (true, false), (false, true), (false, false)] {
        dropped_while_waiting_for(Op::GetChildren, is_taken, reads).await;
    }
}

#[tokio::test]
async fn dropped_before_the_predecessor_is_watched() {
    for reads in [true, false] {
        dropped_while_waiting_for(Op::GetData, true, reads).await;
    }
}

#[tokio::test]
async fn a_writer_dropped_in_the_middle_of_the_line_lets_the_reader_behind_it_in() {
    let server = server().await;
    let client = client(&server).await;
    let lock = lock(&client);
    let holder = soon(lock.read()).await.unwrap();
    let dropped = writer(&lock, &client, 2).await;
    let reading = reader(&lock, &client, 3).await;
    dropped.abort();
    let reading = soon(reading).await.unwrap().unwrap();
    assert!(reading.is_held() && holder.is_held());
    until_children(&client, PATH, 2).await;
}

#[tokio::test]
async fn a_reader_dropped_in_the_middle_of_the_line_leaves_the_writer_behind_it_waiting() {
    let server = server().await;
    let client = client(&server).await;
    let lock = lock(&client);
    let holder = soon(lock.write()).await.unwrap();
    let dropped = reader(&lock, &client, 2).await;
    let writing = writer(&lock, &client, 3).await;
    dropped.abort();
    until_children(&client, PATH, 2).await;
    assert!(!writing.is_finished());
    soon(holder.release()).await.unwrap();
    assert!(soon(writing).await.unwrap().unwrap().is_held());
}

#[tokio::test]
async fn dropped_guards_let_the_next_in() {
    let server = server().await;
    let client = client(&server).await;
    let lock = lock(&client);
    drop(soon(lock.write()).await.unwrap());
    drop(soon(lock.read()).await.unwrap());
    drop(soon(lock.write()).await.unwrap());
    until_children(&client, PATH, 0).await;
}

#[tokio::test]
async fn dropped_while_nobody_can_be_reached() {
    let mut server = server().await;
    let (observer, client) = (client(&server).await, client(&server).await);
    let holder = soon(lock(&observer).write()).await.unwrap();
    let dropped = reader(&lock(&client), &observer, 2).await;
    server.stop().await;
    dropped.abort();
    assert!(soon(dropped).await.unwrap_err().is_cancelled());
    server.restart().await.unwrap();
    until_children(&observer, PATH, 1).await;
    assert!(holder.is_held());
}

#[tokio::test]
async fn a_release_that_is_dropped_goes_on() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let guard = soon(lock(&client).read()).await.unwrap();
    proxy.lose_request(Op::Delete);
    let releasing = tokio::spawn(guard.release());
    proxy.triggered(1).await;
    releasing.abort();
    until_children(&observer, PATH, 0).await;
}
