//! Locks that their owner may take again.

use std::time::Duration;

use zk_recipes::{Error, Lock, ReentrantLock, Released};

use crate::support::{
    Proxy, children, client, connect, expire, server, soon, until, until_children,
};

const PATH: &str = "/locks/x";

#[tokio::test]
async fn an_owner_takes_its_lock_again_without_asking_and_the_last_guard_releases() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let lock = ReentrantLock::new(&client, PATH);
    let outer = soon(lock.acquire()).await.unwrap();
    until_children(&client, PATH, 1).await;
    // The own node is being watched by now.
    let asked = {
        client.exists(PATH).await.unwrap();
        proxy.requests()
    };
    let inner = soon(lock.clone().acquire()).await.unwrap();
    let third = soon(lock.try_acquire()).await.unwrap().unwrap();
    assert_eq!(inner.path(), outer.path());
    assert_eq!(inner.fencing_token(), outer.fencing_token());
    assert_eq!(proxy.requests(), asked);

    assert_eq!(soon(outer.release()).await.unwrap(), None);
    drop(third);
    assert!(inner.is_held());
    assert!(soon(Lock::try_acquire(&client, PATH)).await.unwrap().is_none());
    assert_eq!(soon(inner.release()).await.unwrap(), Some(Released::Released));
    assert!(soon(Lock::try_acquire(&client, PATH)).await.unwrap().is_some());
}

#[tokio::test]
async fn another_handle_is_another_owner() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) = (ReentrantLock::new(&client, PATH), ReentrantLock::new(&client, PATH));
    let held = soon(one.acquire()).await.unwrap();
    assert!(soon(two.try_acquire()).await.unwrap().is_none());
    let waiting = tokio::spawn({
        let two = two.clone();
        async move { two.acquire().await }
    });
    until_children(&client, PATH, 2).await;
    assert!(soon(two.try_acquire()).await.unwrap().is_none(), "it waits already");
    drop(held);
    let held = soon(waiting).await.unwrap().unwrap();
    assert!(held.is_held());
    assert!(soon(two.try_acquire()).await.unwrap().is_some());
}

#[tokio::test]
async fn one_of_an_owner_stands_in_line_for_all() {
    let server = server().await;
    let client = client(&server).await;
    let other = soon(Lock::acquire(&client, PATH)).await.unwrap();
    let lock = ReentrantLock::new(&client, PATH);
    let wait = || {
        let lock = lock.clone();
        tokio::spawn(async move { lock.acquire().await })
    };
    let (first, second) = (wait(), wait());
    until_children(&client, PATH, 2).await;
    // Whoever stands in line gives up; the other one takes over.
    first.abort();
    let survivor = match soon(first).await {
        Err(cancelled) if cancelled.is_cancelled() => second,
        other => panic!("{other:?}"),
    };
    until_children(&client, PATH, 2).await;
    let third = wait();
    soon(other.release()).await.unwrap();
    let held = soon(survivor).await.unwrap().unwrap();
    let also = soon(third).await.unwrap().unwrap();
    assert_eq!(held.path(), also.path());
    until_children(&client, PATH, 1).await;
    drop(held);
    drop(also);
    until_children(&client, PATH, 0).await;
}

#[tokio::test]
async fn a_lock_that_is_lost_is_lost_for_all_guards_and_taken_anew() {
    let server = server().await;
    let client = client(&server).await;
    let lock = ReentrantLock::new(&client, PATH);
    let (outer, inner) = (soon(lock.acquire()).await.unwrap(), soon(lock.acquire()).await.unwrap());
    expire(&server, &client);
    soon(inner.lost()).await;
    assert!(!outer.is_held() && !inner.is_held());
    until(|| async { client.is_connected() }).await;
    let anew = soon(lock.acquire()).await.unwrap();
    assert!(anew.is_held() && anew.fencing_token() > outer.fencing_token());
    soon(outer.release()).await.unwrap();
    assert_eq!(soon(inner.release()).await.unwrap(), Some(Released::SessionEnded));
    assert!(anew.is_held());
    assert_eq!(children(&client, PATH).await.len(), 1);
}

#[tokio::test]
async fn the_time_allowed_is_for_each_who_waits() {
    let server = server().await;
    let client = client(&server).await;
    let _other = soon(Lock::acquire(&client, PATH)).await.unwrap();
    let limit = Duration::from_millis(50);
    let lock = ReentrantLock::of(&client, Lock::builder(PATH).timeout(limit));
    let (one, two) = tokio::join!(lock.acquire(), lock.acquire());
    let timed_out = Error::TimedOut { path: PATH.to_owned(), after: limit };
    assert_eq!((one.unwrap_err(), two.unwrap_err()), (timed_out.clone(), timed_out));
    until_children(&client, PATH, 1).await;
}
