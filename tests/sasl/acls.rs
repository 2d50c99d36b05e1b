//! ACLs of the scheme `sasl`, end to end.

use zk_client::{Acl, Client, CreateMode, Error, Permissions};

use crate::server::{Kind, Server, unique};

fn entry(perms: Permissions, id: &str) -> Acl {
    Acl::new(perms, "sasl", id)
}

async fn is_denied(client: &Client, path: &str) -> bool {
    match client.get(path).await {
        Ok(_) => false,
        Err(Error::NoAuth { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_entry_is_for_its_user_alone() {
    let server = Server::start(Kind::Login).await;
    let (bob, alice) = (server.client_as("bob").await, server.client_as("alice").await);
    let nobody = server.builder().connect().await.unwrap();
    let path = unique("acl");
    // Not the writer: the one who is named.
    let acl = vec![entry(Permissions::ALL, "bob")];
    alice.create(&path, b"for bob", CreateMode::Persistent).acl(acl).await.unwrap();
    assert!(!is_denied(&bob, &path).await);
    assert!(is_denied(&alice, &path).await);
    assert!(is_denied(&nobody, &path).await);
    assert!(matches!(alice.set(&path, b"mine").await, Err(Error::NoAuth { .. })));
    bob.set(&path, b"thanks").await.unwrap();

    let both = vec![entry(Permissions::ALL, "bob"), entry(Permissions::READ, "alice")];
    bob.set_acl(&path, both.clone()).await.unwrap();
    assert_eq!(bob.get_acl(&path).await.unwrap().0, both);
    assert_eq!(alice.get(&path).await.unwrap().0, "thanks");
    assert!(matches!(alice.set(&path, b"mine").await, Err(Error::NoAuth { .. })));
    assert!(is_denied(&nobody, &path).await);
    bob.delete(&path).await.unwrap();
}

#[tokio::test]
async fn whoever_creates_can_keep_it() {
    let server = Server::start(Kind::Login).await;
    for user in ["bob", "ünï", "日本", "qu\"o\\te"] {
        let owner = server.client_as(user).await;
        let path = unique("own");
        let created = owner.create(&path, b"", CreateMode::Ephemeral).acl(Acl::creator_all());
        created.await.expect(user);
        assert_eq!(owner.get_acl(&path).await.unwrap().0, [entry(Permissions::ALL, user)]);
        assert!(is_denied(&server.client_as("alice").await, &path).await);
    }
}

#[tokio::test]
async fn super_is_whoever_an_entry_names() {
    let server = Server::start(Kind::Login).await;
    let (bob, root) = (server.client_as("bob").await, server.client_as("super").await);
    let path = unique("super");
    let acl = vec![entry(Permissions::ALL, "nobody-at-all")];
    bob.create(&path, b"", CreateMode::Ephemeral).acl(acl).await.unwrap();
    assert!(is_denied(&bob, &path).await);
    assert!(!is_denied(&root, &path).await);
}

#[tokio::test]
async fn ids_that_no_kerberos_could_have_are_refused() {
    let server = Server::start(Kind::Login).await;
    let bob = server.client_as("bob").await;
    for (id, valid) in [("a/b@c", true), ("a/b/c", true), ("a@b@c", false), ("a/b/c@d", false)] {
        let acl = vec![entry(Permissions::ALL, id)];
        let created = bob.create(&unique("id"), b"", CreateMode::Ephemeral).acl(acl).await;
        assert_eq!(created.is_ok(), valid, "{id}: {created:?}");
    }
}
