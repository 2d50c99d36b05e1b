//! What the recipes ask of the server, counted.

use std::time::Duration;

use zk_client::{Client, CreateMode};
use zk_recipes::persistent_node::NodeState;
use zk_recipes::{
    Barrier, Config, Group, PersistentNode, PersistentTtlNode, Rendezvous, ServiceRegistry,
};
use zk_server::testing::TestServer;

use super::api;
use crate::support::{Proxy, client, connect, expire, server, soon, until};

const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// A client whose requests are counted, and one that makes what must be there before.
async fn world() -> (TestServer, Client, Proxy, Client) {
    let server = server().await;
    let other = client(&server).await;
    other.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    (server, other, proxy, client)
}

#[tokio::test]
async fn a_kept_node_costs_a_create_and_a_read_and_one_more_in_each_session() {
    let (server, other, proxy, client) = world().await;
    let node = soon(PersistentNode::start(&client, "/a/n", "")).await.unwrap();
    client.exists("/").await.unwrap();
    assert_eq!(proxy.requests(), 3, "the task behind the handle sleeps");
    expire(&server, &client);
    until(|| async {
        let stat = other.exists("/a/n").await.unwrap();
        client.session_epoch() == 2
            && stat.is_some_and(|stat| Some(stat.ephemeral_owner) == client.session_id())
    })
    .await;
    soon(node.wait_for(|state| *state == NodeState::Present)).await;
    assert_eq!(proxy.requests(), 6, "a read that finds nothing, a create, and a read");
}

#[tokio::test]
async fn joining_and_registering_cost_what_a_kept_node_costs() {
    let (server, other, proxy, client) = world().await;
    let membership = soon(Group::new(&client, "/a").join("one", "")).await.unwrap();
    client.exists("/").await.unwrap();
    assert_eq!(proxy.requests(), 3);
    drop(membership);
    other.create("/a/api", b"", CreateMode::Persistent).await.unwrap();
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let registration = soon(ServiceRegistry::new(&client, "/a").register(api("1"))).await.unwrap();
    client.exists("/").await.unwrap();
    assert_eq!(proxy.requests(), 3);
    drop(registration);
}

#[tokio::test]
async fn a_kept_ttl_node_costs_two_creates_a_read_and_a_write_that_finds_nothing() {
    let (_server, _other, proxy, client) = world().await;
    let node = soon(PersistentTtlNode::start(&client, "/a/n", "", LONG)).await.unwrap();
    client.exists("/").await.unwrap();
    assert_eq!(proxy.requests(), 5, "and this one");
    drop(node);
}

#[tokio::test]
async fn a_view_costs_a_watch_a_list_and_a_read_of_each_instance_and_of_each_change() {
    let (_server, other, proxy, client) = world().await;
    let theirs = ServiceRegistry::new(&other, "/a");
    let mut registrations = Vec::new();
    for id in ["1", "2", "3"] {
        registrations.push(soon(theirs.register(api(id))).await.unwrap());
    }
    let view = soon(ServiceRegistry::new(&client, "/a").watch("api")).await.unwrap();
    assert_eq!(proxy.requests(), 5);
    soon(registrations[0].update(api("1").with_payload(2))).await.unwrap();
    soon(view.wait_for(|all| all[0].payload == 2)).await.unwrap();
    assert_eq!(proxy.requests(), 6);
    for _ in 0..100 {
        assert!(view.pick().is_some() && view.provider().pick().is_some());
    }
    client.exists("/").await.unwrap();
    assert_eq!(proxy.requests(), 7, "picking asks nobody");
}

#[tokio::test]
async fn a_barrier_is_set_and_waited_at_for_one_request_and_removed_for_three() {
    let (_server, _other, proxy, client) = world().await;
    let barrier = Barrier::new(&client, "/a/b");
    soon(barrier.set()).await.unwrap();
    assert_eq!(proxy.requests(), 1);
    // Two at once, which tell what is to be deleted, and the delete.
    soon(barrier.remove()).await.unwrap();
    assert_eq!(proxy.requests(), 4);
    soon(barrier.wait()).await.unwrap();
    assert_eq!(proxy.requests(), 5);
}

#[tokio::test]
async fn a_rendezvous_is_opened_announced_and_met_for_one_request_each() {
    let (_server, _other, proxy, client) = world().await;
    let rendezvous = soon(Rendezvous::open(&client, "/a")).await.unwrap();
    assert_eq!(proxy.requests(), 1);
    soon(Rendezvous::announce(&client, rendezvous.path(), "here")).await.unwrap();
    assert_eq!(proxy.requests(), 2);
    soon(Rendezvous::meet(&client, rendezvous.path())).await.unwrap();
    assert_eq!(proxy.requests(), 3);
}

#[tokio::test]
async fn a_configuration_costs_a_read_for_each_change_and_a_write_for_each_publish() {
    let (_server, other, proxy, client) = world().await;
    other.create("/a/c", b"1", CreateMode::Persistent).await.unwrap();
    let config = soon(Config::<u32>::watch(&client, "/a/c")).await.unwrap();
    let before = proxy.requests();
    other.set("/a/c", b"2").await.unwrap();
    soon(config.wait_for(|state| state.value.as_deref() == Some(&2))).await.unwrap();
    assert_eq!(proxy.requests() - before, 1);
    soon(config.publish(&3, Some(1))).await.unwrap();
    soon(config.wait_for(|state| state.value.as_deref() == Some(&3))).await.unwrap();
    assert_eq!(proxy.requests() - before, 3, "the write, and the read of the change");
    soon(config.publish(&4, None)).await.unwrap();
    soon(config.wait_for(|state| state.value.as_deref() == Some(&4))).await.unwrap();
    assert_eq!(proxy.requests() - before, 6, "a create that finds a node, too");
}
