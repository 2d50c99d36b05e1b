//! Every operation, once as it should be and once as it should not.

use std::time::Duration;

use zk_client::{Acl, Client, CreateMode, Error, Permissions, SessionId};
use zk_server::testing::TestServer;

use crate::fixture::{builder, client, server, within};

async fn connected() -> (TestServer, Client) {
    let server = server().await;
    let client = client(&server).await;
    (server, client)
}

#[tokio::test]
async fn a_node_lives_through_create_get_set_and_delete() {
    let (_server, client) = connected().await;
    let created = client.create("/a", b"v0", CreateMode::Persistent).await.unwrap();
    assert_eq!(created.path, "/a");
    assert_eq!((created.stat.version, created.stat.data_length), (0, 2));
    let stat = client.set("/a", b"v1").version(0).await.unwrap();
    assert_eq!(stat.version, 1);
    let (data, read) = client.get("/a").await.unwrap();
    assert_eq!((&data[..], read), (&b"v1"[..], stat));
    client.delete("/a").version(1).await.unwrap();
    assert_eq!(client.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn errors_name_the_path() {
    let (_server, client) = connected().await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    client.create("/a/b", b"", CreateMode::Ephemeral).await.unwrap();
    let path = |path: &str| path.to_owned();
    let error = client.create("/a", b"", CreateMode::Persistent).await.unwrap_err();
    assert_eq!(error, Error::NodeExists { path: path("/a") });
    let error = client.create("/x/y", b"", CreateMode::Persistent).await.unwrap_err();
    assert_eq!(error, Error::NoNode { path: path("/x/y") });
    let error = client.create("/a/b/c", b"", CreateMode::Persistent).await.unwrap_err();
    assert_eq!(error, Error::NoChildrenForEphemerals { path: path("/a/b/c") });
    let error = client.create("/c", b"", CreateMode::Persistent).acl([]).await.unwrap_err();
    assert_eq!(error, Error::InvalidAcl { path: path("/c") });
    let error = client.delete("/a").await.unwrap_err();
    assert_eq!(error, Error::NotEmpty { path: path("/a") });
    let error = client.set("/a", b"").version(7).await.unwrap_err();
    assert_eq!(error, Error::BadVersion { path: path("/a") });
    let error = client.get("/x").await.unwrap_err();
    assert_eq!(error, Error::NoNode { path: path("/x") });
}

#[tokio::test]
async fn sequential_nodes_are_numbered_in_order() {
    let (_server, client) = connected().await;
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    for number in 0..3 {
        let mode = CreateMode::PersistentSequential;
        let created = client.create("/q/n-", b"", mode).await.unwrap();
        assert_eq!(created.path, format!("/q/n-{number:010}"));
    }
    let created = client.create("/q/", b"", CreateMode::EphemeralSequential).await.unwrap();
    assert_eq!(created.path, "/q/0000000003");
}

#[tokio::test]
async fn an_ephemeral_node_belongs_to_the_session() {
    let (_server, client) = connected().await;
    let created = client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(Some(created.stat.ephemeral_owner), client.session_id());
    assert_ne!(created.stat.ephemeral_owner, SessionId::NONE);
}

#[tokio::test]
async fn containers_and_nodes_with_a_time_to_live_are_created_as_such() {
    let (_server, client) = connected().await;
    let created = client.create("/c", b"", CreateMode::Container).await.unwrap();
    assert_eq!(created.path, "/c");
    let mode = CreateMode::PersistentWithTtl;
    let created = client.create("/t", b"", mode).ttl(Duration::from_secs(60)).await.unwrap();
    assert_eq!(created.path, "/t");
    let error = client.create("/u", b"", mode).await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
    let mode = CreateMode::Persistent;
    let error = client.create("/u", b"", mode).ttl(Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
}

#[tokio::test]
async fn children_are_listed_with_their_parents_metadata() {
    let (_server, client) = connected().await;
    client.create("/p", b"", CreateMode::Persistent).await.unwrap();
    for path in ["/p/a", "/p/b"] {
        client.create(path, b"", CreateMode::Persistent).await.unwrap();
    }
    let (mut children, stat) = client.children("/p").await.unwrap();
    children.sort_unstable();
    assert_eq!((children, stat.num_children), (vec!["a".to_owned(), "b".to_owned()], 2));
    assert_eq!(client.all_children_number("/p").await.unwrap(), 2);
}

#[tokio::test]
async fn an_acl_is_set_and_read() {
    let (_server, client) = connected().await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (acl, stat) = client.get_acl("/a").await.unwrap();
    assert_eq!((acl, stat.aversion), (Acl::open(), 0));
    let stat = client.set_acl("/a", Acl::read_only()).version(0).await.unwrap();
    assert_eq!(stat.aversion, 1);
    let error = client.set("/a", b"").await.unwrap_err();
    assert_eq!(error, Error::NoAuth { path: "/a".to_owned() });
}

#[tokio::test]
async fn credentials_open_what_belongs_to_them() {
    let server = server().await;
    let owner = builder(&server).auth_digest("owner", "secret").connect().await.unwrap();
    let mode = CreateMode::Persistent;
    owner.create("/mine", b"x", mode).acl(Acl::creator_all()).await.unwrap();
    let other = client(&server).await;
    assert!(matches!(other.get("/mine").await, Err(Error::NoAuth { .. })));
    other.add_auth("digest", b"owner:secret").await.unwrap();
    assert_eq!(&other.get("/mine").await.unwrap().0[..], b"x");
    let who = other.who_am_i().await.unwrap();
    assert!(who.iter().any(|who| who.scheme == "digest" && who.user == "owner"), "{who:?}");
    let (acl, _) = owner.get_acl("/mine").await.unwrap();
    assert_eq!((acl[0].scheme.as_str(), acl[0].perms), ("digest", Permissions::ALL));
}

#[tokio::test]
async fn the_sessions_ephemeral_nodes_are_listed_by_prefix() {
    let (_server, client) = connected().await;
    for path in ["/a", "/ab", "/c"] {
        client.create(path, b"", CreateMode::Ephemeral).await.unwrap();
    }
    let mut paths = client.ephemerals("/a").await.unwrap();
    paths.sort_unstable();
    assert_eq!(paths, ["/a", "/ab"]);
}

#[tokio::test]
async fn sync_needs_no_node() {
    let (_server, client) = connected().await;
    client.sync("/nothing/here").await.unwrap();
}

#[tokio::test]
async fn an_invalid_path_is_refused_before_anything_is_sent() {
    let (mut server, client) = connected().await;
    server.stop().await;
    for path in ["", "a", "/a/", "/a//b", "/../a"] {
        let error = client.get(path).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
    }
    let error = client.create("/a/", b"", CreateMode::Persistent).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
}

#[tokio::test]
async fn a_request_that_is_too_large_fails_alone() {
    let (_server, client) = connected().await;
    let data = vec![0; 2 << 20];
    let error = client.create("/a", &data, CreateMode::Persistent).await.unwrap_err();
    assert!(matches!(error, Error::RequestTooLarge { .. }), "{error}");
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn a_reply_that_is_too_large_fails_its_read_and_is_not_asked_for_again() {
    let server = server().await;
    let writer = client(&server).await;
    let data = vec![7; 100_000];
    writer.create("/a", &data, CreateMode::Persistent).await.unwrap();
    let reader = builder(&server).max_frame_len(10_000).connect().await.unwrap();
    let error = within("the verdict", reader.get("/a")).await.unwrap_err();
    assert!(matches!(error, Error::ReplyTooLarge { limit: 10_000, .. }), "{error}");
    let stat = within("another answer", reader.exists("/a")).await.unwrap();
    assert_eq!(stat.unwrap().data_length, 100_000);
}
