//! One sets it, others wait.

use tokio::task::JoinHandle;
use zk_client::{Acl, Client, CreateMode, Permissions};
use zk_recipes::{Barrier, Error, NodeOptions, Parents};

use crate::support::{Op, Proxy, client, connect, expire, server, soon, until};

const PATH: &str = "/barriers/start";

/// A client's wait, which is known to have begun.
async fn waiting(proxy: &Proxy, client: &Client) -> JoinHandle<zk_recipes::Result<()>> {
    let before = proxy.requests();
    let barrier = Barrier::new(client, PATH);
    let waiting = tokio::spawn(async move { barrier.wait().await });
    until(|| async { proxy.requests() > before && client.exists("/").await.is_ok() }).await;
    waiting
}

#[tokio::test]
async fn nobody_waits_where_no_barrier_is() {
    let server = server().await;
    let client = client(&server).await;
    let barrier = Barrier::new(&client, PATH);
    assert!(!soon(barrier.is_set()).await.unwrap());
    soon(barrier.wait()).await.unwrap();
    soon(barrier.remove()).await.unwrap();
}

#[tokio::test]
async fn all_who_wait_go_on_when_it_is_removed() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    let barrier = Barrier::new(&one, PATH);
    soon(barrier.set()).await.unwrap();
    soon(barrier.set()).await.unwrap();
    let waits = [waiting(&proxy, &two).await, waiting(&proxy, &two).await];
    assert!(waits.iter().all(|wait| !wait.is_finished()));
    soon(barrier.remove()).await.unwrap();
    for wait in waits {
        soon(wait).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_barrier_that_is_set_again_at_once_has_let_everybody_through() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    let barrier = Barrier::new(&one, PATH);
    soon(barrier.set()).await.unwrap();
    let wait = waiting(&proxy, &two).await;
    // Without a look in between, and while the one who waits is away.
    proxy.cut();
    let again = one.multi().delete(PATH).create(PATH, b"", CreateMode::Persistent);
    soon(again.commit()).await.unwrap();
    soon(wait).await.unwrap().unwrap();
    assert!(soon(barrier.is_set()).await.unwrap());
}

#[tokio::test]
async fn data_in_the_node_lets_nobody_through() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    soon(Barrier::new(&one, PATH).set()).await.unwrap();
    let wait = waiting(&proxy, &two).await;
    let before = proxy.requests();
    one.set(PATH, b"hello").await.unwrap();
    until(|| async { proxy.requests() > before && two.exists("/").await.is_ok() }).await;
    assert!(!wait.is_finished());
    one.delete(PATH).await.unwrap();
    soon(wait).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_wait_outlives_its_session() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    let barrier = Barrier::new(&one, PATH);
    soon(barrier.set()).await.unwrap();
    let wait = waiting(&proxy, &two).await;
    expire(&server, &two);
    until(|| async { two.session_epoch() == 2 && two.exists("/").await.is_ok() }).await;
    assert!(!wait.is_finished());
    soon(barrier.remove()).await.unwrap();
    soon(wait).await.unwrap().unwrap();
}

#[tokio::test]
async fn lost_requests_and_replies_are_no_matter() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let barrier = Barrier::new(&client, PATH);
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        lose(&proxy, Op::Create);
        soon(barrier.set()).await.unwrap();
        assert!(soon(barrier.is_set()).await.unwrap());
        lose(&proxy, Op::Delete);
        soon(barrier.remove()).await.unwrap();
        assert!(!soon(barrier.is_set()).await.unwrap());
        lose(&proxy, Op::GetData);
        soon(barrier.wait()).await.unwrap();
    }
    proxy.triggered(6).await;
}

#[tokio::test]
async fn a_barrier_that_is_set_again_is_not_removed_because_a_reply_was_lost() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (ours, theirs) = (connect(&proxy.connect_string()).await, client(&server).await);
    let (ours, theirs) = (Barrier::new(&ours, PATH), Barrier::new(&theirs, PATH));
    soon(ours.set()).await.unwrap();
    proxy.hold_reply(Op::Delete);
    let removing = tokio::spawn(async move { ours.remove().await });
    proxy.triggered(1).await;
    soon(theirs.set()).await.unwrap();
    proxy.cut();
    soon(removing).await.unwrap().unwrap();
    assert!(soon(theirs.is_set()).await.unwrap(), "theirs was not what was to be removed");
}

#[tokio::test]
async fn a_dropped_wait_leaves_no_watch() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let barrier = Barrier::new(&client, PATH);
    soon(barrier.set()).await.unwrap();
    let wait = waiting(&proxy, &client).await;
    wait.abort();
    assert!(soon(wait).await.unwrap_err().is_cancelled());
    let before = proxy.requests();
    soon(barrier.remove()).await.unwrap();
    assert_eq!(proxy.requests() - before, 3, "nobody but the one who removes it reads it");
}

#[tokio::test]
async fn options_are_heeded_and_refusals_told() {
    let server = server().await;
    let client = client(&server).await;
    let must_exist = NodeOptions::new().parents(Parents::MustExist);
    let homeless = Barrier::new(&client, PATH).options(must_exist);
    assert!(matches!(
        soon(homeless.set()).await,
        Err(Error::Client(zk_client::Error::NoNode { .. }))
    ));
    let read_only = [Acl::new(Permissions::READ, "world", "anyone")];
    let options = NodeOptions::new().acl(read_only.clone()).parents_acl(read_only.clone());
    let barrier = Barrier::new(&client, "/guarded").options(options);
    soon(barrier.set()).await.unwrap();
    assert_eq!(client.get_acl("/guarded").await.unwrap().0, read_only);
}

#[tokio::test]
async fn a_closed_client_ends_the_wait() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(Barrier::new(&client, PATH).set()).await.unwrap();
    let wait = waiting(&proxy, &client).await;
    soon(client.close()).await.unwrap();
    assert_eq!(soon(wait).await.unwrap(), Err(Error::Client(zk_client::Error::Closed)));
}
