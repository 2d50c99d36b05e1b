//! The connection breaks between a request and its reply.

use zk_recipes::{Lock, Released};

use crate::support::{Op, Proxy, children, client, connect, server, soon, until_children};

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_found_again() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    nobody_ever_was(&client).await;

    proxy.lose_reply(Op::Create);
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    proxy.triggered(1).await;
    let line = children(&observer, "/locks/x").await;
    assert_eq!(line.len(), 1, "there is no second node: {line:?}");
    assert!(guard.path().ends_with(&line[0]));
    assert!(guard.is_held());
    let (_, stat) = observer.get(guard.path()).await.unwrap();
    assert_eq!(guard.fencing_token().0, stat.czxid.0);
}

#[tokio::test]
async fn a_create_that_never_arrived_is_done_again() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    nobody_ever_was(&client).await;

    proxy.lose_request(Op::Create);
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    proxy.triggered(1).await;
    assert!(guard.is_held());
    assert_eq!(children(&observer, "/locks/x").await.len(), 1);
}

#[tokio::test]
async fn a_create_whose_reply_and_session_are_lost_blocks_nobody() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    nobody_ever_was(&client).await;
    let first_session = client.session_id().unwrap();

    proxy.hold_reply(Op::Create);
    let waiting = client.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    proxy.triggered(1).await;
    assert!(server.expire_session(first_session));
    proxy.cut();
    let guard = soon(acquiring).await.unwrap().unwrap();
    assert!(guard.is_held());
    assert_ne!(guard.session_id(), first_session);
    assert_eq!(children(&observer, "/locks/x").await.len(), 1);
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_removed_when_the_caller_gives_up() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    nobody_ever_was(&client).await;

    proxy.lose_reply(Op::Create);
    let waiting = client.clone();
    let acquiring = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    proxy.triggered(1).await;
    acquiring.abort();
    until_children(&observer, "/locks/x", 0).await;
}

#[tokio::test]
async fn a_release_whose_reply_is_lost_is_confirmed() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let guard = soon(Lock::acquire(&client, "/locks/x")).await.unwrap();
    proxy.lose_reply(Op::Delete);
    assert_eq!(soon(guard.release()).await.unwrap(), Released::Released);
}

/// Makes the directory, so that the next create is that of a contender.
async fn nobody_ever_was(client: &zk_client::Client) {
    soon(soon(Lock::acquire(client, "/locks/x")).await.unwrap().release()).await.unwrap();
}
