//! ACLs and who one is.

use tests::{Target, Transport};
use zk_client::{Acl, Client, CreateMode, Error, Permissions};

const CREDENTIALS: &[u8] = b"user:secret";

fn denied<T>(result: zk_client::Result<T>) -> bool {
    matches!(result, Err(Error::NoAuth { .. }))
}

async fn schemes(client: &Client) -> Vec<String> {
    let identities = client.who_am_i().await.unwrap();
    let mut schemes: Vec<_> = identities.into_iter().map(|identity| identity.scheme).collect();
    schemes.sort_unstable();
    schemes
}

/// The schemes of a client that has shown more than its connection does.
fn known_by(added: &[&'static str]) -> Vec<&'static str> {
    let mut schemes = Transport::of_environment().schemes();
    schemes.extend(added);
    schemes.sort_unstable();
    schemes
}

#[tokio::test]
async fn a_node_of_its_creator_is_closed_to_strangers() {
    let target = Target::start().await;
    let owner = target.builder().auth_digest("user", "secret").connect().await.unwrap();
    let stranger = target.stranger().await;
    owner.create("/mine", b"1", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    assert!(denied(stranger.get("/mine").await));
    assert!(denied(stranger.set("/mine", b"2").await));
    assert!(denied(stranger.children("/mine").await));
    assert!(denied(stranger.create("/mine/x", b"", CreateMode::Persistent).await));
    assert!(denied(stranger.set_acl("/mine", Acl::open()).await));
    owner.create("/mine/x", b"", CreateMode::Persistent).await.unwrap();
    assert!(denied(stranger.delete("/mine/x").await));
    assert_eq!(&owner.get("/mine").await.unwrap().0[..], b"1");
}

#[tokio::test]
async fn credentials_added_later_count_at_once() {
    let target = Target::start().await;
    let owner = target.builder().auth_digest("user", "secret").connect().await.unwrap();
    let late = target.stranger().await;
    owner.create("/mine", b"1", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    assert!(denied(late.get("/mine").await));
    late.add_auth("digest", CREDENTIALS).await.unwrap();
    assert_eq!(&late.get("/mine").await.unwrap().0[..], b"1");
    assert_eq!(schemes(&late).await, known_by(&["digest"]));
}

#[tokio::test]
async fn acls_are_read_set_and_versioned() {
    let target = Target::start().await;
    let client = target.builder().auth_digest("user", "secret").connect().await.unwrap();
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let (acl, stat) = client.get_acl("/a").await.unwrap();
    assert_eq!((acl, stat.aversion), (Acl::open(), 0));
    let wanted = vec![
        Acl::new(Permissions::READ, "world", "anyone"),
        Acl::new(Permissions::ALL, "digest", "user:5w9W4eL3797Y4Wq8AcKUPPk8ha4="),
    ];
    let stat = client.set_acl("/a", wanted.clone()).version(0).await.unwrap();
    assert_eq!((stat.aversion, stat.version, stat.mzxid), (1, 0, stat.czxid));
    assert_eq!(client.get_acl("/a").await.unwrap().0, wanted);
    let error = client.set_acl("/a", Acl::open()).version(0).await.unwrap_err();
    assert!(matches!(error, Error::BadVersion { .. }), "{error}");
    let stranger = target.client().await;
    let (seen, _) = stranger.get_acl("/a").await.unwrap();
    assert_eq!(seen[1].id, "user:x", "a digest is not for those who may not set the ACL");
}

#[tokio::test]
async fn credentials_are_sent_again_after_a_reconnect() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let owner =
        target.builder_through(&proxy).auth_digest("user", "secret").connect().await.unwrap();
    owner.add_auth("digest", b"second:word").await.unwrap();
    owner.create("/mine", b"1", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    proxy.cut();
    assert_eq!(&owner.get("/mine").await.unwrap().0[..], b"1");
    assert_eq!(schemes(&owner).await, known_by(&["digest", "digest"]));
}

#[tokio::test]
async fn a_scheme_the_server_does_not_know_is_refused() {
    let target = Target::start().await;
    let client = target.client().await;
    let error = client.add_auth("nonsense", b"x").await.unwrap_err();
    assert!(matches!(error, Error::AuthFailed { .. }), "{error}");
}
