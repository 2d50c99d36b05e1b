//! Every create mode, and what a create can be refused for.

use std::time::Duration;

use tests::{Target, Transport, within};
use zk_client::{Acl, CreateMode, Error, SessionId};

#[tokio::test]
async fn persistent_nodes_carry_their_data_and_a_fresh_stat() {
    let target = Target::start().await;
    let client = target.client().await;
    let created = client.create("/a", b"data", CreateMode::Persistent).await.unwrap();
    assert_eq!(created.path, "/a");
    assert_eq!((created.stat.version, created.stat.data_length), (0, 4));
    assert_eq!(created.stat.czxid, created.stat.mzxid);
    assert_eq!(created.stat.ephemeral_owner, SessionId::NONE);
    let (data, stat) = client.get("/a").await.unwrap();
    assert_eq!(&data[..], b"data");
    assert_eq!(stat, created.stat);
}

#[tokio::test]
async fn ephemeral_nodes_belong_to_the_session_and_go_with_it() {
    let target = Target::start().await;
    let (owner, other) = (target.client().await, target.client().await);
    let created = owner.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(created.stat.ephemeral_owner, owner.session_id().unwrap());
    let (stat, gone) = other.exists("/e").watch().await.unwrap();
    assert_eq!(stat.unwrap(), created.stat);
    owner.close().await.unwrap();
    within("the ephemeral node goes", gone).await.unwrap();
    assert_eq!(other.exists("/e").await.unwrap(), None);
}

#[tokio::test]
async fn sequential_names_count_every_create_under_the_parent() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    let mut names = Vec::new();
    for mode in [CreateMode::PersistentSequential, CreateMode::EphemeralSequential] {
        let created = client.create("/q/n-", b"", mode).await.unwrap();
        assert_eq!(created.sequence().unwrap(), i32::try_from(names.len()).unwrap());
        names.push(created.path);
    }
    let plain = client.create("/q/plain", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(plain.sequence(), None);
    client.delete("/q/plain").await.unwrap();
    names.push(client.create("/q/", b"", CreateMode::PersistentSequential).await.unwrap().path);
    assert_eq!(names, ["/q/n-0000000000", "/q/n-0000000001", "/q/0000000003"]);
}

#[tokio::test]
async fn containers_and_nodes_with_a_ttl_look_persistent() {
    let target = Target::start().await;
    let client = target.client().await;
    let container = client.create("/c", b"c", CreateMode::Container).await.unwrap();
    assert_eq!(container.stat.ephemeral_owner, SessionId::NONE);
    for mode in [CreateMode::PersistentWithTtl, CreateMode::PersistentSequentialWithTtl] {
        let created = client.create("/t", b"t", mode).ttl(Duration::from_secs(600)).await.unwrap();
        assert_eq!(created.stat.ephemeral_owner, SessionId::NONE);
        assert_eq!(&client.get(&created.path).await.unwrap().0[..], b"t");
    }
    client.create("/c/child", b"", CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn an_emptied_container_and_a_node_past_its_ttl_go_away() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/c", b"", CreateMode::Container).await.unwrap();
    client.create("/c/child", b"", CreateMode::Persistent).await.unwrap();
    let ttl = Duration::from_millis(1);
    client.create("/t", b"", CreateMode::PersistentWithTtl).ttl(ttl).await.unwrap();
    let (_, container_gone) = client.exists("/c").watch().await.unwrap();
    client.delete("/c/child").await.unwrap();
    within("the container goes", container_gone).await.unwrap();
    if let (Some(_), ttl_gone) = client.exists("/t").watch().await.unwrap() {
        within("the node with a ttl goes", ttl_gone).await.unwrap();
    }
}

#[tokio::test]
async fn creates_are_refused_by_the_rule_they_break() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let persistent = CreateMode::Persistent;
    let error = client.create("/none/x", b"", persistent).await.unwrap_err();
    assert!(matches!(&error, Error::NoNode { path } if path == "/none/x"), "{error}");
    let error = client.create("/e", b"", persistent).await.unwrap_err();
    assert!(matches!(&error, Error::NodeExists { path } if path == "/e"), "{error}");
    let error = client.create("/e/x", b"", persistent).await.unwrap_err();
    assert!(matches!(error, Error::NoChildrenForEphemerals { .. }), "{error}");
    if Transport::of_environment().is_plain() {
        // Only for those who are somebody.
        let refused = client.create("/x", b"", persistent).acl(Acl::creator_all()).await;
        assert!(matches!(refused, Err(Error::InvalidAcl { .. })), "{refused:?}");
    }
    for path in ["", "x", "/x/", "//x", "/x/../y", "/x\0"] {
        let error = client.create(path, b"", persistent).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPath { .. }), "{path:?}: {error}");
    }
    assert!(client.is_connected(), "a refusal costs nothing");
}

#[tokio::test]
async fn odd_names_and_every_size_of_data_come_back() {
    let target = Target::start().await;
    let client = target.client().await;
    for name in ["größe-☃", "with space", "a,b", "...", "100%"] {
        let path = format!("/{name}");
        client.create(&path, name.as_bytes(), CreateMode::Persistent).await.unwrap();
        assert_eq!(&client.get(&path).await.unwrap().0[..], name.as_bytes());
    }
    for size in [0, 1, 4_095, 65_536, 1_000_000] {
        let data: Vec<u8> = (0..=250).cycle().take(size).collect();
        client.set("/...", &data).await.unwrap();
        assert!(client.get("/...").await.unwrap().0 == data, "{size} bytes");
    }
}
