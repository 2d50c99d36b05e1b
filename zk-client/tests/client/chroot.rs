//! A client whose root is a node.

use futures_util::StreamExt;
use zk_client::{Client, CreateMode, Error, EventType, WatchMode};

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
