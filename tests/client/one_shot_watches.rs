//! Watches that fire once: data, exist, child.

use tests::{Target, within};
use zk_client::{CreateMode, EventType, OneshotWatch};

async fn fires(watch: OneshotWatch, kind: EventType, path: &str) {
    let event = within("the watch fires", watch).await.unwrap();
    assert_eq!((event.kind, &*event.path), (kind, path));
}

#[tokio::test]
async fn exists_reports_creation_change_and_deletion() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let (stat, watch) = client.exists("/a").watch().await.unwrap();
    assert_eq!(stat, None);
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    fires(watch, EventType::NodeCreated, "/a").await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    other.set("/a", b"1").await.unwrap();
    fires(watch, EventType::NodeDataChanged, "/a").await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    other.delete("/a").await.unwrap();
    fires(watch, EventType::NodeDeleted, "/a").await;
}

#[tokio::test]
async fn get_reports_change_and_deletion() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    other.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    let (data, _, watch) = client.get("/a").watch().await.unwrap();
    assert_eq!(&data[..], b"0");
    other.set("/a", b"1").await.unwrap();
    fires(watch, EventType::NodeDataChanged, "/a").await;
    let (data, _, watch) = client.get("/a").watch().await.unwrap();
    assert_eq!(&data[..], b"1");
    other.delete("/a").await.unwrap();
    fires(watch, EventType::NodeDeleted, "/a").await;
}

#[tokio::test]
async fn children_reports_what_comes_and_goes_and_the_nodes_own_end() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    other.create("/p", b"", CreateMode::Persistent).await.unwrap();
    let (names, _, watch) = client.children("/p").watch().await.unwrap();
    assert!(names.is_empty());
    other.set("/p", b"a change that is none of the children's").await.unwrap();
    other.create("/p/a", b"", CreateMode::Persistent).await.unwrap();
    fires(watch, EventType::NodeChildrenChanged, "/p").await;
    let (names, _, watch) = client.children("/p").watch().await.unwrap();
    assert_eq!(names, ["a"]);
    other.delete("/p/a").await.unwrap();
    fires(watch, EventType::NodeChildrenChanged, "/p").await;
    let (_, _, watch) = client.children("/p").watch().await.unwrap();
    other.delete("/p").await.unwrap();
    fires(watch, EventType::NodeDeleted, "/p").await;
}

#[tokio::test]
async fn every_watch_of_a_node_fires_at_one_change() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, first) = client.get("/a").watch().await.unwrap();
    let (_, _, second) = client.get("/a").watch().await.unwrap();
    let (_, third) = client.exists("/a").watch().await.unwrap();
    let (_, _, fourth) = client.children("/a").watch().await.unwrap();
    other.delete("/a").await.unwrap();
    for watch in [first, second, third, fourth] {
        fires(watch, EventType::NodeDeleted, "/a").await;
    }
}

#[tokio::test]
async fn an_event_comes_before_the_read_that_shows_its_change() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    other.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    for _ in 0..20 {
        let (before, stat, watch) = client.get("/a").watch().await.unwrap();
        let writing = other.set("/a", b"1").send();
        // Reads until one shows the change; by then the watch must have fired.
        let reading = async { while client.get("/a").await.unwrap().1.version == stat.version {} };
        within("the change shows", reading).await;
        let fired = futures_util::FutureExt::now_or_never(watch);
        assert!(fired.is_some(), "version {} replaced {before:?} unannounced", stat.version);
        writing.await.unwrap();
    }
}

#[tokio::test]
async fn watches_end_with_their_client() {
    let target = Target::start().await;
    let client = target.client().await;
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    client.close().await.unwrap();
    assert!(within("the watch ends", watch).await.is_err());
}
