//! A writer that goes on as a reader.

use zk_client::Error as ClientError;
use zk_recipes::{Error, LostReason};

use super::{PATH, all_but, layouts, lock, reader, writer};
use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

#[tokio::test]
async fn readers_come_in_and_writers_stay_out() {
    let server = server().await;
    let client = client(&server).await;
    for lock in layouts(&client) {
        let writing = soon(lock.write()).await.unwrap();
        let (token, path) = (writing.fencing_token(), writing.path().to_owned());
        let early = reader(&lock, &client, 2).await;
        let waiting = writer(&lock, &client, 3).await;
        let late = reader(&lock, &client, 4).await;
        let line = children(&client, lock.path()).await;

        let over = writing.lost();
        let reading = soon(writing.downgrade()).await.unwrap();
        assert_eq!(soon(over).await, LostReason::Released, "nobody acts as the writer any more");
        assert!(reading.is_held());
        assert_eq!(reading.fencing_token(), token);
        assert_eq!(reading.path()[reading.path().len() - 10..], path[path.len() - 10..]);
        let early = soon(early).await.unwrap().unwrap();
        let now = children(&client, lock.path()).await;
        assert_eq!(now[1..], line[1..], "the others are where they were");
        assert_ne!(now[0], line[0]);
        assert!(!waiting.is_finished() && !late.is_finished());
        soon(early.release()).await.unwrap();
        assert!(!waiting.is_finished());

        soon(reading.release()).await.unwrap();
        let written = soon(waiting).await.unwrap().unwrap();
        assert!(written.fencing_token() > token);
        soon(written.release()).await.unwrap();
        soon(soon(late).await.unwrap().unwrap().release()).await.unwrap();
    }
}

#[tokio::test]
async fn the_reader_is_watched_over_as_any_holder() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let reading = soon(soon(lock(&client).write()).await.unwrap().downgrade()).await.unwrap();
    operator.set(reading.path(), b"hello").await.unwrap();
    operator.delete(reading.path()).await.unwrap();
    assert_eq!(soon(reading.lost()).await, LostReason::NodeDeleted);

    let reading = soon(soon(lock(&client).write()).await.unwrap().downgrade()).await.unwrap();
    expire(&server, &client);
    assert_eq!(soon(reading.lost()).await, LostReason::SessionExpired);
    assert!(!reading.is_held());
}

#[tokio::test]
async fn a_writer_that_lost_the_lock_cannot_go_on_as_a_reader() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let not_held = |reason| Error::NotHeld { path: PATH.to_owned(), reason };

    let writing = soon(lock(&client).write()).await.unwrap();
    operator.delete(writing.path()).await.unwrap();
    // Whether or not the deletion is known by now.
    let error = soon(writing.downgrade()).await.unwrap_err();
    assert_eq!(error, not_held(LostReason::NodeDeleted));
    assert!(children(&operator, PATH).await.is_empty());

    let writing = soon(lock(&client).write()).await.unwrap();
    expire(&server, &client);
    let error = soon(writing.downgrade()).await.unwrap_err();
    assert_eq!(error, not_held(LostReason::SessionExpired));
    assert!(children(&operator, PATH).await.is_empty());

    let writing = soon(lock(&client).write()).await.unwrap();
    client.close().await.unwrap();
    let error = soon(writing.downgrade()).await.unwrap_err();
    assert_eq!(error, not_held(LostReason::ClientClosed));
}

#[tokio::test]
async fn a_downgrade_whose_reply_is_lost_is_found_done() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for lock in layouts(&client) {
        let writing = soon(lock.write()).await.unwrap();
        proxy.lose_reply(Op::Multi);
        let reading = soon(writing.downgrade()).await.unwrap();
        assert!(reading.is_held());
        let line = children(&observer, lock.path()).await;
        assert_eq!(line.len(), 1);
        assert!(reading.path().ends_with(&line[0]));
    }
    proxy.triggered(2).await;
}

#[tokio::test]
async fn a_downgrade_that_never_arrived_is_done_again() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let writing = soon(lock(&client).write()).await.unwrap();
    proxy.lose_request(Op::Multi);
    let reading = soon(writing.downgrade()).await.unwrap();
    proxy.triggered(1).await;
    assert!(reading.is_held());
    assert_eq!(children(&observer, PATH).await.len(), 1);
    assert!(soon(lock(&observer).try_read()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_downgrade_whose_session_is_lost_with_its_reply_leaves_nothing() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let writing = soon(lock(&client).write()).await.unwrap();
    proxy.hold_reply(Op::Multi);
    let downgrading = tokio::spawn(writing.downgrade());
    proxy.triggered(1).await;
    expire(&server, &client);
    proxy.cut();
    let error = soon(downgrading).await.unwrap().unwrap_err();
    let reason = LostReason::SessionExpired;
    assert_eq!(error, Error::NotHeld { path: PATH.to_owned(), reason });
    until_children(&observer, PATH, 0).await;
}

/// Drops a downgrade once the network has done something to it.
async fn dropped_after(interfere: impl Fn(&Proxy)) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for (times, lock) in layouts(&client).into_iter().enumerate() {
        let writing = soon(lock.write()).await.unwrap();
        interfere(&proxy);
        let downgrading = tokio::spawn(writing.downgrade());
        proxy.triggered(times + 1).await;
        downgrading.abort();
        let _ = soon(downgrading).await;
        proxy.release();
        until_children(&observer, lock.path(), 0).await;
    }
    // Not by the end of the session.
    until(|| async { client.exists("/locks").await.is_ok() }).await;
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn a_downgrade_that_is_dropped_leaves_neither_node() {
    dropped_after(|proxy| proxy.hold_reply(Op::Multi)).await;
    dropped_after(|proxy| proxy.lose_reply(Op::Multi)).await;
    dropped_after(|proxy| proxy.lose_request(Op::Multi)).await;
}

#[tokio::test]
async fn a_downgrade_that_was_never_polled_releases_the_lock() {
    let server = server().await;
    let client = client(&server).await;
    let writing = soon(lock(&client).write()).await.unwrap();
    drop(writing.downgrade());
    until_children(&client, PATH, 0).await;
}

#[tokio::test]
async fn a_downgrade_that_is_refused_releases_the_lock() {
    let server = server().await;
    let client = client(&server).await;
    let writing = soon(lock(&client).write()).await.unwrap();
    // One may leave the line, but not get in any more.
    client.set_acl(PATH, [all_but(zk_client::Permissions::CREATE)]).await.unwrap();
    let error = soon(writing.downgrade()).await.unwrap_err();
    assert!(matches!(error, Error::Client(ClientError::NoAuth { .. })), "{error}");
    until_children(&client, PATH, 0).await;
}
