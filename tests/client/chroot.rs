//! A client whose root is a node. (Every client of these suites has one; here it is the subject.)

use tests::{Target, within};
use zk_client::{CreateMode, EventType, WatchMode};

#[tokio::test]
async fn the_chroot_is_invisible_to_the_client_and_real_to_others() {
    let target = Target::start().await;
    let outer = target.client().await;
    outer.create("/app", b"root", CreateMode::Persistent).await.unwrap();
    let inner = target.builder_below("/app").connect().await.unwrap();
    let created = inner.create("/n-", b"x", CreateMode::PersistentSequential).await.unwrap();
    assert_eq!(created.path, "/n-0000000000");
    assert_eq!(&outer.get("/app/n-0000000000").await.unwrap().0[..], b"x");
    assert_eq!(&inner.get("/").await.unwrap().0[..], b"root");
    assert_eq!(inner.children("/").await.unwrap().0, ["n-0000000000"]);
    inner.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(inner.ephemerals("/").await.unwrap(), ["/e"]);
    let error = inner.get("/none").await.unwrap_err().to_string();
    assert!(error.contains("/none") && !error.contains("/app"), "{error}");
}

#[tokio::test]
async fn watches_of_every_kind_report_client_paths() {
    let target = Target::start().await;
    let outer = target.client().await;
    outer.create("/app", b"", CreateMode::Persistent).await.unwrap();
    let inner = target.builder_below("/app").connect().await.unwrap();
    let mut tree = inner.watch("/", WatchMode::PersistentRecursive).await.unwrap();
    let (_, created) = inner.exists("/a").watch().await.unwrap();
    outer.create("/app/a", b"", CreateMode::Persistent).await.unwrap();
    let event = within("the one-shot watch fires", created).await.unwrap();
    assert_eq!((event.kind, &*event.path), (EventType::NodeCreated, "/a"));
    let event = within("the stream has it too", futures_util::StreamExt::next(&mut tree)).await;
    let event = event.unwrap();
    assert_eq!((event.kind, &*event.path), (EventType::NodeCreated, "/a"));
}
