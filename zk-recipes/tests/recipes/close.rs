//! A client that is closed takes everything along.

use zk_client::Error as ClientError;
use zk_recipes::persistent_node::NodeState;
use zk_recipes::registry::RegistrationState;
use zk_recipes::{
    Error, LeaderLatch, Lock, LostReason, Partitioner, PersistentNode, ServiceInstance,
    ServiceRegistry,
};

use crate::support::{children, client, server, soon, until_children};

#[tokio::test]
async fn closing_the_client_leaves_no_node_and_ends_every_guard() {
    let server = server().await;
    let (closing, observer) = (client(&server).await, client(&server).await);
    let guard = soon(Lock::acquire(&closing, "/locks/x")).await.unwrap();
    let latch = soon(LeaderLatch::start(&closing, "/masters", "one")).await.unwrap();
    let term = soon(latch.lead()).await.unwrap();
    let registry = ServiceRegistry::new(&closing, "/services");
    let _registration = soon(registry.register(ServiceInstance::new("api", "h", 1))).await.unwrap();
    let waiting = closing.clone();
    let waiter = tokio::spawn(async move { Lock::acquire(&waiting, "/locks/x").await });
    until_children(&observer, "/locks/x", 2).await;

    soon(closing.close()).await.unwrap();
    for path in ["/locks/x", "/masters", "/services/api"] {
        assert!(children(&observer, path).await.is_empty(), "{path} is empty");
    }
    assert_eq!(soon(guard.lost()).await, LostReason::ClientClosed);
    assert!(!guard.is_held() && !term.is_held());
    let error = soon(waiter).await.unwrap().unwrap_err();
    assert_eq!(error, Error::Client(ClientError::Closed));
    assert!(matches!(soon(latch.lead()).await, Err(Error::LatchClosed { .. })));
}

#[tokio::test]
async fn closing_waits_for_dropped_guards_to_be_cleaned_up() {
    let server = server().await;
    let (closing, observer) = (client(&server).await, client(&server).await);
    for _ in 0..5 {
        drop(soon(Lock::acquire(&closing, "/locks/x")).await.unwrap());
    }
    soon(closing.close()).await.unwrap();
    assert!(children(&observer, "/locks/x").await.is_empty());
}

#[tokio::test]
async fn a_closed_client_is_refused() {
    let server = server().await;
    let client = client(&server).await;
    soon(client.close()).await.unwrap();
    let error = soon(Lock::acquire(&client, "/locks/x")).await.unwrap_err();
    assert_eq!(error, Error::Client(ClientError::Closed));
    assert!(soon(LeaderLatch::start(&client, "/masters", "one")).await.is_err());
    let registry = ServiceRegistry::new(&client, "/services");
    assert!(soon(registry.register(ServiceInstance::new("api", "h", 1))).await.is_err());
    assert!(soon(registry.watch("api")).await.is_err());
}

#[tokio::test]
async fn closing_the_client_is_told_to_who_waits_for_a_node_or_a_plan() {
    let server = server().await;
    let closing = client(&server).await;
    let node = soon(PersistentNode::start(&closing, "/node", "")).await.unwrap();
    let registry = ServiceRegistry::new(&closing, "/services");
    let registration = soon(registry.register(ServiceInstance::new("api", "h", 1))).await.unwrap();
    let plain = soon(Partitioner::join(&closing, "/shards", "one", ["a"])).await.unwrap();
    let kazoo = Partitioner::kazoo("/sets", "one").items(["a"]);
    let kazoo = soon(kazoo.join(&closing)).await.unwrap();

    soon(closing.close()).await.unwrap();
    soon(node.wait_for(|state| *state == NodeState::Closed)).await;
    soon(registration.wait_for(|state| *state == RegistrationState::Unregistered)).await;
    for partitioner in [plain, kazoo] {
        assert!(soon(partitioner.wait_for_plan(|_| false)).await.is_none());
    }
}
