//! Members who begin and end together.

use tokio::task::JoinHandle;
use zk_client::{Client, CreateMode};
use zk_recipes::{DoubleBarrier, Result, barrier::Inside};

use crate::support::{Proxy, children, client, connect, server, soon, until, until_children};

const PATH: &str = "/barriers/job";
const READY: &str = "/barriers/job/ready";

fn entering(client: &Client, members: usize) -> JoinHandle<Result<Inside>> {
    let barrier = DoubleBarrier::new(client, PATH, members);
    tokio::spawn(async move { barrier.enter().await })
}

#[tokio::test]
async fn all_begin_when_the_last_has_come_and_end_when_the_last_has_left() {
    let server = server().await;
    let client = client(&server).await;
    for members in 1..=5 {
        let mut entered = Vec::new();
        for came in 1..=members {
            assert!(entered.iter().all(|task: &JoinHandle<_>| !task.is_finished()));
            entered.push(entering(&client, members));
            let ready = usize::from(came == members);
            until_children(&client, PATH, came + ready).await;
        }
        let mut left = Vec::new();
        for (gone, inside) in (0..).zip(entered) {
            let inside = soon(inside).await.unwrap().unwrap();
            assert!(left.iter().all(|task: &JoinHandle<_>| !task.is_finished()), "{gone} left");
            left.push(tokio::spawn(inside.leave()));
        }
        for task in left {
            soon(task).await.unwrap().unwrap();
        }
        assert!(children(&client, PATH).await.is_empty(), "nothing is left of {members} members");
    }
}

#[tokio::test]
async fn rounds_follow_each_other_without_mixing() {
    const MEMBERS: usize = 4;
    const ROUNDS: usize = 8;
    let server = server().await;
    let rounds: std::sync::Arc<[std::sync::atomic::AtomicUsize; ROUNDS]> =
        std::sync::Arc::default();
    let mut tasks = Vec::new();
    for _ in 0..MEMBERS {
        let (client, rounds) = (client(&server).await, rounds.clone());
        tasks.push(tokio::spawn(async move {
            let barrier = DoubleBarrier::new(&client, PATH, MEMBERS);
            for (round, came) in rounds.iter().enumerate() {
                came.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let inside = barrier.enter().await.unwrap();
                let count = came.load(std::sync::atomic::Ordering::SeqCst);
                assert_eq!(count, MEMBERS, "the barrier of round {round} opened too early");
                inside.leave().await.unwrap();
            }
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
    assert!(children(&client(&server).await, PATH).await.is_empty());
}

#[tokio::test]
async fn a_sign_left_behind_opens_nothing() {
    let server = server().await;
    let client = client(&server).await;
    client.create("/barriers", b"", CreateMode::Persistent).await.unwrap();
    client.create(PATH, b"", CreateMode::Persistent).await.unwrap();
    client.create(READY, b"", CreateMode::Persistent).await.unwrap();
    let first = entering(&client, 2);
    until_children(&client, PATH, 2).await;
    assert!(!first.is_finished());
    let second = entering(&client, 2);
    let (first, second) =
        (soon(first).await.unwrap().unwrap(), soon(second).await.unwrap().unwrap());
    let leaving = tokio::spawn(first.leave());
    soon(second.leave()).await.unwrap();
    soon(leaving).await.unwrap().unwrap();
    assert!(children(&client, PATH).await.is_empty());
}

#[tokio::test]
async fn who_comes_while_others_are_inside_joins_them() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(entering(&client, 1)).await.unwrap().unwrap();
    let second = soon(entering(&client, 1)).await.unwrap().unwrap();
    let leaving = tokio::spawn(first.leave());
    soon(second.leave()).await.unwrap();
    soon(leaving).await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_comes_during_a_leave_does_not_hold_it_up() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let first = soon(entering(&client, 1)).await.unwrap().unwrap();
    let second = soon(entering(&client, 1)).await.unwrap().unwrap();
    let (lowest, highest) =
        if first.path() < second.path() { (first, second) } else { (second, first) };
    let before = proxy.requests();
    let lowest = tokio::spawn(lowest.leave());
    // It has listed its round, and waits for the other.
    until(|| async { proxy.requests() - before == 2 }).await;
    let third = soon(entering(&client, 1)).await.unwrap().unwrap();
    let highest = tokio::spawn(highest.leave());
    soon(lowest).await.unwrap().unwrap();
    drop(third);
    soon(highest).await.unwrap().unwrap();
    until_children(&client, PATH, 0).await;
}

#[tokio::test]
async fn entering_takes_one_round_trip_and_who_opens_two() {
    let server = server().await;
    let observer = client(&server).await;
    let (near, far) = (Proxy::start(server.addr()).await, Proxy::start(server.addr()).await);
    let first = connect(&near.connect_string()).await;
    let second = connect(&far.connect_string()).await;
    soon(soon(entering(&observer, 1)).await.unwrap().unwrap().leave()).await.unwrap();

    let waiting = entering(&first, 2);
    // Create, look at `ready`, list; and the watch of the own node.
    until(|| async { near.requests() == 4 }).await;
    let inside = soon(entering(&second, 2)).await.unwrap().unwrap();
    assert_eq!(far.requests(), 4, "create, look, list; then `ready`");
    let woken = soon(waiting).await.unwrap().unwrap();
    assert_eq!(near.requests(), 4, "the event says it all");
    drop((inside, woken));
    until_children(&observer, PATH, 0).await;
}
