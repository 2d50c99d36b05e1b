//! Sequence numbers near their end: a network that shows the server's numbers that much larger.

use zk_client::{Client, CreateMode};
use zk_recipes::lock::LockBuilder;
use zk_recipes::{Error, Lock};

use crate::support::{Proxy, children, client, connect, server, soon, until_children};

const PATH: &str = "/locks/x";

/// What the server calls 0 to 99 ...
const REAL: &str = "00000000";

/// ... is seen as up to 47 numbers below the margin before `i32::MAX`, and 52 in it.
const SHOWN: &str = "21464836";

/// The real number of the first contender that is refused.
const REFUSED: usize = 48;

/// Uses up the numbers before `next`.
async fn use_up(client: &Client, next: usize) {
    client.create("/locks", b"", CreateMode::Persistent).or_set().await.unwrap();
    client.create(PATH, b"", CreateMode::Persistent).await.unwrap();
    for number in 0..next {
        let node = format!("{PATH}/{number}");
        client.create(&node, b"", CreateMode::Persistent).await.unwrap();
        client.delete(&node).await.unwrap();
    }
}

async fn refused_at_the_end(lock: LockBuilder) {
    let server = server().await;
    let real = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    proxy.rename(REAL, SHOWN);
    use_up(&real, REFUSED - 2).await;

    let first = soon(lock.acquire(&client)).await.unwrap();
    assert!(first.path().ends_with("2146483646"), "{}", first.path());
    let (second, waiting) = (lock.clone(), client.clone());
    let second = tokio::spawn(async move { second.acquire(&waiting).await });
    until_children(&real, PATH, 2).await;
    let error = soon(lock.acquire(&client)).await.unwrap_err();
    let refused = Error::SequenceExhausted { path: PATH.to_owned(), sequence: 2_146_483_648 };
    assert_eq!(error, refused);
    assert_eq!(
        soon(lock.try_acquire(&client)).await.unwrap_err(),
        Error::SequenceExhausted { path: PATH.to_owned(), sequence: 2_146_483_649 }
    );
    until_children(&real, PATH, 2).await;
    // Those who were in line before are served.
    soon(first.release()).await.unwrap();
    soon(soon(second).await.unwrap().unwrap().release()).await.unwrap();
    assert!(children(&real, PATH).await.is_empty());
    // Another directory begins anew.
    real.delete(PATH).await.unwrap();
    assert!(soon(lock.acquire(&client)).await.unwrap().is_held());
}

#[tokio::test]
async fn contenders_are_refused_before_the_numbers_end() {
    refused_at_the_end(Lock::builder(PATH)).await;
}

#[tokio::test]
async fn contenders_in_kazoos_layout_are_refused_as_well() {
    refused_at_the_end(Lock::kazoo(PATH)).await;
}
