//! What goes in comes out, in order.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use zk_recipes::{DelayQueue, Error, NodeOptions, Parents, PriorityQueue, Queue};

use crate::support::{children, client, server, soon, until_children};

const PATH: &str = "/queues/a";

#[tokio::test]
async fn first_in_first_out() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    assert_eq!(soon(queue.try_take()).await.unwrap(), None);
    assert_eq!(soon(queue.count()).await.unwrap(), 0);
    soon(queue.put("one")).await.unwrap();
    soon(queue.put_all(["two", "three"])).await.unwrap();
    soon(queue.put_all(Vec::<Bytes>::new())).await.unwrap();
    assert_eq!(soon(queue.count()).await.unwrap(), 3);
    for item in ["one", "two", "three"] {
        assert_eq!(soon(queue.take()).await.unwrap(), item);
    }
    assert_eq!(soon(queue.try_take()).await.unwrap(), None);
    assert!(children(&client, PATH).await.is_empty());
}

#[tokio::test]
async fn items_put_together_are_taken_one_by_one_and_claimed_at_once() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put_together(["one", "two", "three"])).await.unwrap();
    assert_eq!(soon(queue.count()).await.unwrap(), 1);
    assert_eq!(soon(queue.take()).await.unwrap(), "one");
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.data(), b"two");
    assert_eq!(claim.items(), ["two", "three"]);
    soon(claim.complete()).await.unwrap();
    assert_eq!(soon(queue.count()).await.unwrap(), 0);
}

#[tokio::test]
async fn items_with_an_id_can_be_removed() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    for id in ["a/b", "c", "a|b"] {
        soon(queue.put_with_id(id, id.to_owned())).await.unwrap();
    }
    assert_eq!(soon(queue.remove("a_b")).await.unwrap(), 2);
    assert_eq!(soon(queue.remove("a_b")).await.unwrap(), 0);
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.id(), Some("c"));
    soon(claim.requeue()).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.id(), Some("c"), "put anew under the same id");
    soon(claim.complete()).await.unwrap();
}

#[tokio::test]
async fn the_lowest_priority_is_taken_first() {
    let server = server().await;
    let client = client(&server).await;
    for queue in [PriorityQueue::new(&client, PATH), PriorityQueue::kazoo(&client, "/kazoo")] {
        soon(queue.put("later", 7)).await.unwrap();
        soon(queue.put_all(["first", "second"], 1)).await.unwrap();
        assert_eq!(soon(queue.take()).await.unwrap(), "first");
        soon(queue.put("urgent", 0)).await.unwrap();
        for item in ["urgent", "second", "later"] {
            assert_eq!(soon(queue.take()).await.unwrap(), item);
        }
    }
    let refused = soon(PriorityQueue::kazoo(&client, "/kazoo").put("x", 1000)).await;
    assert_eq!(refused, Err(Error::InvalidPriority { priority: 1000, max: 999 }));
}

#[tokio::test]
async fn a_delayed_item_is_taken_when_it_is_due() {
    let server = server().await;
    let client = client(&server).await;
    let queue = DelayQueue::new(&client, PATH);
    let now = SystemTime::now();
    soon(queue.put("later", now + Duration::from_millis(300))).await.unwrap();
    soon(queue.put("much later", now + Duration::from_secs(3600))).await.unwrap();
    soon(queue.put("overdue", now - Duration::from_secs(1))).await.unwrap();
    assert_eq!(soon(queue.take()).await.unwrap(), "overdue");
    assert_eq!(soon(queue.take()).await.unwrap(), "later");
    // What is due is named in whole milliseconds.
    assert!(SystemTime::now() >= now + Duration::from_millis(299));
    assert_eq!(soon(queue.try_take()).await.unwrap(), None);
    assert_eq!(soon(queue.count()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_claimed_item_does_not_hide_when_the_next_one_is_due() {
    let server = server().await;
    let client = client(&server).await;
    let queue = DelayQueue::new(&client, PATH);
    let now = SystemTime::now();
    soon(queue.put("claimed", now - Duration::from_secs(1))).await.unwrap();
    let _claimed = soon(queue.claim()).await.unwrap();
    soon(queue.put("later", now + Duration::from_millis(300))).await.unwrap();
    assert_eq!(soon(queue.claim()).await.unwrap().data(), b"later");
}

#[tokio::test]
async fn streams_go_on_until_the_client_is_closed() {
    let server = server().await;
    let client = client(&server).await;
    let (taken, claimed) = (Queue::new(&client, PATH), Queue::new(&client, "/queues/b"));
    soon(taken.put_all(["one", "two"])).await.unwrap();
    soon(claimed.put_all(["three", "four"])).await.unwrap();
    let mut items = taken.items();
    assert_eq!(soon(items.try_next()).await.unwrap().unwrap(), "one");
    assert_eq!(soon(items.try_next()).await.unwrap().unwrap(), "two");
    let mut claims = claimed.claims();
    let three = soon(claims.try_next()).await.unwrap().unwrap();
    let four = soon(claims.try_next()).await.unwrap().unwrap();
    assert_eq!((three.data(), four.data()), (&b"three"[..], &b"four"[..]));
    soon(client.close()).await.unwrap();
    assert!(soon(items.next()).await.is_none());
    assert!(soon(claims.next()).await.is_none());
}

#[tokio::test]
async fn many_producers_and_consumers_share_the_items_without_loss_or_repeat() {
    const PRODUCERS: u32 = 3;
    const CONSUMERS: u32 = 5;
    const EACH: u32 = 40;
    let server = server().await;
    let mut producers = Vec::new();
    for producer in 0..PRODUCERS {
        let queue = Queue::new(&client(&server).await, PATH);
        producers.push(tokio::spawn(async move {
            for number in 0..EACH {
                queue.put(format!("{producer}-{number}")).await.unwrap();
            }
        }));
    }
    let mut consumers = Vec::new();
    for _ in 0..CONSUMERS {
        let queue = Queue::new(&client(&server).await, PATH);
        consumers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..PRODUCERS * EACH / CONSUMERS {
                taken.push(queue.take().await.unwrap());
            }
            taken
        }));
    }
    for producer in producers {
        soon(producer).await.unwrap();
    }
    let mut taken = Vec::new();
    for consumer in consumers {
        taken.extend(soon(consumer).await.unwrap());
    }
    let distinct: BTreeSet<_> = taken.iter().collect();
    assert_eq!(distinct.len(), taken.len());
    let observer = client(&server).await;
    assert!(children(&observer, PATH).await.is_empty());
    // The ledgers and the line go with their handles.
    until_children(&observer, &format!("{PATH}-consumers"), 0).await;
}

#[tokio::test]
async fn puts_wait_for_room() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let bounded = Queue::new(&one, PATH).max_items(2);
    soon(bounded.put_all(["one", "two"])).await.unwrap();
    let waiting = tokio::spawn({
        let bounded = bounded.clone();
        async move { bounded.put("three").await }
    });
    until_children(&two, &format!("{PATH}-producers"), 1).await;
    let queue = Queue::new(&two, PATH);
    assert_eq!(soon(queue.take()).await.unwrap(), "one");
    soon(waiting).await.unwrap().unwrap();
    until_children(&two, &format!("{PATH}-producers"), 0).await;
    assert_eq!(soon(queue.take()).await.unwrap(), "two");
    assert_eq!(soon(queue.take()).await.unwrap(), "three");
}

#[tokio::test]
async fn what_is_no_item_is_passed_over() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    let persistent = zk_client::CreateMode::Persistent;
    client.create(&format!("{PATH}/readme"), b"", persistent).await.unwrap();
    client.create(&format!("{PATH}/queue--2147483648"), b"no frame", persistent).await.unwrap();
    assert_eq!(soon(queue.take()).await.unwrap(), "one");
    assert_eq!(soon(queue.try_take()).await.unwrap(), None);
    assert!(soon(queue.try_claim()).await.unwrap().is_none());
    let claims = children(&client, &format!("{PATH}-claims")).await;
    assert!(claims.is_empty(), "{claims:?}");
}

#[tokio::test]
async fn a_missing_parent_is_told_where_none_is_to_be_made() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    let queue = queue.options(NodeOptions::new().parents(Parents::MustExist));
    let error = soon(queue.put("one")).await.unwrap_err();
    assert!(matches!(error, Error::Client(zk_client::Error::NoNode { .. })), "{error}");
}
