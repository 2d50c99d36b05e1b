//! Nodes that are kept alive by a touched child.

use std::time::Duration;

use zk_client::{Acl, CreateMode, Permissions};
use zk_recipes::persistent_node::NodeState;
use zk_recipes::{Error, PersistentTtlNode};
use zk_server::testing::TestServer;

use crate::support::{Op, Proxy, children, client, connect, expire, server, soon, until};

const PATH: &str = "/seen/one";
const TOUCH: &str = "/seen/one/touch";

/// Nobody waits for it to pass.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn it_is_a_container_with_a_touched_child_as_in_curator() {
    let server = server().await;
    let client = client(&server).await;
    let node = soon(PersistentTtlNode::start(&client, PATH, "a", LONG)).await.unwrap();
    assert_eq!((node.path(), node.data().as_ref()), (PATH, &b"a"[..]));
    assert_eq!(client.get(PATH).await.unwrap().0, "a");
    assert_eq!(children(&client, PATH).await, ["touch"]);
    soon(node.set_data("b")).await.unwrap();
    assert_eq!(client.get(PATH).await.unwrap().0, "b");
    // Only a container goes with its last child, so the server has to have made it one.
    soon(node.remove()).await.unwrap();
    assert!(children(&client, "/seen").await.is_empty());
}

#[tokio::test]
async fn it_is_touched_for_as_long_as_it_is_held_and_dies_afterwards() {
    let sweeping =
        TestServer::builder().container_check_interval(Duration::from_millis(50)).start();
    let server = sweeping.await.unwrap();
    let client = client(&server).await;
    let ttl = Duration::from_secs(2);
    let node = soon(PersistentTtlNode::start(&client, PATH, "a", ttl)).await.unwrap();
    until(|| async { client.exists(TOUCH).await.unwrap().is_some_and(|stat| stat.version > 1) })
        .await;
    drop(node);
    until(|| async { client.exists(PATH).await.unwrap().is_none() }).await;
}

#[tokio::test]
async fn a_server_without_such_nodes_is_a_clear_error_and_nothing_stays() {
    let server = TestServer::builder().extended_types(false).start().await.unwrap();
    let client = client(&server).await;
    let error = soon(PersistentTtlNode::start(&client, PATH, "a", LONG)).await.unwrap_err();
    assert_eq!(error, Error::NoTtlNodes { path: TOUCH.to_owned() });
    assert!(error.to_string().contains("extendedTypesEnabled=true"), "{error}");
    until(|| async { client.exists(PATH).await.unwrap().is_none() }).await;
}

#[tokio::test]
async fn it_outlives_its_session_and_comes_back_when_deleted() {
    let server = server().await;
    let (owner, operator) = (client(&server).await, client(&server).await);
    let node = soon(PersistentTtlNode::start(&owner, PATH, "a", LONG)).await.unwrap();
    let before = operator.exists(PATH).await.unwrap().unwrap();
    expire(&server, &owner);
    soon(node.set_data("b")).await.unwrap();
    assert_eq!(operator.exists(PATH).await.unwrap().unwrap().czxid, before.czxid);

    operator.multi().delete(TOUCH).delete(PATH).delete("/seen").commit().await.unwrap();
    until(|| async { operator.get(PATH).await.is_ok_and(|(data, _)| data == "b") }).await;
    operator.set(PATH, b"x").await.unwrap();
    until(|| async { operator.get(PATH).await.is_ok_and(|(data, _)| data == "b") }).await;

    soon(owner.close()).await.unwrap();
    assert!(operator.exists(PATH).await.unwrap().is_some(), "it stays for its time to live");
}

#[tokio::test]
async fn a_deleted_child_is_touched_again_where_its_parents_are_gone_as_well() {
    let server = server().await;
    let client = client(&server).await;
    let ttl = Duration::from_secs(2);
    let _node = soon(PersistentTtlNode::start(&client, PATH, "a", ttl)).await.unwrap();
    for _ in 0..2 {
        client.multi().delete(TOUCH).delete(PATH).delete("/seen").commit().await.unwrap();
        until(|| async { children(&client, PATH).await == ["touch"] }).await;
    }
}

#[tokio::test]
async fn two_processes_keep_one_node_alive() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = soon(PersistentTtlNode::start(&one, PATH, "first", LONG)).await.unwrap();
    let second = soon(PersistentTtlNode::start(&two, PATH, "first", LONG)).await.unwrap();
    drop(first);
    assert_eq!(two.get(PATH).await.unwrap().0, "first");
    soon(second.remove()).await.unwrap();
    assert!(two.exists(PATH).await.unwrap().is_none());
}

#[tokio::test]
async fn lost_requests_and_replies_are_no_matter() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for (lost, lose) in [Proxy::lose_request, Proxy::lose_reply].into_iter().enumerate() {
        lose(&proxy, Op::CreateOther);
        let node = soon(PersistentTtlNode::start(&client, PATH, "a", LONG)).await.unwrap();
        proxy.triggered(2 * lost + 1).await;
        assert_eq!(children(&observer, PATH).await, ["touch"]);
        lose(&proxy, Op::Delete);
        soon(node.remove()).await.unwrap();
        proxy.triggered(2 * lost + 2).await;
        assert!(observer.exists(PATH).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn what_is_dropped_while_it_starts_leaves_nothing_behind() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    proxy.hold_reply(Op::GetData);
    let starting = tokio::spawn({
        let client = client.clone();
        async move { PersistentTtlNode::start(&client, PATH, "a", LONG).await.map(drop) }
    });
    proxy.triggered(1).await;
    assert!(observer.exists(PATH).await.unwrap().is_some());
    starting.abort();
    assert!(soon(starting).await.unwrap_err().is_cancelled());
    proxy.release();
    until(|| async { observer.exists(PATH).await.unwrap().is_none() }).await;
}

#[tokio::test]
async fn a_refusal_is_told() {
    let server = server().await;
    let client = client(&server).await;
    let read_only = [Acl::new(Permissions::READ, "world", "anyone")];
    client.create("/seen", b"", CreateMode::Persistent).acl(read_only).await.unwrap();
    let error = soon(PersistentTtlNode::start(&client, PATH, "a", LONG)).await.unwrap_err();
    assert!(matches!(error, Error::Client(zk_client::Error::NoAuth { .. })), "{error}");
}

#[tokio::test]
async fn an_ephemeral_node_in_the_way_is_waited_for() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    one.create("/way", b"", CreateMode::Ephemeral).await.unwrap();
    let mut starting = Box::pin(PersistentTtlNode::start(&two, "/way", "a", LONG));
    let soon_after = tokio::select! {
        node = &mut starting => Some(node),
        () = soon(async { one.delete("/way").await.unwrap() }) => None,
    };
    assert!(soon_after.is_none(), "it does not share the path");
    let node = soon(starting).await.unwrap();
    assert_eq!(node.state(), NodeState::Present);
}
