//! Reading, writing, deleting; versions and counters.

use tests::Target;
use zk_client::{CreateMode, Error};

#[tokio::test]
async fn each_set_counts_the_version_up() {
    let target = Target::start().await;
    let client = target.client().await;
    let created = client.create("/a", b"0", CreateMode::Persistent).await.unwrap().stat;
    for version in 1..=3 {
        assert_eq!(client.set("/a", b"x").await.unwrap().version, version);
    }
    let stat = client.set("/a", b"four").version(3).await.unwrap();
    assert_eq!((stat.version, stat.data_length), (4, 4));
    assert_eq!((stat.czxid, stat.ctime), (created.czxid, created.ctime));
    assert!(stat.mzxid > created.mzxid);
    assert_eq!(stat.pzxid, created.czxid);
}

#[tokio::test]
async fn a_version_that_is_not_the_nodes_changes_nothing() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    let error = client.set("/a", b"x").version(7).await.unwrap_err();
    assert!(matches!(&error, Error::BadVersion { path } if path == "/a"), "{error}");
    let error = client.delete("/a").version(7).await.unwrap_err();
    assert!(matches!(error, Error::BadVersion { .. }), "{error}");
    assert_eq!(&client.get("/a").await.unwrap().0[..], b"0");
    client.delete("/a").version(0).await.unwrap();
    assert_eq!(client.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_read_set_or_deleted() {
    let target = Target::start().await;
    let client = target.client().await;
    let errors = [
        client.get("/none").await.unwrap_err(),
        client.set("/none", b"").await.unwrap_err(),
        client.delete("/none").await.unwrap_err(),
        client.children("/none").await.unwrap_err(),
        client.get_acl("/none").await.unwrap_err(),
        client.all_children_number("/none").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, Error::NoNode { path } if path == "/none"), "{error}");
        assert!(!error.is_outcome_unknown() && !error.is_retryable());
    }
    assert_eq!(client.exists("/none").await.unwrap(), None);
}

#[tokio::test]
async fn children_are_listed_and_counted() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/p", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(client.children("/p").await.unwrap().0, [""; 0]);
    for name in ["b", "a", "c"] {
        client.create(&format!("/p/{name}"), b"", CreateMode::Persistent).await.unwrap();
    }
    client.create("/p/a/deep", b"", CreateMode::Persistent).await.unwrap();
    client.delete("/p/c").await.unwrap();
    let (mut names, stat) = client.children("/p").await.unwrap();
    names.sort();
    assert_eq!(names, ["a", "b"]);
    assert_eq!((stat.num_children, stat.cversion), (2, 4));
    assert_eq!(client.all_children_number("/p").await.unwrap(), 3);
    let error = client.delete("/p").await.unwrap_err();
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
}

#[tokio::test]
async fn sync_shows_what_another_client_was_told() {
    let target = Target::start().await;
    let (writer, reader) = (target.client().await, target.client().await);
    writer.create("/a", b"", CreateMode::Persistent).await.unwrap();
    for round in 0..10_u8 {
        writer.set("/a", &[round]).await.unwrap();
        reader.sync("/a").await.unwrap();
        assert_eq!(reader.get("/a").await.unwrap().0[..], [round]);
    }
}
