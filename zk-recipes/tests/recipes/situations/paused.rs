//! A process that stands still for longer than its session lasts: nothing reaches it and nothing
//! comes from it, and when it goes on the world has changed.

use std::time::Duration;

use zk_client::Client;
use zk_recipes::{
    Barrier, Cache, Config, Counter, Error, Group, IdGenerator, PersistentNode, PersistentTtlNode,
    Queue, Rendezvous, ServiceRegistry,
};
use zk_server::testing::TestServer;

use super::api;
use crate::support::{Proxy, client, connect, expire, server, soon, until};

struct World {
    server: TestServer,
    proxy: Proxy,
    /// Of the process that is paused.
    client: Client,
    other: Client,
}

impl World {
    async fn new() -> Self {
        let server = server().await;
        let other = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        Self { server, proxy, client, other }
    }

    fn pause(&self) {
        self.proxy.swallow();
        expire(&self.server, &self.client);
    }

    fn go_on(&self) {
        self.proxy.deliver();
        self.proxy.cut();
    }

    /// Whether the node at `path` is there, of the session after the pause.
    async fn is_back(&self, path: &str) -> bool {
        let stat = self.other.exists(path).await.unwrap();
        stat.is_some_and(|stat| {
            self.client.session_epoch() == 2
                && Some(stat.ephemeral_owner) == self.client.session_id()
        })
    }
}

#[tokio::test]
async fn kept_nodes_are_gone_meanwhile_and_back_afterwards() {
    let world = World::new().await;
    let long = Duration::from_secs(24 * 60 * 60);
    let _node = soon(PersistentNode::start(&world.client, "/n", "")).await.unwrap();
    let _member = soon(Group::new(&world.client, "/g").join("a", "")).await.unwrap();
    let registry = ServiceRegistry::new(&world.client, "/s");
    let _registration = soon(registry.register(api("a"))).await.unwrap();
    let _ttl = soon(PersistentTtlNode::start(&world.client, "/t", "", long)).await.unwrap();
    world.pause();
    for path in ["/n", "/g/a", "/s/api/a"] {
        until(|| async { world.other.exists(path).await.unwrap().is_none() }).await;
    }
    assert!(world.other.exists("/t").await.unwrap().is_some(), "it outlives sessions");
    world.go_on();
    for path in ["/n", "/g/a", "/s/api/a"] {
        until(|| world.is_back(path)).await;
    }
}

#[tokio::test]
async fn views_and_caches_are_stale_meanwhile_and_right_afterwards() {
    let world = World::new().await;
    let theirs = ServiceRegistry::new(&world.other, "/s");
    let first = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ServiceRegistry::new(&world.client, "/s").watch("api")).await.unwrap();
    let members = soon(Group::new(&world.client, "/g").watch()).await.unwrap();
    let cache = soon(Cache::tree(&world.client, "/c")).await.unwrap();
    let config = soon(Config::<u32>::watch(&world.client, "/c")).await.unwrap();
    world.pause();
    soon(first.unregister()).await.unwrap();
    let _second = soon(theirs.register(api("b"))).await.unwrap();
    let _member = soon(Group::new(&world.other, "/g").join("m", "")).await.unwrap();
    world.other.create("/c", b"7", zk_client::CreateMode::Persistent).await.unwrap();
    assert_eq!(view.instances()[0].id, "a", "it cannot know");
    world.go_on();
    soon(view.wait_for(|all| all.len() == 1 && all[0].id == "b")).await.unwrap();
    soon(members.wait_for(|all| all.len() == 1)).await.unwrap();
    soon(cache.wait_for(|nodes| nodes.len() == 1)).await.unwrap();
    soon(config.wait_for(|state| state.value.as_deref() == Some(&7))).await.unwrap();
    until(|| async { !view.is_stale() && !members.is_stale() && !cache.is_stale() }).await;
}

#[tokio::test]
async fn a_claim_is_lost_and_its_item_given_to_the_next() {
    let world = World::new().await;
    let (here, there) = (Queue::new(&world.client, "/q"), Queue::new(&world.other, "/q"));
    soon(here.put("one")).await.unwrap();
    let claim = soon(here.claim()).await.unwrap();
    world.pause();
    let theirs = soon(there.claim()).await.unwrap();
    assert_eq!(theirs.data(), b"one");
    world.go_on();
    soon(claim.lost()).await;
    assert!(!claim.is_held());
    assert!(matches!(soon(claim.complete()).await, Err(Error::ClaimLost { .. })));
    soon(theirs.complete()).await.unwrap();
    soon(there.put("two")).await.unwrap();
    assert_eq!(soon(here.take()).await.unwrap(), "two", "the handle goes on");
}

#[tokio::test]
async fn numbers_go_on_from_where_the_others_are() {
    let world = World::new().await;
    let (ours, theirs) = (Counter::new(&world.client, "/n"), Counter::new(&world.other, "/n"));
    let ids = IdGenerator::new(&world.client, "/i").block(2);
    soon(ours.add(1)).await.unwrap();
    assert_eq!(soon(ids.next()).await.unwrap(), 0);
    world.pause();
    soon(theirs.add(10)).await.unwrap();
    assert_eq!(soon(IdGenerator::new(&world.other, "/i").block(2).next()).await.unwrap(), 2);
    assert_eq!(soon(ids.next()).await.unwrap(), 1, "it was reserved, so it is nobody else's");
    world.go_on();
    assert_eq!(soon(ours.add(1)).await.unwrap(), 12);
    assert_eq!(soon(ids.next()).await.unwrap(), 4);
}

#[tokio::test]
async fn a_wait_at_a_barrier_ends_and_a_rendezvous_does_for_the_others() {
    let world = World::new().await;
    let barrier = Barrier::new(&world.other, "/b");
    soon(barrier.set()).await.unwrap();
    let rendezvous = soon(Rendezvous::open(&world.client, "/r")).await.unwrap();
    let waiting = tokio::spawn({
        let barrier = Barrier::new(&world.client, "/b");
        async move { barrier.wait().await }
    });
    world.client.exists("/").await.unwrap();
    world.pause();
    soon(barrier.remove()).await.unwrap();
    let met = soon(Rendezvous::meet(&world.other, rendezvous.path())).await;
    assert!(matches!(met, Err(Error::RendezvousOver { .. })));
    world.go_on();
    soon(waiting).await.unwrap().unwrap();
}
