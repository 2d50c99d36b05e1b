//! Locks that their owner takes again, and several locks that are taken together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::{Target, within};
use zk_client::Client;
use zk_recipes::{Lock, LostReason, MultiLock, ReentrantLock, Released};

const A: &str = "/locks/a";
const B: &str = "/locks/b";
const C: &str = "/locks/c";

#[tokio::test]
async fn an_owner_takes_its_lock_again_and_the_last_guard_releases() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let (lock, other) = (ReentrantLock::new(&one, A), ReentrantLock::new(&two, A));
    let outer = within("the lock", lock.acquire()).await.unwrap();
    let inner = within("the lock again", lock.clone().acquire()).await.unwrap();
    let token = outer.fencing_token();
    assert_eq!(inner.fencing_token(), token);
    assert!(within("an answer", other.try_acquire()).await.unwrap().is_none());
    assert_eq!(within("one guard goes", outer.release()).await.unwrap(), None);
    assert!(inner.is_held());
    assert!(within("an answer", other.try_acquire()).await.unwrap().is_none());
    let released = within("the last guard goes", inner.release()).await.unwrap();
    assert_eq!(released, Some(Released::Released));
    let next = within("the other owner's turn", other.acquire()).await.unwrap();
    assert!(next.fencing_token() > token);
}

#[tokio::test]
async fn when_the_lock_is_lost_all_guards_of_its_owner_are() {
    let target = Target::start().await;
    let (client, operator) = (target.client().await, target.client().await);
    let lock = ReentrantLock::new(&client, A);
    let outer = within("the lock", lock.acquire()).await.unwrap();
    let inner = within("the lock again", lock.acquire()).await.unwrap();
    operator.delete(outer.path()).await.unwrap();
    for guard in [&outer, &inner] {
        assert_eq!(within("loss is told", guard.lost()).await, LostReason::NodeDeleted);
        assert!(!guard.is_held());
    }
    let anew = within("a place in line of its own", lock.acquire()).await.unwrap();
    assert!(anew.is_held() && !outer.is_held());
    assert!(anew.fencing_token() > inner.fencing_token());
}

/// Takes all locks `rounds` times and fails if anybody else is inside.
async fn contend(client: Client, paths: [&str; 3], inside: Arc<AtomicBool>, rounds: u32) {
    let locks = MultiLock::new(&client, paths);
    for _ in 0..rounds {
        let guard = within("all locks", locks.acquire()).await.unwrap();
        assert!(!inside.swap(true, Ordering::SeqCst), "two inside at once");
        // A round trip, so that others have every chance to get in.
        client.sync("/").await.unwrap();
        inside.store(false, Ordering::SeqCst);
        within("giving back", guard.release()).await.unwrap();
    }
}

#[tokio::test]
async fn who_takes_several_locks_in_another_order_does_not_wait_in_a_circle() {
    let target = Target::start().await;
    let inside = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for paths in [[A, B, C], [C, B, A], [B, C, A]] {
        let client = target.client().await;
        tasks.push(tokio::spawn(contend(client, paths, Arc::clone(&inside), 5)));
    }
    for task in tasks {
        within("a contender finishes", task).await.unwrap();
    }
}

#[tokio::test]
async fn all_locks_are_taken_or_none_and_lost_together() {
    let target = Target::start().await;
    let (client, other) = (target.client().await, target.client().await);
    let locks = MultiLock::new(&client, [A, B, C]);
    let busy = within("one of them", Lock::acquire(&other, B)).await.unwrap();
    assert!(within("an answer", locks.try_acquire()).await.unwrap().is_none());
    for path in [A, C] {
        let free = within("an answer", Lock::try_acquire(&other, path)).await.unwrap();
        within("giving back", free.expect("it was given back").release()).await.unwrap();
    }
    within("giving back", busy.release()).await.unwrap();
    let guard = within("all locks", locks.acquire()).await.unwrap();
    for path in [A, B, C] {
        assert!(within("an answer", Lock::try_acquire(&other, path)).await.unwrap().is_none());
    }
    other.delete(guard.get(B).unwrap().path()).await.unwrap();
    assert_eq!(within("loss is told", guard.lost()).await, LostReason::NodeDeleted);
    assert!(!guard.is_held());
    within("giving back", guard.release()).await.unwrap();
    for path in [A, B, C] {
        drop(within("a free lock", Lock::acquire(&other, path)).await.unwrap());
    }
}
