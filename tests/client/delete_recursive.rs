//! Whole subtrees, deleted.

use std::sync::atomic::{AtomicBool, Ordering};

use tests::{Target, eventually, within};
use zk_client::{Acl, Client, CreateMode, Error};

async fn create_all(client: &Client, paths: impl IntoIterator<Item = String>) {
    let create = |path: String| client.create(&path, b"x", CreateMode::Persistent).send();
    for created in paths.into_iter().map(create).collect::<Vec<_>>() {
        within("the create", created).await.unwrap();
    }
}

/// 1 + 20 + 20 * 40 nodes, and a chain of 30.
async fn grow(client: &Client) {
    create_all(client, ["/x".to_owned()]).await;
    create_all(client, (0..20).map(|a| format!("/x/{a}"))).await;
    create_all(client, (0..800).map(|n| format!("/x/{}/{n}", n % 20))).await;
    let chain = format!("/x/7/deep{}", "/d".repeat(29));
    client.ensure_path(&chain).await.unwrap();
}

#[tokio::test]
async fn a_subtree_goes_whole_and_nothing_else_does() {
    let target = Target::start().await;
    let client = target.client().await;
    grow(&client).await;
    create_all(&client, ["/xx".to_owned()]).await;
    within("the delete", client.delete_recursive("/x")).await.unwrap();
    assert_eq!(client.children("/").await.unwrap().0, ["xx"]);
    within("again", client.delete_recursive("/x")).await.unwrap();
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    within("a leaf", client.delete_recursive("/e")).await.unwrap();
    assert_eq!(client.children("/").await.unwrap().0, ["xx"]);
}

#[tokio::test]
async fn a_root_is_emptied_and_stays() {
    let target = Target::start().await;
    let client = target.client().await;
    grow(&client).await;
    within("the delete", client.delete_recursive("/").children_only()).await.unwrap();
    let (children, stat) = client.children("/").await.unwrap();
    assert_eq!((children, stat.num_children), (Vec::new(), 0));
}

#[tokio::test]
async fn what_must_stay_is_refused_before_anything_is_sent() {
    let target = Target::start().await;
    let inside = target.client().await;
    let outside = target.builder_at_server_root().connect().await.unwrap();
    let zookeeper = outside.in_chroot("/zookeeper").unwrap();
    for refused in [
        inside.delete_recursive("/"),
        inside.delete_recursive("/zookeeper/config"),
        outside.delete_recursive("/"),
        outside.delete_recursive("/").children_only(),
        outside.delete_recursive("/zookeeper"),
        outside.delete_recursive("/zookeeper/quota"),
        zookeeper.delete_recursive("/").children_only(),
    ] {
        let error = refused.await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
    }
    let error = inside.delete_recursive("/x/").await.unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
}

#[tokio::test]
async fn nodes_that_come_and_go_meanwhile_are_no_error() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    for _ in 0..5 {
        grow(&client).await;
        let done = AtomicBool::new(false);
        let meddle = async {
            let mut number = 0;
            // Few enough for a delete that a slow disk holds up: it gives up after a thousand.
            while !done.load(Ordering::Relaxed) && number < 300 {
                number += 1;
                let path = format!("/x/{}/new{number}", number % 20);
                // There may be no parent any more, or no node.
                let _ = other.create(&path, b"", CreateMode::Persistent).await;
                let _ = other.delete(&format!("/x/{}/{}", number % 20, 800 - number)).await;
            }
        };
        let delete = async {
            let deleted = client.delete_recursive("/x").await;
            done.store(true, Ordering::Relaxed);
            deleted
        };
        let (deleted, ()) = within("the delete", async { tokio::join!(delete, meddle) }).await;
        deleted.unwrap();
        assert_eq!(client.exists("/x").await.unwrap(), None);
    }
}

#[tokio::test]
async fn it_goes_on_over_disconnects() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, observer) = (target.client_through(&proxy).await, target.client().await);
    grow(&observer).await;
    let pending = tokio::spawn(client.delete_recursive("/x").send());
    let mut count = usize::MAX;
    eventually("it makes progress between cuts", async || {
        proxy.cut();
        let before = count;
        count = match observer.children("/x").await {
            Ok((children, _)) => children.len(),
            Err(_) => 0,
        };
        count < before
    })
    .await;
    within("the delete", pending).await.unwrap().unwrap();
    assert_eq!(observer.exists("/x").await.unwrap(), None);
}

#[tokio::test]
async fn a_node_that_may_not_be_deleted_is_named() {
    let target = Target::start().await;
    let client = target.client().await;
    grow(&client).await;
    client.set_acl("/x/7", Acl::read_only()).await.unwrap();
    let error = within("the delete", client.delete_recursive("/x")).await.unwrap_err();
    assert!(matches!(&error, Error::NoAuth { path } if path.starts_with("/x/7/")), "{error}");
}
