//! A node that is there, and comes back.

use zk_client::CreateMode;
use zk_recipes::persistent_node::{Conflict, NodeState};
use zk_recipes::{Error, NodeOptions, Parents, PersistentNode, Released};

use crate::support::{Proxy, client, connect, expire, server, soon, until};

const PATH: &str = "/health/one";

#[tokio::test]
async fn it_is_there_until_it_is_closed() {
    let server = server().await;
    let client = client(&server).await;
    let node = soon(PersistentNode::start(&client, PATH, "a")).await.unwrap();
    assert_eq!(node.path(), PATH);
    let (data, stat) = client.get(PATH).await.unwrap();
    assert_eq!((data.as_ref(), Some(stat.ephemeral_owner)), (&b"a"[..], client.session_id()));
    soon(node.set_data("b")).await.unwrap();
    assert_eq!(client.get(PATH).await.unwrap().0, "b");
    assert_eq!(node.data(), "b");
    assert_eq!(soon(node.close()).await.unwrap(), Released::Released);
    assert_eq!(node.state(), NodeState::Closed);
    assert!(client.exists(PATH).await.unwrap().is_none());
    assert_eq!(soon(node.close()).await.unwrap(), Released::AlreadyGone);
    assert!(soon(node.set_data("c")).await.is_err());
    assert!(client.exists(PATH).await.unwrap().is_none());
}

#[tokio::test]
async fn it_comes_back_after_deletion_change_and_expiry() {
    let server = server().await;
    let (client, other) = (client(&server).await, client(&server).await);
    let node = soon(PersistentNode::start(&client, PATH, "a")).await.unwrap();
    for _ in 0..3 {
        let before = other.exists(PATH).await.unwrap().unwrap();
        other.multi().delete(PATH).delete("/health").commit().await.unwrap();
        until(|| async { other.exists(PATH).await.unwrap().is_some_and(|s| s != before) }).await;
        other.set(PATH, b"x").await.unwrap();
        until(|| async { other.get(PATH).await.is_ok_and(|(data, _)| data == "a") }).await;
    }
    expire(&server, &client);
    until(|| async {
        let stat = other.exists(PATH).await.unwrap();
        stat.is_some_and(|stat| Some(stat.ephemeral_owner) == client.session_id())
    })
    .await;
    soon(node.set_data("b")).await.unwrap();
    expire(&server, &client);
    until(|| async { other.get(PATH).await.is_ok_and(|(data, _)| data == "b") }).await;
    soon(node.wait_for(|state| *state == NodeState::Present)).await;
}

#[tokio::test]
async fn a_cut_changes_nothing() {
    let server = server().await;
    let other = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let _node = soon(PersistentNode::start(&client, PATH, "a")).await.unwrap();
    let before = other.exists(PATH).await.unwrap();
    proxy.cut();
    client.exists("/").await.unwrap();
    assert_eq!(other.exists(PATH).await.unwrap(), before);
}

#[tokio::test]
async fn somebody_elses_node_is_waited_for_replaced_or_refused() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let theirs = soon(PersistentNode::start(&one, PATH, "theirs")).await.unwrap();
    let owner = one.session_id().unwrap();

    let builder = PersistentNode::builder(PATH).data("ours");
    let refused = builder.clone().on_conflict(Conflict::Fail);
    let error = soon(refused.start(&two)).await.unwrap_err();
    assert_eq!(error, Error::Taken { path: PATH.to_owned(), owner });
    assert_eq!(one.get(PATH).await.unwrap().0, "theirs");

    let waiting = tokio::spawn({
        let (two, builder) = (two.clone(), builder.clone());
        async move { builder.start(&two).await }
    });
    assert!(!waiting.is_finished());
    soon(theirs.close()).await.unwrap();
    let ours = soon(waiting).await.unwrap().unwrap();
    assert_eq!(one.get(PATH).await.unwrap().0, "ours");

    let replacing = PersistentNode::builder(PATH).data("new").on_conflict(Conflict::Replace);
    let new = soon(replacing.start(&one)).await.unwrap();
    assert_eq!(one.get(PATH).await.unwrap().0, "new");
    soon(ours.wait_for(|state| *state == NodeState::Taken { owner })).await;
    assert_eq!(soon(ours.close()).await.unwrap(), Released::AlreadyGone);
    assert_eq!(one.get(PATH).await.unwrap().0, "new", "closing deletes only the own node");
    soon(new.close()).await.unwrap();
}

#[tokio::test]
async fn two_handles_in_one_process_are_strangers() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(PersistentNode::start(&client, PATH, "a")).await.unwrap();
    let refused = PersistentNode::builder(PATH).data("a").on_conflict(Conflict::Fail);
    assert!(matches!(soon(refused.start(&client)).await, Err(Error::Taken { .. })));
    assert_eq!(first.state(), NodeState::Present);
    assert!(client.exists(PATH).await.unwrap().is_some());
}

#[tokio::test]
async fn a_node_of_no_session_is_left_alone() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/static", b"", CreateMode::Persistent).await.unwrap();
    let refused = PersistentNode::builder("/static").on_conflict(Conflict::Fail);
    let error = soon(refused.start(&client)).await.unwrap_err();
    assert!(matches!(error, Error::Taken { owner: zk_client::SessionId(0), .. }));
    let homeless = NodeOptions::new().parents(Parents::MustExist);
    let homeless = PersistentNode::builder(PATH).options(homeless);
    assert!(soon(homeless.start(&client)).await.is_err());
}
