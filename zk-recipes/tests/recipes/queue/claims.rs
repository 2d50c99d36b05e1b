//! Items that are worked on under a claim.

use zk_recipes::{Error, Queue};

use crate::support::{children, client, expire, server, soon, until, until_children};

const PATH: &str = "/queues/a";
const CLAIMS: &str = "/queues/a-claims";

#[tokio::test]
async fn a_claimed_item_is_out_of_reach_until_it_is_given_back() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (here, there) = (Queue::new(&one, PATH), Queue::new(&two, PATH));
    soon(here.put_all(["one", "two"])).await.unwrap();
    let first = soon(here.claim()).await.unwrap();
    let second = soon(there.claim()).await.unwrap();
    assert_eq!((first.data(), second.data()), (&b"one"[..], &b"two"[..]));
    assert!(first.is_held());
    // Two handles in one process are strangers, too.
    assert!(soon(Queue::new(&one, PATH).try_claim()).await.unwrap().is_none());

    soon(first.release()).await.unwrap();
    let again = soon(there.claim()).await.unwrap();
    assert_eq!(again.data(), b"one");
    soon(again.complete()).await.unwrap();
    soon(second.requeue()).await.unwrap();
    let again = soon(here.claim()).await.unwrap();
    assert_eq!(again.data(), b"two");
    soon(again.complete()).await.unwrap();
    assert!(children(&one, PATH).await.is_empty());
    assert!(children(&one, CLAIMS).await.is_empty());
}

#[tokio::test]
async fn the_item_of_a_dead_worker_goes_to_one_who_waits() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let queue = Queue::new(&one, PATH);
    soon(queue.put("one")).await.unwrap();
    let dead = soon(queue.claim()).await.unwrap();
    let waiting = Queue::new(&two, PATH);
    let next = tokio::spawn(async move { waiting.claim().await });
    until(|| async { children(&one, "/queues/a-consumers").await.len() == 1 }).await;

    expire(&server, &one);
    let claim = soon(next).await.unwrap().unwrap();
    assert_eq!(claim.data(), b"one");
    soon(dead.lost()).await;
    assert!(!dead.is_held());
    let path = dead.path().to_owned();
    assert_eq!(soon(dead.complete()).await, Err(Error::ClaimLost { path }));
    assert!(claim.is_held(), "what the dead one does harms nobody");
    soon(claim.complete()).await.unwrap();
}

#[tokio::test]
async fn a_claim_that_an_operator_deletes_is_lost() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    let names = children(&client, CLAIMS).await;
    client.delete(&format!("{CLAIMS}/{}", names[0])).await.unwrap();
    soon(claim.lost()).await;
    let next = soon(queue.claim()).await.unwrap();
    soon(claim.lost()).await;
    soon(claim.release()).await.unwrap();
    let queue = Queue::new(&client, PATH);
    assert!(soon(queue.try_claim()).await.unwrap().is_none(), "the next one's claim is untouched");
    soon(next.complete()).await.unwrap();
}

#[tokio::test]
async fn an_item_that_an_operator_deletes_cannot_be_completed() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    client.delete(claim.path()).await.unwrap();
    assert!(matches!(soon(claim.complete()).await, Err(Error::ClaimLost { .. })));
    until_children(&client, CLAIMS, 0).await;
    assert!(soon(queue.try_claim()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_dropped_claim_is_given_to_the_next() {
    let server = server().await;
    let client = client(&server).await;
    let queue = Queue::new(&client, PATH);
    soon(queue.put("one")).await.unwrap();
    drop(soon(queue.claim()).await.unwrap());
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.data(), b"one");
    soon(claim.complete()).await.unwrap();
}

#[tokio::test]
async fn a_closed_client_gives_back_what_it_claimed() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let queue = Queue::new(&one, PATH);
    soon(queue.put("one")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    soon(one.close()).await.unwrap();
    assert!(!claim.is_held());
    let next = soon(Queue::new(&two, PATH).claim()).await.unwrap();
    assert_eq!(next.data(), b"one");
    assert!(soon(claim.complete()).await.is_err());
}
