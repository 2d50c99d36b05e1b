//! Writes that take effect only while a node exists.

use tests::Target;
use zk_client::{Acl, CreateMode, Error, ErrorCode, MultiResult};

#[tokio::test]
async fn writes_are_done_while_the_guard_holds() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/guard", b"", CreateMode::Ephemeral).await.unwrap();
    let mine = client.guarded_by("/guard");
    assert_eq!(mine.create("/a", b"1", CreateMode::Persistent).await.unwrap(), "/a");
    let create = mine.create("/a/n-", b"", CreateMode::PersistentSequential);
    assert_eq!(create.acl(Acl::read_only()).await.unwrap(), "/a/n-0000000000");
    assert_eq!(client.get_acl("/a/n-0000000000").await.unwrap().0, Acl::read_only());
    let stat = mine.set("/a", b"2").version(0).await.unwrap();
    assert_eq!(stat, client.exists("/a").await.unwrap().unwrap());
    mine.delete("/a/n-0000000000").version(0).await.unwrap();
    let results = mine.multi().set("/a", b"3").delete("/a").await.unwrap();
    let [MultiResult::Set { stat }, MultiResult::Deleted] = &results[..] else {
        panic!("{results:?}")
    };
    assert_eq!(stat.version, 2);
    assert_eq!(mine.multi().await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_written_when_the_guard_is_gone_or_changed() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/guard", b"", CreateMode::Persistent).await.unwrap();
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    client.set("/guard", b"").await.unwrap();
    let guards = [
        ("/guard", 0, ErrorCode::BadVersion),
        ("/none", 0, ErrorCode::NoNode),
        ("/none", -1, ErrorCode::NoNode),
    ];
    for (path, version, code) in guards {
        let guarded = client.guarded_by(path).version(version);
        let errors = [
            guarded.create("/b", b"", CreateMode::Persistent).await.unwrap_err(),
            guarded.set("/a", b"x").await.unwrap_err(),
            guarded.delete("/a").await.unwrap_err(),
            guarded.multi().set("/a", b"x").delete("/missing").await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(&error, Error::GuardFailed { path: guard, .. } if guard == path));
            assert_eq!(error.code(), Some(code));
            assert!(!error.is_retryable() && !error.is_outcome_unknown());
        }
    }
    assert_eq!(client.exists("/b").await.unwrap(), None);
    assert_eq!(client.exists("/a").await.unwrap().unwrap().version, 0);
    client.guarded_by("/guard").version(1).delete("/a").await.unwrap();
}

#[tokio::test]
async fn a_write_that_fails_by_itself_says_so_as_if_it_were_alone() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/guard", b"", CreateMode::Persistent).await.unwrap();
    let guarded = client.guarded_by("/guard");
    let path = || "/a".to_owned();
    assert_eq!(guarded.set("/a", b"").await, Err(Error::NoNode { path: path() }));
    assert_eq!(guarded.delete("/a").await, Err(Error::NoNode { path: path() }));
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let create = guarded.create("/a", b"", CreateMode::Persistent);
    assert_eq!(create.await, Err(Error::NodeExists { path: path() }));
    assert_eq!(guarded.set("/a", b"").version(7).await, Err(Error::BadVersion { path: path() }));
    let error = guarded.multi().delete("/a").delete("/a").await.unwrap_err();
    assert!(matches!(&error, Error::Multi { index: 1, .. }), "{error}");
    let error = guarded.set("a", b"").await.unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
    let error = client.guarded_by("a").set("/a", b"").await.unwrap_err();
    assert!(matches!(error, Error::GuardFailed { .. }), "{error}");
    let old = guarded.in_session(client.session_epoch() - 1);
    assert_eq!(old.delete("/a").await, Err(Error::SessionExpired));
}
