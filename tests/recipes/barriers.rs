//! Everybody waits for everybody.

use tests::{Target, eventually, within};
use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::barrier::Inside;
use zk_recipes::{Barrier, DoubleBarrier, Result};

const GATE: &str = "/barriers/gate";
const JOB: &str = "/barriers/job";

fn entering(client: &Client, members: usize) -> JoinHandle<Result<Inside>> {
    let barrier = DoubleBarrier::new(client, JOB, members);
    tokio::spawn(async move { barrier.enter().await })
}

async fn until_children(client: &Client, path: &str, count: usize) {
    eventually("the children", async || {
        client.children(path).await.is_ok_and(|(names, _)| names.len() == count)
    })
    .await;
}

#[tokio::test]
async fn a_barrier_holds_whoever_comes_until_it_is_removed() {
    let target = Target::start().await;
    let (setter, waiter) = (target.client().await, target.client().await);
    let gate = Barrier::new(&setter, GATE);
    within("no barrier", Barrier::new(&waiter, GATE).wait()).await.unwrap();
    gate.set().await.unwrap();
    gate.set().await.unwrap();
    let there = Barrier::new(&waiter, GATE);
    assert!(there.is_set().await.unwrap());
    let waiting = tokio::spawn(async move { there.wait().await });
    // Behind it in the same session: it has looked by now.
    waiter.sync("/").await.unwrap();
    assert!(!waiting.is_finished());
    gate.remove().await.unwrap();
    gate.remove().await.unwrap();
    within("the barrier is gone", waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn members_begin_when_the_last_has_come_and_end_when_the_last_has_left() {
    let target = Target::start().await;
    let client = target.client().await;
    for members in 1..=4 {
        let mut entered = Vec::new();
        for came in 1..=members {
            assert!(entered.iter().all(|task: &JoinHandle<_>| !task.is_finished()));
            entered.push(entering(&client, members));
            until_children(&client, JOB, came + usize::from(came == members)).await;
        }
        let mut left = Vec::new();
        for inside in entered {
            let inside = within("inside", inside).await.unwrap().unwrap();
            assert!(left.iter().all(|task: &JoinHandle<_>| !task.is_finished()));
            left.push(tokio::spawn(inside.leave()));
        }
        for task in left {
            within("outside", task).await.unwrap().unwrap();
        }
        let (names, _) = client.children(JOB).await.unwrap_or_default();
        assert!(names.is_empty(), "left of {members} members: {names:?}");
    }
}

#[tokio::test]
async fn members_who_are_cut_off_for_a_moment_meet_all_the_same() {
    let target = Target::start().await;
    let (proxy, there) = (target.proxy().await, target.client().await);
    let here = target.client_through(&proxy).await;
    let first = entering(&here, 2);
    until_children(&there, JOB, 1).await;
    proxy.cut();
    let second = entering(&there, 2);
    let second = within("inside", second).await.unwrap().unwrap();
    let first = within("inside", first).await.unwrap().unwrap();
    let left = tokio::spawn(first.leave());
    proxy.cut();
    within("outside", second.leave()).await.unwrap();
    within("outside", left).await.unwrap().unwrap();
}
