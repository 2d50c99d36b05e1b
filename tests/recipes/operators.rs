//! What operators, and the server's own housekeeping, do to the nodes of the recipes.

use std::pin::Pin;

use futures_util::FutureExt;
use tests::{Target, eventually, within};
use zk_client::Client;
use zk_recipes::{
    Counter, Error, Group, IdGenerator, LeaderLatch, Lock, LostReason, Queue, RwLock, Semaphore,
    ServiceInstance, ServiceRegistry, ShardedQueue,
};

async fn names(client: &Client, path: &str) -> Vec<String> {
    client.children(path).await.map(|(names, _)| names).unwrap_or_default()
}

async fn until_swept(client: &Client, path: &str) {
    eventually("the sweep", async || client.exists(path).await.is_ok_and(|stat| stat.is_none()))
        .await;
}

/// Something that is held: its node, and what tells that it is lost.
type Held = (String, Pin<Box<dyn Future<Output = LostReason>>>, Box<dyn std::any::Any>);

macro_rules! held {
    ($guard:expr) => {{
        let guard = within("it", $guard).await.unwrap();
        let (path, lost) = (guard.path().to_owned(), guard.lost());
        let held: Held = (path, Box::pin(lost), Box::new(guard));
        held
    }};
}

#[tokio::test]
async fn a_holder_whose_node_an_operator_deletes_has_lost_at_once() {
    let target = Target::start().await;
    let (holder, operator) = (target.client().await, target.client().await);
    let latch = LeaderLatch::start(&holder, "/latch", "id").await.unwrap();
    let all: [Held; 11] = [
        held!(Lock::acquire(&holder, "/lock")),
        held!(Lock::kazoo("/kazoo").acquire(&holder)),
        held!(RwLock::new(&holder, "/read").read()),
        held!(RwLock::new(&holder, "/write").write()),
        held!(RwLock::kazoo(&holder, "/kazoo-read").read()),
        held!(RwLock::kazoo(&holder, "/kazoo-write").write()),
        held!(Semaphore::new(&holder, "/semaphore", 2).acquire()),
        held!(Semaphore::kazoo(&holder, "/kazoo-semaphore", 2).acquire()),
        held!(Semaphore::mutex(&holder, "/mutex").acquire()),
        held!(Lock::builder("/builder").data("x").acquire(&holder)),
        held!(latch.lead()),
    ];
    for (path, mut lost, held) in all {
        assert!((&mut lost).now_or_never().is_none(), "{path} is held");
        operator.delete(&path).await.unwrap();
        assert_eq!(within("the loss", lost).await, LostReason::NodeDeleted, "{path}");
        drop(held);
    }
    // Who leads gets in line again by itself.
    assert!(within("the next term", latch.lead()).await.unwrap().is_held());
}

#[tokio::test]
async fn a_worker_whose_claim_an_operator_deletes_has_lost_at_once() {
    let target = Target::start().await;
    let (worker, operator) = (target.client().await, target.client().await);
    let queue = Queue::new(&worker, "/q");
    let shards = ShardedQueue::new(&worker, "/s");
    queue.put("work").await.unwrap();
    shards.put("work").await.unwrap();
    for claim in [queue.claim().await.unwrap(), shards.claim().await.unwrap()] {
        let item = claim.path();
        let (directory, item) = item.rsplit_once('/').unwrap();
        let claims = match directory.strip_prefix("/s/") {
            Some(shard) => format!("/s-claims/{shard}"),
            None => "/q-claims".to_owned(),
        };
        operator.delete(&format!("{claims}/{item}")).await.unwrap();
        within("the loss", claim.lost()).await;
        assert!(matches!(claim.complete().await, Err(Error::ClaimLost { .. })));
    }
    // And somebody can have the items.
    within("the item", queue.claim()).await.unwrap().complete().await.unwrap();
    within("the item", shards.claim()).await.unwrap().complete().await.unwrap();
}

#[tokio::test]
async fn who_waits_at_an_empty_queue_outlives_the_end_of_its_directory() {
    let target = Target::start().await;
    let (worker, producer) = (target.client().await, target.client().await);
    let queues: [fn(&Client) -> Queue; 3] = [
        |client| Queue::new(client, "/q"),
        |client| Queue::simple(client, "/simple"),
        |client| Queue::kazoo(client, "/kazoo"),
    ];
    for (queue, path) in queues.iter().zip(["/q", "/simple", "/kazoo"]) {
        queue(&producer).put("first").await.unwrap();
        let consumer = queue(&worker);
        within("an item", consumer.take()).await.unwrap();
        let waiting = tokio::spawn(async move { consumer.take().await });
        // In line, and the directory of the items goes.
        let consumers = format!("{path}-consumers");
        eventually("a place in line", async || {
            names(&producer, &consumers).await.iter().any(|name| name.contains("lock-"))
        })
        .await;
        // It is made to stay.
        producer.delete(path).await.unwrap();
        assert!(!waiting.is_finished());
        queue(&producer).put("second").await.unwrap();
        assert_eq!(within("an item", waiting).await.unwrap().unwrap(), "second");
    }
}

#[tokio::test]
async fn who_waits_for_shards_outlives_the_end_of_all_of_them() {
    let target = Target::start().await;
    let (worker, producer) = (target.client().await, target.client().await);
    ShardedQueue::new(&producer, "/s").put("first").await.unwrap();
    let consumer = ShardedQueue::new(&worker, "/s");
    within("an item", consumer.take()).await.unwrap();
    let waiting = tokio::spawn(async move { consumer.take().await });
    eventually("places in line", async || !names(&producer, "/s-consumers").await.is_empty()).await;
    producer.delete_recursive("/s").await.unwrap();
    ShardedQueue::new(&producer, "/s").put("second").await.unwrap();
    assert_eq!(within("an item", waiting).await.unwrap().unwrap(), "second");
}

#[tokio::test]
async fn views_outlive_the_sweep_of_what_they_show() {
    let target = Target::start().await;
    let (client, watcher) = (target.client().await, target.client().await);
    let group = Group::new(&client, "/group");
    let members = Group::new(&watcher, "/group").watch().await.unwrap();
    let registry = ServiceRegistry::new(&client, "/services");
    let view = ServiceRegistry::new(&watcher, "/services").watch("api").await.unwrap();
    let observer = LeaderLatch::observe(&watcher, "/latch").await.unwrap();
    for round in 0..2 {
        let member = group.join("id", "").await.unwrap();
        let instance = ServiceInstance::new("api", "10.0.0.1", 1).with_id("id");
        let instance = registry.register(instance).await.unwrap();
        let latch = LeaderLatch::start(&client, "/latch", "id").await.unwrap();
        within("it comes", members.wait_for(|members| members.len() == 1)).await.unwrap();
        within("it comes", view.wait_for(|instances| instances.len() == 1)).await.unwrap();
        within("it comes", observer.wait_for(|leader| leader.is_some())).await.unwrap();
        member.leave().await.unwrap();
        instance.unregister().await.unwrap();
        latch.close().await.unwrap();
        within("it goes", members.wait_for(<[_]>::is_empty)).await.unwrap();
        within("it goes", view.wait_for(<[_]>::is_empty)).await.unwrap();
        within("it goes", observer.wait_for(|leader| leader.is_none())).await.unwrap();
        for path in ["/group", "/services/api", "/latch"] {
            until_swept(&client, path).await;
        }
        assert!(!members.is_stale(), "round {round}");
    }
}

#[tokio::test]
async fn numbers_near_their_end_are_refused_and_never_wrap() {
    let target = Target::start().await;
    let client = target.client().await;
    let kinds = [
        (Counter::new(&client, "/long"), i64::MAX),
        (Counter::shared_count(&client, "/int"), i64::from(i32::MAX)),
    ];
    for (counter, most) in kinds {
        counter.set(most - 1).await.unwrap();
        assert_eq!(counter.add(1).await.unwrap(), most);
        let refused = counter.add(1).await;
        assert!(matches!(refused, Err(Error::CounterOverflow { .. })), "{refused:?}");
        assert_eq!(counter.get().await.unwrap(), most);
    }
    let ids = IdGenerator::new(&client, "/long");
    assert!(matches!(ids.next().await, Err(Error::CounterOverflow { .. })));
    assert_eq!(Counter::new(&client, "/long").get().await.unwrap(), i64::MAX);
}
