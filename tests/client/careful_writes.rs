//! Writes that take care of what may happen between a request and its reply.

use std::time::Duration;

use tests::{CuttingProxy, Target, eventually, with_short_session, within};
use zk_client::{Acl, Client, CreateMode, Created, Error, Pending, Permissions, SessionId};

/// Long enough to write something to a socket, short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);

async fn children(client: &Client, path: &str) -> Vec<String> {
    client.children(path).await.unwrap().0
}

/// Sends a protected create and loses its reply, once the server has carried it out; `None` if the
/// session ends before.
async fn create_without_reply(
    client: &Client,
    proxy: &CuttingProxy,
    observer: &Client,
) -> Option<Pending<Created>> {
    let ended = client.session_ended(client.session_epoch());
    observer.create("/q", b"", CreateMode::Persistent).await.unwrap();
    let (_, _, created) = observer.children("/q").watch().await.unwrap();
    client.get("/").await.ok()?;
    proxy.swallow_replies();
    let mode = CreateMode::EphemeralSequential;
    let pending = client.create("/q/n-", b"x", mode).protected().send();
    tokio::select! {
        created = within("the server has carried out the create", created) => created.unwrap(),
        () = ended => return None,
    };
    Some(pending)
}

#[tokio::test]
async fn a_protected_create_is_found_again() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, observer) = (target.client_through(&proxy).await, target.client().await);
    let pending = create_without_reply(&client, &proxy, &observer).await.unwrap();
    proxy.cut();
    let created = within("the create", pending).await.unwrap();
    assert_eq!(Some(created.stat.ephemeral_owner), client.session_id());
    let children = children(&observer, "/q").await;
    assert_eq!(created.path, format!("/q/{}", children[0]));
    assert_eq!(children.len(), 1, "{children:?}");
    let (tag, rest) = children[0].split_at("_c_".len() + 36);
    assert!(
        tag.starts_with("_c_") && rest == "-n-0000000000",
        "as Curator writes it: {children:?}"
    );
}

#[tokio::test]
async fn what_a_protected_create_left_is_removed_when_nobody_waits_for_it() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, observer) = (target.client_through(&proxy).await, target.client().await);
    drop(create_without_reply(&client, &proxy, &observer).await.unwrap());
    proxy.cut();
    let is_empty = async || children(&observer, "/q").await.is_empty();
    eventually("the stray is removed", is_empty).await;
}

#[tokio::test]
async fn a_protected_create_is_not_taken_over_from_a_former_session() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let builder = target.builder_through(&proxy).session_timeout(session);
        let (client, observer) = (builder.connect().await.unwrap(), target.client().await);
        let pending = create_without_reply(&client, &proxy, &observer).await?;
        let (names, _, gone) = observer.children("/q").watch().await.unwrap();
        names.first()?;
        proxy.refuse();
        within("the server ends the session", gone).await.unwrap();
        proxy.heal();
        let error = within("the create", pending).await.unwrap_err();
        assert_eq!(error, Error::SessionExpired);
        assert_eq!(children(&observer, "/q").await, [""; 0]);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_protected_create_that_runs_out_of_time_leaves_nothing() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, observer) = (target.client_through(&proxy).await, target.client().await);
    observer.create("/q", b"", CreateMode::Persistent).await.unwrap();
    client.get("/").await.unwrap();
    proxy.swallow_replies();
    let create = client.create("/q/n-", b"", CreateMode::PersistentSequential).protected();
    let error = within("the create", create.timeout(SHORT)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { op: "create2", in_flight: true, .. }), "{error}");
    proxy.cut();
    let is_empty = async || children(&observer, "/q").await.is_empty();
    eventually("the stray is removed", is_empty).await;
}

#[tokio::test]
async fn parents_are_created_with_the_node() {
    let target = Target::start().await;
    let client = target.client().await;
    let mode = CreateMode::EphemeralSequential;
    let create = client.create("/a/b/c/n-", b"x", mode).with_parents();
    assert_eq!(create.await.unwrap().path, "/a/b/c/n-0000000000");
    let create = client.create("/a/b/d/e", b"x", CreateMode::Persistent);
    let open_to_creates = [Acl::new(Permissions::READ | Permissions::CREATE, "world", "anyone")];
    create.with_parents().parents_acl(open_to_creates.clone()).await.unwrap();
    assert_eq!(client.get_acl("/a/b/d").await.unwrap().0, open_to_creates);
    assert_eq!(client.get_acl("/a/b/d/e").await.unwrap().0, Acl::open());
    let read_only = client.create("/a/b/r", b"", CreateMode::Persistent).acl(Acl::read_only());
    read_only.await.unwrap();
    let create = client.create("/a/b/r/f/g", b"", CreateMode::Persistent).with_parents();
    let error = create.await.unwrap_err();
    assert_eq!(error, Error::NoAuth { path: "/a/b/r/f".to_owned() }, "the reason is named");
    let protected = client.create("/a/z/n-", b"", mode).with_parents().protected().await;
    assert!(protected.unwrap().path.starts_with("/a/z/_c_"));
    let error = client.create("/a/b", b"", CreateMode::Persistent).with_parents().await;
    assert_eq!(error, Err(Error::NodeExists { path: "/a/b".to_owned() }));
}

#[tokio::test]
async fn container_parents_go_with_their_last_child() {
    let target = Target::start().await;
    let client = target.client().await;
    let create = client.create("/a/b/c", b"", CreateMode::Ephemeral).with_container_parents();
    create.await.unwrap();
    let (_, gone) = client.exists("/a").watch().await.unwrap();
    client.delete("/a/b/c").await.unwrap();
    within("both containers go", gone).await.unwrap();
    // Gone or not, they are there when they are needed.
    for _ in 0..20 {
        let create = client.create("/a/b/c", b"", CreateMode::Ephemeral).with_container_parents();
        create.await.unwrap();
        client.delete("/a/b/c").await.unwrap();
    }
}

#[tokio::test]
async fn a_path_is_ensured_by_many_at_once() {
    let target = Target::start().await;
    let client = target.client().await;
    let all: Vec<_> = (0..16).map(|_| client.ensure_path("/a/b/c/d").send()).collect();
    for one in all {
        within("the path", one).await.unwrap();
    }
    client.ensure_path("/a/b").await.unwrap();
    client.ensure_path("/").await.unwrap();
    assert_eq!(children(&client, "/a/b/c").await, ["d"]);
    let missing = client.in_chroot("/x/y").unwrap();
    missing.ensure_path("/").await.unwrap();
    assert!(client.exists("/x/y").await.unwrap().is_some(), "the root of a client, too");
    client.create("/e", b"", CreateMode::Ephemeral).await.unwrap();
    let error = client.ensure_path("/e/a/b").await.unwrap_err();
    assert_eq!(error, Error::NoChildrenForEphemerals { path: "/e/a".to_owned() });
    let error = client.ensure_path("/a/").await.unwrap_err();
    assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
}

#[tokio::test]
async fn create_or_set_does_what_is_missing() {
    let target = Target::start().await;
    let client = target.client().await;
    let create = client.create("/a/b", b"1", CreateMode::Persistent).with_parents().or_set();
    assert_eq!(create.await.unwrap().stat.version, 0);
    let set = client.create("/a/b", b"2", CreateMode::Persistent).or_set().await.unwrap();
    assert_eq!((set.path.as_str(), set.stat.version), ("/a/b", 1));
    assert_eq!(&client.get("/a/b").await.unwrap().0[..], b"2");
}

#[tokio::test]
async fn an_idempotent_write_succeeds_where_its_effect_is_there() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let mode = CreateMode::Persistent;
    let created = client.create("/a", b"1", mode).await.unwrap();
    assert_eq!(client.create("/a", b"1", mode).idempotent().await.unwrap(), created);
    let exists = Error::NodeExists { path: "/a".to_owned() };
    assert_eq!(client.create("/a", b"2", mode).idempotent().await, Err(exists.clone()));
    let ephemeral = CreateMode::Ephemeral;
    assert_eq!(client.create("/a", b"1", ephemeral).idempotent().await, Err(exists));
    client.create("/e", b"", ephemeral).await.unwrap();
    client.create("/e", b"", ephemeral).idempotent().await.unwrap();
    let theirs = other.create("/e", b"", ephemeral).idempotent().await;
    assert_eq!(theirs, Err(Error::NodeExists { path: "/e".to_owned() }));
    assert_ne!(client.exists("/e").await.unwrap().unwrap().ephemeral_owner, SessionId::NONE);

    let stat = client.set("/a", b"2").version(0).await.unwrap();
    assert_eq!(client.set("/a", b"2").version(0).idempotent().await, Ok(stat));
    let bad_version = Err(Error::BadVersion { path: "/a".to_owned() });
    assert_eq!(client.set("/a", b"3").version(0).idempotent().await, bad_version);
    assert_eq!(client.set("/a", b"2").version(7).idempotent().await, bad_version);

    client.delete("/a").version(1).idempotent().await.unwrap();
    client.delete("/a").version(1).idempotent().await.unwrap();
    let gone = Err(Error::NoNode { path: "/a".to_owned() });
    assert_eq!(client.delete("/a").guaranteed().await, gone, "it was not this call");
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused_before_anything_is_sent() {
    let target = Target::start().await;
    let client = target.client().await;
    let sequential = CreateMode::PersistentSequential;
    for create in [
        client.create("/a-", b"", sequential).idempotent(),
        client.create("/a-", b"", sequential).or_set(),
        client.create("/a", b"", CreateMode::Persistent).protected().or_set(),
        client.create("/a", b"", CreateMode::Persistent).protected().idempotent(),
    ] {
        let error = create.await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
    }
    assert_eq!(children(&client, "/").await, [""; 0]);
}
