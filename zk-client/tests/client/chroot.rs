//! A client whose root is a node.

use futures_util::StreamExt;
use zk_client::{Acl, Client, CreateMode, Error, EventType, WatchMode};

use crate::fixture::{client, next, server, within};

#[tokio::test]
async fn the_chroot_never_shows() {
    let server = server().await;
    let outside = client(&server).await;
    outside.create("/app", b"", CreateMode::Persistent).await.unwrap();
    outside.create("/apple", b"", CreateMode::Persistent).await.unwrap();
    let inside = Client::connect(&format!("{}/app", server.connect_string())).await.unwrap();

    let mut events = inside.watch("/", WatchMode::PersistentRecursive).await.unwrap();
    let created = inside.create("/a", b"x", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(created.path, "/a");
    assert!(outside.exists("/app/a").await.unwrap().is_some());
    let event = next("the event", &mut events).await;
    assert_eq!((event.kind, event.path.as_str()), (EventType::NodeCreated, "/a"));

    assert_eq!(inside.children("/").await.unwrap().0, ["a"]);
    assert_eq!(inside.ephemerals("/").await.unwrap(), ["/a"]);
    let error = inside.get("/b").await.unwrap_err();
    assert_eq!(error, Error::NoNode { path: "/b".to_owned() });

    let (_, _, watch) = inside.children("/").watch().await.unwrap();
    outside.delete("/app/a").await.unwrap();
    assert_eq!(within("the event", watch).await.unwrap().path, "/");

    let multi = inside.multi().create("/m-", b"", CreateMode::PersistentSequential).commit().await;
    let path = "/m-0000000001".to_owned();
    assert_eq!(multi.unwrap(), [zk_client::MultiResult::Created { path }]);
    inside.close().await.unwrap();
    let paths = events.map(|event| event.path).collect::<Vec<_>>().await;
    assert!(paths.iter().all(|path| !path.starts_with("/app")), "{paths:?}");
}

#[tokio::test]
async fn one_session_is_seen_from_several_roots() {
    let server = server().await;
    let outside = client(&server).await;
    outside.create("/app", b"", CreateMode::Persistent).await.unwrap();
    outside.create("/app/x", b"", CreateMode::Persistent).await.unwrap();
    let inside = outside.in_chroot("/app").unwrap().in_chroot("/x").unwrap();

    let mut events = inside.watch("/", WatchMode::PersistentRecursive).await.unwrap();
    let (_, _, watch) = inside.children("/").watch().await.unwrap();
    let created = inside.create("/a", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(created.path, "/a");
    let seen = outside.exists("/app/x/a").await.unwrap().unwrap();
    assert_eq!(Some(seen.ephemeral_owner), outside.session_id(), "the session is the same");
    assert_eq!(within("the event", watch).await.unwrap().path, "/");
    assert_eq!(next("the event", &mut events).await.path, "/a");
    assert_eq!(inside.ephemerals("/").await.unwrap(), ["/a"]);
    let error = inside.multi().delete("/b").commit().await.unwrap_err();
    assert!(matches!(error, Error::Multi { path, .. } if path == "/b"));
    let error = outside.in_chroot("app").unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
}

#[tokio::test]
async fn the_default_acl_is_chosen_by_path_unless_a_create_names_one() {
    let server = server().await;
    let builder = Client::builder(&server.connect_string());
    let client = builder
        .default_acl_by_path(|path| match path.starts_with("/public/") {
            true => Acl::read_only(),
            false => Acl::open(),
        })
        .connect()
        .await
        .unwrap();
    client.create("/public", b"", CreateMode::Persistent).await.unwrap();
    let inside = client.in_chroot("/public").unwrap();
    inside.create("/a", b"", CreateMode::Persistent).await.unwrap();
    inside.multi().create("/b", b"", CreateMode::Persistent).commit().await.unwrap();
    inside.create("/c", b"", CreateMode::Persistent).acl(Acl::open()).await.unwrap();
    for (path, acl) in [("/a", Acl::read_only()), ("/b", Acl::read_only()), ("/c", Acl::open())] {
        assert_eq!(inside.get_acl(path).await.unwrap().0, acl, "{path}");
    }
    assert_eq!(client.get_acl("/public").await.unwrap().0, Acl::open());
}
