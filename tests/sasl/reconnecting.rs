//! Each connection authenticates anew, before anything of the old one goes on.

use tests::within;
use zk_client::sasl::Sasl;
use zk_client::{Acl, CreateMode, EventType};

use crate::server::{Kind, Server, builder, unique};

#[tokio::test]
async fn a_client_is_the_same_user_on_each_connection() {
    let server = Server::start(Kind::Login).await;
    let proxy = server.proxy().await;
    let sasl = Sasl::digest_md5("bob", "builder");
    let bob = within("a session", builder(proxy.address()).sasl(sasl).connect()).await.unwrap();
    let path = unique("again");
    bob.create(&path, b"0", CreateMode::Ephemeral).acl(Acl::creator_all()).await.unwrap();
    let session = bob.session_id();
    for _ in 0..5 {
        proxy.cut();
        let (data, _) = within("a read after the cut", bob.get(&path)).await.unwrap();
        assert_eq!(data, "0");
    }
    assert_eq!(bob.session_id(), session);
}

#[tokio::test]
async fn watches_are_set_again_by_who_may() {
    let server = Server::start(Kind::Login).await;
    let proxy = server.proxy().await;
    let sasl = Sasl::digest_md5("bob", "builder");
    let bob = within("a session", builder(proxy.address()).sasl(sasl).connect()).await.unwrap();
    let path = unique("watched");
    bob.create(&path, b"0", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    let (_, _, watch) = bob.get(&path).watch().await.unwrap();
    proxy.refuse();
    server.client_as("bob").await.set(&path, b"1").await.unwrap();
    proxy.heal();
    let event = within("what happened meanwhile", watch).await.unwrap();
    assert_eq!(event.kind, EventType::NodeDataChanged);
    assert_eq!(bob.get(&path).await.unwrap().0, "1");
}
