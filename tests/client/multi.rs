//! Several operations as one.

use tests::Target;
use zk_client::{CreateMode, Error, MultiResult, ReadResult};

#[tokio::test]
async fn all_of_a_multi_takes_effect_under_one_zxid() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    client.create("/gone", b"", CreateMode::Persistent).await.unwrap();
    let multi = client.multi().check("/a", 0).set_version("/a", b"1", 0);
    let multi = multi.create("/a/b", b"b", CreateMode::Persistent).delete("/gone");
    let results =
        multi.create("/a/n-", b"", CreateMode::EphemeralSequential).commit().await.unwrap();
    assert_eq!(results.len(), 5);
    assert!(matches!(results[0], MultiResult::Checked));
    assert!(matches!(&results[1], MultiResult::Set { stat } if stat.version == 1));
    assert!(matches!(&results[2], MultiResult::Created { path } if path == "/a/b"));
    assert!(matches!(results[3], MultiResult::Deleted));
    assert!(matches!(&results[4], MultiResult::Created { path } if path == "/a/n-0000000001"));
    let (data, stat) = client.get("/a").await.unwrap();
    assert_eq!(&data[..], b"1");
    let child = client.exists("/a/b").await.unwrap().unwrap();
    assert_eq!((stat.mzxid, stat.pzxid), (child.czxid, child.czxid));
    assert_eq!(client.exists("/gone").await.unwrap(), None);
}

#[tokio::test]
async fn a_multi_sees_its_own_earlier_parts() {
    let target = Target::start().await;
    let client = target.client().await;
    let multi = client.multi().create("/a", b"", CreateMode::Persistent);
    let multi = multi.create("/a/b", b"", CreateMode::Persistent).check("/a/b", 0);
    multi.delete("/a/b").delete_version("/a", 0).commit().await.unwrap();
    assert_eq!(client.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_multi_changes_nothing_and_names_the_part() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    let multi = client.multi().set("/a", b"1").create("/b", b"", CreateMode::Persistent);
    let error = multi.delete("/none").set("/a", b"2").commit().await.unwrap_err();
    let Error::Multi { index, path, source } = &error else { panic!("{error}") };
    assert_eq!((*index, path.as_str()), (2, "/none"));
    assert!(matches!(**source, Error::NoNode { .. }), "{source}");
    assert_eq!(&client.get("/a").await.unwrap().0[..], b"0");
    assert_eq!(client.exists("/b").await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_check_fails_the_multi() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let error = client.multi().check("/a", 5).set("/a", b"1").commit().await.unwrap_err();
    let Error::Multi { index: 0, source, .. } = &error else { panic!("{error}") };
    assert!(matches!(**source, Error::BadVersion { .. }), "{source}");
}

#[tokio::test]
async fn reads_of_a_multi_read_fail_alone() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"0", CreateMode::Persistent).await.unwrap();
    client.create("/a/b", b"", CreateMode::Persistent).await.unwrap();
    let results = client.multi_read().get("/a").children("/a").get("/none").await.unwrap();
    assert!(
        matches!(&results[0], ReadResult::Data { data, stat } if &data[..] == b"0" && stat.num_children == 1)
    );
    assert!(matches!(&results[1], ReadResult::Children { children } if *children == ["b"]));
    assert!(matches!(&results[2], ReadResult::Failed(Error::NoNode { path }) if path == "/none"));
}
