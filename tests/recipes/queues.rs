//! Each item is somebody's, once.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use tests::{Target, with_short_session, within};
use zk_client::Client;
use zk_recipes::{DelayQueue, Error, PriorityQueue, Queue, ShardedQueue};

const PATH: &str = "/queues/mail";

async fn left(client: &Client, path: &str) -> Vec<String> {
    client.children(path).await.map(|(names, _)| names).unwrap_or_default()
}

#[tokio::test]
async fn items_are_taken_in_order_and_once() {
    let target = Target::start().await;
    let client = target.client().await;
    let layouts = [
        Queue::new(&client, "/q/plain"),
        Queue::simple(&client, "/q/simple"),
        Queue::kazoo(&client, "/q/kazoo"),
    ];
    for queue in layouts {
        queue.put("a").await.unwrap();
        queue.put_all(["b", "c"]).await.unwrap();
        for expected in ["a", "b", "c"] {
            assert_eq!(within("an item", queue.take()).await.unwrap(), expected);
        }
        assert_eq!(queue.try_take().await.unwrap(), None);
    }
}

#[tokio::test]
async fn producers_and_consumers_share_a_queue() {
    let target = Target::start().await;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let queue = Queue::new(&target.client().await, PATH);
        consumers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..20 {
                taken.push(queue.take().await.unwrap());
            }
            taken
        }));
    }
    for producer in 0..3 {
        let queue = Queue::new(&target.client().await, PATH);
        for number in 0..20 {
            within("a place", queue.put(format!("{producer}-{number}"))).await.unwrap();
        }
    }
    let mut seen = BTreeSet::new();
    for consumer in consumers {
        for item in within("its items", consumer).await.unwrap() {
            assert!(seen.insert(item), "an item was taken twice");
        }
    }
    assert_eq!(seen.len(), 60);
    assert!(left(&target.client().await, PATH).await.is_empty());
}

#[tokio::test]
async fn what_a_dead_worker_claimed_is_given_to_the_next() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let short = target.builder_through(&proxy).session_timeout(session);
        let (dying, alive) = (short.connect().await.unwrap(), target.client().await);
        let queue = Queue::new(&alive, PATH);
        queue.put("work").await.unwrap();
        let dead = within("a claim", Queue::new(&dying, PATH).claim()).await.ok()?;
        if queue.try_claim().await.unwrap().is_some() {
            assert!(!dead.is_held(), "two have one item");
            return None;
        }
        proxy.refuse();
        let claim = within("the next claim", queue.claim()).await.unwrap();
        assert_eq!(claim.data(), b"work");
        assert!(!dead.is_held(), "the dead one knows before somebody else has it");
        proxy.heal();
        let path = dead.path().to_owned();
        let late = within("an answer", dead.complete()).await;
        assert_eq!(late, Err(Error::ClaimLost { path }));
        claim.complete().await.unwrap();
        assert!(left(&alive, PATH).await.is_empty());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_completed_released_or_put_at_the_end() {
    let target = Target::start().await;
    let client = target.client().await;
    for queue in [Queue::new(&client, PATH), Queue::kazoo_locking(&client, "/q/locking")] {
        queue.put_all(["one", "two"]).await.unwrap();
        let one = within("a claim", queue.claim()).await.unwrap();
        one.release().await.unwrap();
        let one = within("a claim", queue.claim()).await.unwrap();
        assert_eq!(one.data(), b"one");
        one.requeue().await.unwrap();
        for expected in ["two", "one"] {
            let claim = within("a claim", queue.claim()).await.unwrap();
            assert_eq!(claim.data(), expected.as_bytes());
            claim.complete().await.unwrap();
        }
        assert!(queue.try_claim().await.unwrap().is_none());
        assert_eq!(queue.count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_lowest_number_is_first_and_what_is_not_due_waits() {
    let target = Target::start().await;
    let client = target.client().await;
    let by_priority = PriorityQueue::new(&client, "/q/priority");
    for (data, priority) in [("c", 7), ("a", -1), ("d", 7), ("b", 0)] {
        by_priority.put(data, priority).await.unwrap();
    }
    for expected in ["a", "b", "c", "d"] {
        assert_eq!(within("an item", by_priority.take()).await.unwrap(), expected);
    }
    let by_time = DelayQueue::new(&client, "/q/delay");
    let now = SystemTime::now();
    let soon = now + Duration::from_millis(300);
    by_time.put("soon", soon).await.unwrap();
    by_time.put("late", now + Duration::from_secs(3600)).await.unwrap();
    by_time.put("due", now).await.unwrap();
    for expected in ["due", "soon"] {
        assert_eq!(within("an item", by_time.take()).await.unwrap(), expected);
    }
    // What is due is named in whole milliseconds.
    assert!(SystemTime::now() + Duration::from_millis(1) >= soon, "it came early");
    assert_eq!(by_time.try_take().await.unwrap(), None);
    assert_eq!(by_time.count().await.unwrap(), 1);
}

#[tokio::test]
async fn items_survive_cuts_while_they_are_put_and_taken() {
    let target = Target::start().await;
    let (here, there) = (target.proxy().await, target.proxy().await);
    let producer = Queue::new(&target.client_through(&here).await, PATH);
    let consumer = Queue::new(&target.client_through(&there).await, PATH);
    let putting = tokio::spawn(async move {
        for number in 0..20 {
            producer.put(number.to_string()).await.unwrap();
        }
    });
    for expected in 0..20 {
        let item = within("an item", consumer.take()).await.unwrap();
        assert_eq!(item, expected.to_string());
        if expected % 5 == 0 {
            here.cut();
            there.cut();
        }
    }
    within("all is put", putting).await.unwrap();
    assert_eq!(consumer.try_take().await.unwrap(), None);
}

#[tokio::test]
async fn producers_and_consumers_share_shards() {
    const EACH: usize = 15;
    let target = Target::start().await;
    let queue = |client: &Client| ShardedQueue::new(client, "/q/shards").threshold(4).max_shards(3);
    let mut consumers = Vec::new();
    for _ in 0..2 {
        let queue = queue(&target.client().await);
        consumers.push(tokio::spawn(async move {
            let mut done = Vec::new();
            for _ in 0..EACH {
                let claim = queue.claim().await.unwrap();
                done.push(String::from_utf8(claim.data().to_vec()).unwrap());
                claim.complete().await.unwrap();
            }
            done
        }));
    }
    for producer in 0..2 {
        let queue = queue(&target.client().await);
        for number in 0..EACH {
            within("a place", queue.put(format!("{producer}-{number}"))).await.unwrap();
        }
    }
    let mut seen = BTreeSet::new();
    for consumer in consumers {
        for item in within("its items", consumer).await.unwrap() {
            assert!(seen.insert(item), "an item was worked on twice");
        }
    }
    assert_eq!(seen.len(), 2 * EACH);
    assert_eq!(queue(&target.client().await).count().await.unwrap(), 0);
}

#[tokio::test]
async fn shards_are_added_when_all_are_full() {
    let target = Target::start().await;
    let client = target.client().await;
    let queue = ShardedQueue::new(&client, "/q/full").threshold(2).max_shards(3);
    let mut items = 0;
    while left(&client, "/q/full").await.len() < 3 {
        within("a place", queue.put(items.to_string())).await.unwrap();
        items += 1;
    }
    for _ in 0..items {
        within("an item", queue.take()).await.unwrap();
    }
    assert_eq!(queue.try_take().await.unwrap(), None);
}
