//! Several operations in one request.

use zk_client::{Acl, CreateMode, Error, MultiResult, ReadResult};

use crate::fixture::{client, server};

#[tokio::test]
async fn all_operations_of_a_multi_are_applied_and_answered_in_order() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"v0", CreateMode::Persistent).await.unwrap();
    client.create("/c", b"", CreateMode::Persistent).await.unwrap();
    let results = client
        .multi()
        .check("/a", 0)
        .set_version("/a", b"v1", 0)
        .create("/b", b"", CreateMode::Persistent)
        .create_with_acl("/b/n-", b"", CreateMode::PersistentSequential, Acl::read_only())
        .delete("/c")
        .commit()
        .await
        .unwrap();
    let [MultiResult::Checked, MultiResult::Set { stat }, created @ .., MultiResult::Deleted] =
        &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!(stat.version, 1);
    let path = |path: &str| MultiResult::Created { path: path.to_owned() };
    assert_eq!(created, [path("/b"), path("/b/n-0000000000")]);
    assert_eq!(client.exists("/c").await.unwrap(), None);
}

#[tokio::test]
async fn a_multi_that_fails_names_the_operation_and_changes_nothing() {
    let server = server().await;
    let client = client(&server).await;
    let error = client
        .multi()
        .create("/a", b"", CreateMode::Persistent)
        .set("/missing", b"")
        .delete("/a")
        .commit()
        .await
        .unwrap_err();
    let path = "/missing".to_owned();
    let source = Box::new(Error::NoNode { path: path.clone() });
    assert_eq!(error, Error::Multi { index: 1, path, source });
    assert_eq!(client.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn an_invalid_path_in_a_multi_is_named_before_anything_is_sent() {
    let server = server().await;
    let client = client(&server).await;
    let error = client.multi().check_exists("/").delete("a").commit().await.unwrap_err();
    assert!(
        matches!(&error, Error::Multi { index: 1, source, .. }
        if matches!(**source, Error::InvalidPath { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_multi_succeeds() {
    let server = server().await;
    let client = client(&server).await;
    assert_eq!(client.multi().commit().await.unwrap(), []);
}

#[tokio::test]
async fn each_read_of_a_multi_read_has_its_own_result() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"x", CreateMode::Persistent).await.unwrap();
    let results = client.multi_read().get("/a").get("/missing").children("/").await.unwrap();
    let [ReadResult::Data { data, stat }, ReadResult::Failed(error), children] = &results[..]
    else {
        panic!("{results:?}");
    };
    assert_eq!((&data[..], stat.version), (&b"x"[..], 0));
    assert_eq!(*error, Error::NoNode { path: "/missing".to_owned() });
    let ReadResult::Children { children } = children else { panic!("{children:?}") };
    assert!(children.contains(&"a".to_owned()), "{children:?}");
}
