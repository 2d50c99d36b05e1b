//! A lock held by one at a time, whatever happens to the connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::{CuttingProxy, Target, eventually, with_short_session, within};
use tokio::time::MissedTickBehavior;
use zk_client::{Client, CreateMode};
use zk_recipes::{Error, FencingToken, HoldState, Lock, LockGuard, LostReason, Released};

const PATH: &str = "/locks/x";

async fn acquire(client: &Client) -> LockGuard {
    within("the lock", Lock::acquire(client, PATH)).await.unwrap()
}

/// Takes the lock `rounds` times and fails if anybody else is inside.
async fn contend(client: Client, inside: Arc<AtomicBool>, rounds: u32) -> Vec<FencingToken> {
    let mut tokens = Vec::new();
    for _ in 0..rounds {
        let guard = acquire(&client).await;
        assert!(!inside.swap(true, Ordering::SeqCst), "two inside at once");
        tokens.push(guard.fencing_token());
        // A round trip, so that others have every chance to get in.
        client.sync("/").await.unwrap();
        inside.store(false, Ordering::SeqCst);
        guard.release().await.unwrap();
    }
    tokens
}

#[tokio::test]
async fn contenders_get_in_one_at_a_time_with_growing_tokens() {
    let target = Target::start().await;
    let inside = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let client = target.client().await;
        tasks.push(tokio::spawn(contend(client, Arc::clone(&inside), 10)));
    }
    let mut tokens = Vec::new();
    for task in tasks {
        let of_one = within("a contender finishes", task).await.unwrap();
        assert!(of_one.is_sorted_by(|a, b| a < b));
        tokens.extend(of_one);
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 50, "every term has a token of its own");
}

#[tokio::test]
async fn contenders_whose_connections_are_cut_still_get_in_one_at_a_time() {
    let target = Target::start().await;
    let inside = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    let mut networks = Vec::new();
    for _ in 0..3 {
        let proxy = target.proxy().await;
        let client = target.client_through(&proxy).await;
        networks.push((proxy, client.clone()));
        let inside = Arc::clone(&inside);
        tasks.push(tokio::spawn(async move {
            for _ in 0..5 {
                let guard = acquire(&client).await;
                assert!(!inside.swap(true, Ordering::SeqCst), "two inside at once");
                // A read is sent again after a cut, so this cannot fail.
                client.sync("/").await.unwrap();
                inside.store(false, Ordering::SeqCst);
                guard.release().await.unwrap();
            }
        }));
    }
    let cutter = tokio::spawn(cut_in_turn(networks, Arc::clone(&done)));
    for task in tasks {
        within("a contender finishes", task).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    within("the cutter", cutter).await.unwrap();
    let leftover = target.client().await.children(PATH).await;
    assert!(leftover.is_err() || leftover.unwrap().0.is_empty(), "a node was left behind");
}

/// Cuts one after another. Everybody gets something done between two cuts, however slow the machine.
async fn cut_in_turn(networks: Vec<(CuttingProxy, Client)>, done: Arc<AtomicBool>) {
    let mut turn = tokio::time::interval(Duration::from_millis(50));
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (proxy, client) in networks.iter().cycle() {
        turn.tick().await;
        if done.load(Ordering::SeqCst) {
            return;
        }
        within("what was asked before is answered", client.sync("/")).await.unwrap();
        proxy.cut();
    }
}

#[tokio::test]
async fn a_lost_reply_to_the_create_leaves_no_second_node() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, other) = (target.client_through(&proxy).await, target.client().await);
    // Once it has had a child a container without one is swept away, and soon: so this one stays.
    let keep = other.create("/locks/x/keep", b"", CreateMode::Persistent);
    keep.with_container_parents().await.unwrap();
    let (_, _, queued) = other.children(PATH).watch().await.unwrap();
    proxy.swallow_replies();
    let acquiring = Lock::acquire(&client, PATH);
    let cutting = async {
        within("the node is made", queued).await.unwrap();
        proxy.cut();
    };
    let (guard, ()) = within("the lock", async { tokio::join!(acquiring, cutting) }).await;
    let names = other.children(PATH).await.unwrap().0;
    assert_eq!(names.len(), 2, "one node of ours, one that keeps the container: {names:?}");
    assert_eq!(guard.unwrap().release().await.unwrap(), Released::Released);
}

#[tokio::test]
async fn try_acquire_and_time_limits_do_not_wait() {
    let target = Target::start().await;
    let (holder, other) = (target.client().await, target.client().await);
    let guard = acquire(&holder).await;
    assert!(within("an answer", Lock::try_acquire(&other, PATH)).await.unwrap().is_none());
    let limit = Duration::from_millis(50);
    let error = Lock::acquire_timeout(&other, PATH, limit).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    eventually("those who gave up leave the line", async || {
        holder.children(PATH).await.unwrap().0.len() == 1
    })
    .await;
    assert_eq!(guard.release().await.unwrap(), Released::Released);
    assert!(Lock::try_acquire(&other, PATH).await.unwrap().is_some());
}

#[tokio::test]
async fn a_waiter_that_is_dropped_leaves_the_line() {
    let target = Target::start().await;
    let (holder, dropped, next) =
        (target.client().await, target.client().await, target.client().await);
    let guard = acquire(&holder).await;
    let (_, _, queued) = holder.children(PATH).watch().await.unwrap();
    let waiter = tokio::spawn(async move { Lock::acquire(&dropped, PATH).await.map(drop) });
    within("it stands in line", queued).await.unwrap();
    waiter.abort();
    let waiting = tokio::spawn(async move {
        Lock::acquire(&next, PATH).await.map(|guard| guard.path().to_owned())
    });
    guard.release().await.unwrap();
    within("the one behind it gets in", waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_guard_that_is_dropped_lets_the_next_one_in() {
    let target = Target::start().await;
    let (first, second) = (target.client().await, target.client().await);
    let guard = acquire(&first).await;
    drop(guard);
    assert!(acquire(&second).await.is_held());
}

#[tokio::test]
async fn a_holder_learns_that_its_node_was_deleted() {
    let target = Target::start().await;
    let (client, admin) = (target.client().await, target.client().await);
    let guard = acquire(&client).await;
    admin.delete(guard.path()).await.unwrap();
    assert_eq!(within("loss is told", guard.lost()).await, LostReason::NodeDeleted);
    assert_eq!(guard.state(), HoldState::Lost(LostReason::NodeDeleted));
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyGone);
}

#[tokio::test]
async fn a_holder_that_is_cut_off_for_too_long_has_lost_it() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let short = target.builder_through(&proxy).session_timeout(session);
        let (client, next) = (short.connect().await.unwrap(), target.client().await);
        let guard = within("the lock", Lock::acquire(&client, PATH)).await.ok()?;
        let token = guard.fencing_token();
        proxy.refuse();
        let waiting = tokio::spawn(async move { acquire(&next).await.fencing_token() });
        let reason = within("loss is told without any server", guard.lost()).await;
        assert!(
            matches!(reason, LostReason::DeadlinePassed | LostReason::SessionExpired),
            "{reason}"
        );
        assert!(!guard.is_held());
        assert!(within("the next one gets in", waiting).await.unwrap() > token);
        proxy.heal();
        assert!(!guard.is_held(), "a guard of a former session never passes as held");
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_short_cut_makes_a_holder_unsure_and_then_sure_again() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    let guard = acquire(&client).await;
    proxy.refuse();
    eventually("unsure", async || guard.state() == HoldState::Unsure).await;
    proxy.heal();
    eventually("held again", async || guard.state() == HoldState::Held).await;
    assert_eq!(within("release", guard.release()).await.unwrap(), Released::Released);
}
