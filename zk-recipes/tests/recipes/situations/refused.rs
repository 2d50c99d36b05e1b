//! ACLs that refuse: every recipe says so, and leaves nothing.

use std::fmt::Debug;

use zk_client::{Acl, Client, CreateMode, Error as ClientError, Permissions};
use zk_recipes::persistent_node::NodeState;
use zk_recipes::registry::RegistrationState;
use zk_recipes::{
    AtomicValue, Barrier, Cache, Config, Counter, DoubleBarrier, Error, Group, IdGenerator,
    PersistentNode, Queue, Rendezvous, ServiceRegistry,
};

use super::api;
use crate::support::{children, client, server, soon, until};

/// A client, and a directory in which it may only read.
async fn read_only() -> (zk_server::testing::TestServer, Client) {
    let server = server().await;
    let client = client(&server).await;
    let acl = [Acl::new(Permissions::READ, "world", "anyone")];
    client.create("/a", b"", CreateMode::Persistent).acl(acl).await.unwrap();
    (server, client)
}

fn is_refused<T: Debug>(result: Result<T, Error>) {
    match result {
        Err(Error::Client(ClientError::NoAuth { .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_may_not_be_made_is_an_error() {
    let (_server, client) = read_only().await;
    is_refused(soon(Barrier::new(&client, "/a/x").set()).await);
    is_refused(soon(DoubleBarrier::new(&client, "/a/x", 1).enter()).await.map(drop));
    is_refused(soon(Queue::new(&client, "/a/x").put("")).await);
    is_refused(soon(Counter::new(&client, "/a/x").add(1)).await);
    is_refused(soon(AtomicValue::new(&client, "/a/x").set("")).await);
    is_refused(soon(IdGenerator::new(&client, "/a/x").next()).await);
    is_refused(soon(PersistentNode::start(&client, "/a/x", "")).await);
    is_refused(soon(Group::new(&client, "/a").join("x", "")).await);
    is_refused(soon(Rendezvous::open(&client, "/a")).await);
    is_refused(soon(ServiceRegistry::new(&client, "/a").register(api("x"))).await);
    let config = soon(Config::<u32>::watch(&client, "/a/x")).await.unwrap();
    is_refused(soon(config.publish(&1, None)).await);
    assert!(children(&client, "/a").await.is_empty());
}

#[tokio::test]
async fn what_may_not_be_read_is_an_error() {
    let server = server().await;
    let client = client(&server).await;
    let blind = Permissions::WRITE | Permissions::CREATE | Permissions::DELETE;
    let acl = [Acl::new(blind, "world", "anyone")];
    client.create("/a", b"", CreateMode::Persistent).acl(acl).await.unwrap();
    is_refused(soon(Cache::tree(&client, "/a")).await);
    is_refused(soon(Group::new(&client, "/a").watch()).await);
    is_refused(soon(Queue::new(&client, "/a").try_take()).await);
    is_refused(soon(Queue::new(&client, "/a").claim()).await);
    is_refused(soon(Counter::new(&client, "/a").get()).await);
    is_refused(soon(Config::<u32>::watch(&client, "/a")).await);
    is_refused(soon(Rendezvous::meet(&client, "/a")).await);
    client.create("/a/api", b"", CreateMode::Persistent).await.unwrap();
    is_refused(soon(ServiceRegistry::new(&client, "/").watch("a")).await);
}

#[tokio::test]
async fn what_is_refused_later_fails_until_it_is_allowed_again() {
    let server = server().await;
    let (client, admin) = (client(&server).await, client(&server).await);
    let all = [Acl::new(Permissions::ALL, "world", "anyone")];
    let no_create = Permissions::READ | Permissions::DELETE | Permissions::ADMIN;
    let no_create = [Acl::new(no_create, "world", "anyone")];
    let node = soon(PersistentNode::start(&client, "/a/n", "")).await.unwrap();
    let registry = ServiceRegistry::new(&client, "/");
    let registration = soon(registry.register(api("1"))).await.unwrap();
    for directory in ["/a", "/api"] {
        admin.set_acl(directory, no_create.clone()).await.unwrap();
    }
    admin.delete("/a/n").await.unwrap();
    admin.delete("/api/1").await.unwrap();
    soon(node.wait_for(|state| matches!(state, NodeState::Failing { .. }))).await;
    let failing = |state: &RegistrationState| matches!(state, RegistrationState::Failing { .. });
    soon(registration.wait_for(failing)).await;
    for directory in ["/a", "/api"] {
        admin.set_acl(directory, all.clone()).await.unwrap();
    }
    soon(node.wait_for(|state| *state == NodeState::Present)).await;
    soon(registration.wait_for(|state| *state == RegistrationState::Registered)).await;
    until(|| async { admin.exists("/api/1").await.unwrap().is_some() }).await;
}
