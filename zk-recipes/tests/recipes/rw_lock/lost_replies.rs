//! The connection breaks between a request and its reply.

use zk_client::Client;
use zk_recipes::{Released, RwLock};

use super::{PATH, layouts, lock};
use crate::support::{Op, Proxy, children, client, connect, expire, server, soon, until_children};

/// Makes the directory, so that the next create is that of a contender.
async fn nobody_ever_was(lock: &RwLock) {
    soon(soon(lock.write()).await.unwrap().release()).await.unwrap();
}

/// Takes both kinds of both layouts while the network does something at the next `op`.
async fn taken_although(op: Op, interfere: impl Fn(&Proxy, Op)) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let mut times = 0;
    for lock in layouts(&client) {
        nobody_ever_was(&lock).await;
        for reads in [true, false] {
            interfere(&proxy, op);
            let (path, token, guard): (_, _, Box<dyn std::any::Any>) = if reads {
                let guard = soon(lock.read()).await.unwrap();
                (guard.path().to_owned(), guard.fencing_token(), Box::new(guard))
            } else {
                let guard = soon(lock.write()).await.unwrap();
                (guard.path().to_owned(), guard.fencing_token(), Box::new(guard))
            };
            times += 1;
            proxy.triggered(times).await;
            let line = children(&observer, lock.path()).await;
            assert_eq!(line.len(), 1, "there is no second node: {line:?}");
            assert!(path.ends_with(&line[0]));
            assert_eq!(token.0, observer.get(&path).await.unwrap().1.czxid.0);
            drop(guard);
            until_children(&observer, lock.path(), 0).await;
        }
    }
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_found_again() {
    taken_although(Op::Create, Proxy::lose_reply).await;
}

#[tokio::test]
async fn a_create_that_never_arrived_is_done_again() {
    taken_although(Op::Create, Proxy::lose_request).await;
}

#[tokio::test]
async fn a_list_that_is_lost_is_read_again() {
    taken_although(Op::GetChildren, Proxy::lose_reply).await;
    taken_although(Op::GetChildren, Proxy::lose_request).await;
}

#[tokio::test]
async fn a_watch_that_is_lost_is_set_again() {
    for lose in [Proxy::lose_reply, Proxy::lose_request] {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        let holder = soon(lock(&observer).write()).await.unwrap();
        lose(&proxy, Op::GetData);
        let waiting = lock(&client);
        let reading = tokio::spawn(async move { waiting.read().await });
        proxy.triggered(1).await;
        soon(holder.release()).await.unwrap();
        assert!(soon(reading).await.unwrap().unwrap().is_held());
    }
}

#[tokio::test]
async fn a_create_whose_reply_and_session_are_lost_blocks_nobody() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let first_session = client.session_id().unwrap();
    nobody_ever_was(&lock(&client)).await;

    proxy.hold_reply(Op::Create);
    let waiting = lock(&client);
    let writing = tokio::spawn(async move { waiting.write().await });
    proxy.triggered(1).await;
    expire(&server, &client);
    proxy.cut();
    let guard = soon(writing).await.unwrap().unwrap();
    assert!(guard.is_held());
    assert_ne!(guard.session_id(), first_session);
    assert_eq!(children(&observer, PATH).await.len(), 1);
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_removed_when_the_caller_gives_up() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let mut times = 0;
    for lock in layouts(&client) {
        nobody_ever_was(&lock).await;
        proxy.lose_reply(Op::Create);
        let waiting = lock.clone();
        let writing = tokio::spawn(async move { waiting.write().await });
        times += 1;
        proxy.triggered(times).await;
        writing.abort();
        let _ = soon(writing).await;
        until_children(&observer, lock.path(), 0).await;
    }
}

async fn released_although(client: &Client, interfere: impl Fn()) {
    let guard = soon(lock(client).read()).await.unwrap();
    interfere();
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
    let guard = soon(lock(client).write()).await.unwrap();
    interfere();
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
}

#[tokio::test]
async fn a_release_whose_request_or_reply_is_lost_is_confirmed() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    released_although(&client, || proxy.lose_reply(Op::Delete)).await;
    released_although(&client, || proxy.lose_request(Op::Delete)).await;
    proxy.triggered(4).await;
}
