//! What the client can ask about itself and the tree.

use tests::{Target, Transport};
use zk_client::CreateMode;

#[tokio::test]
async fn a_session_lists_its_own_ephemerals() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    client.create("/p", b"", CreateMode::Persistent).await.unwrap();
    for path in ["/a", "/p/b", "/p/c"] {
        client.create(path, b"", CreateMode::Ephemeral).await.unwrap();
    }
    other.create("/other", b"", CreateMode::Ephemeral).await.unwrap();
    let mut all = client.ephemerals("/").await.unwrap();
    all.sort();
    assert_eq!(all, ["/a", "/p/b", "/p/c"]);
    let mut below = client.ephemerals("/p").await.unwrap();
    below.sort();
    assert_eq!(below, ["/p/b", "/p/c"]);
    assert_eq!(other.ephemerals("/").await.unwrap(), ["/other"]);
}

#[tokio::test]
async fn the_root_is_there_and_counts_everything() {
    let target = Target::start().await;
    let client = target.client().await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    client.create("/a/b", b"", CreateMode::Persistent).await.unwrap();
    let root = client.exists("/").await.unwrap().unwrap();
    assert_eq!(root.num_children, 1);
    assert_eq!(client.all_children_number("/").await.unwrap(), 2);
}

#[tokio::test]
async fn everyone_is_someone_by_address_and_by_what_the_connection_showed() {
    let target = Target::start().await;
    let identities = target.client().await.who_am_i().await.unwrap();
    let mut schemes: Vec<_> = identities.iter().map(|identity| &identity.scheme[..]).collect();
    schemes.sort_by_key(|scheme| ["ip", "x509", "sasl"].iter().position(|known| known == scheme));
    assert_eq!(schemes, Transport::of_environment().schemes(), "{identities:?}");
    for identity in &identities {
        match &identity.scheme[..] {
            "ip" => assert!(identity.user.parse::<std::net::IpAddr>().is_ok(), "{identities:?}"),
            "x509" => assert_eq!(identity.user, "CN=tests"),
            _ => assert_eq!(identity.user, "tests"),
        }
    }
}

#[tokio::test]
async fn the_negotiated_timeout_is_within_the_servers_bounds() {
    let target = Target::start().await;
    let client = target.client().await;
    assert_eq!(client.session_timeout(), Some(Target::SESSION_TIMEOUT));
    let tiny = std::time::Duration::from_millis(1);
    let client = target.builder().session_timeout(tiny).connect().await.unwrap();
    assert!(client.session_timeout().unwrap() > tiny);
    assert!(client.session_id().is_some());
}
