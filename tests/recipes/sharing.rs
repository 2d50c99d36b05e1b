//! Locks that several may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::{Target, eventually, within};
use zk_client::Client;
use zk_recipes::{RwLock, Semaphore};

const PATH: &str = "/locks/shared";

async fn until_waiting(client: &Client, path: &str, count: usize) {
    eventually("they stand in line", async || {
        client.children(path).await.is_ok_and(|(names, _)| names.len() == count)
    })
    .await;
}

#[tokio::test]
async fn readers_share_and_writers_do_not() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    for (here, there, path) in [
        (RwLock::new(&one, "/rw/a"), RwLock::new(&two, "/rw/a"), "/rw/a"),
        (RwLock::kazoo(&one, "/rw/b"), RwLock::kazoo(&two, "/rw/b"), "/rw/b"),
    ] {
        let first = within("reading", here.read()).await.unwrap();
        let second = within("reading too", there.read()).await.unwrap();
        assert!(there.try_write().await.unwrap().is_none());
        let writing = tokio::spawn(async move { there.write().await });
        until_waiting(&one, path, 3).await;
        assert!(here.try_read().await.unwrap().is_none(), "a writer was there before");
        first.release().await.unwrap();
        second.release().await.unwrap();
        let writer = within("writing", writing).await.unwrap().unwrap();
        let later = here.clone();
        let reading = tokio::spawn(async move { later.read().await });
        until_waiting(&one, path, 2).await;
        let token = writer.fencing_token();
        let reader = within("reading again", writer.downgrade()).await.unwrap();
        let later = within("the later reader", reading).await.unwrap().unwrap();
        assert!(later.fencing_token() > token);
        assert!(reader.is_held() && later.is_held());
        reader.release().await.unwrap();
        later.release().await.unwrap();
        // The directory is a container, and may be gone by now.
        let (names, _) = one.children(path).await.unwrap_or_default();
        assert!(names.is_empty(), "a node was left behind: {names:?}");
    }
}

#[tokio::test]
async fn never_more_leases_than_there_are() {
    const LIMIT: usize = 2;
    let target = Target::start().await;
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let layouts: [fn(&Client, &str, usize) -> Semaphore; 2] = [Semaphore::new, Semaphore::kazoo];
    for (number, layout) in layouts.into_iter().enumerate() {
        let path = format!("{PATH}-{number}");
        let mut tasks = Vec::new();
        for _ in 0..5 {
            let client = target.client().await;
            let semaphore = layout(&client, &path, LIMIT);
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            tasks.push(tokio::spawn(async move {
                for _ in 0..5 {
                    let lease = semaphore.acquire().await.unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // A round trip, so that others have every chance to get in.
                    client.sync("/").await.unwrap();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    lease.release().await.unwrap();
                }
            }));
        }
        for task in tasks {
            within("a holder finishes", task).await.unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= LIMIT, "{most:?} inside at once");
    }
}
