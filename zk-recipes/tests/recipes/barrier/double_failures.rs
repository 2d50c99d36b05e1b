//! Members that die, connections that break, futures that are dropped.

use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::{DoubleBarrier, Error, Result, barrier::Inside};

use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

const PATH: &str = "/barriers/job";

fn entering(client: &Client, members: usize) -> JoinHandle<Result<Inside>> {
    let barrier = DoubleBarrier::new(client, PATH, members);
    tokio::spawn(async move { barrier.enter().await })
}

async fn all_leave(inside: impl IntoIterator<Item = Inside>) {
    let tasks: Vec<_> = inside.into_iter().map(|inside| tokio::spawn(inside.leave())).collect();
    for task in tasks {
        soon(task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn lost_requests_and_replies_are_no_matter() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        for op in [Op::Create, Op::GetChildren, Op::Delete, Op::GetData, Op::Multi] {
            lose(&proxy, op);
            let first = entering(&client, 2);
            until_children(&observer, PATH, 1).await;
            let second = soon(entering(&observer, 2)).await.unwrap().unwrap();
            let first = soon(first).await.unwrap().unwrap();
            all_leave([first, second]).await;
            assert!(children(&observer, PATH).await.is_empty(), "nothing is left after {op:?}");
        }
    }
    assert_eq!(client.session_epoch(), 1);
}

#[tokio::test]
async fn who_opens_the_barrier_may_lose_request_or_reply() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    all_leave([soon(entering(&observer, 1)).await.unwrap().unwrap()]).await;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        proxy.hold_reply(Op::GetChildren);
        let first = entering(&client, 1);
        until_children(&observer, PATH, 1).await;
        lose(&proxy, Op::Create);
        proxy.release();
        let inside = soon(first).await.unwrap().unwrap();
        assert_eq!(children(&observer, PATH).await.len(), 2);
        all_leave([inside]).await;
        assert!(children(&observer, PATH).await.is_empty());
    }
}

#[tokio::test]
async fn a_member_that_dies_before_the_barrier_opens_comes_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = entering(&one, 2);
    until_children(&two, PATH, 1).await;
    let before = children(&two, PATH).await;
    expire(&server, &one);
    until(|| async {
        let members = children(&two, PATH).await;
        members.len() == 1 && members != before
    })
    .await;
    let second = soon(entering(&two, 2)).await.unwrap().unwrap();
    all_leave([soon(first).await.unwrap().unwrap(), second]).await;
}

#[tokio::test]
async fn a_member_whose_node_is_deleted_comes_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = entering(&one, 2);
    until_children(&two, PATH, 1).await;
    let before = children(&two, PATH).await;
    two.delete(&format!("{PATH}/{}", before[0])).await.unwrap();
    until(|| async {
        let members = children(&two, PATH).await;
        members.len() == 1 && members != before
    })
    .await;
    let second = soon(entering(&two, 2)).await.unwrap().unwrap();
    all_leave([soon(first).await.unwrap().unwrap(), second]).await;
}

#[tokio::test]
async fn who_is_away_while_the_barrier_opens_and_the_others_leave_gets_in() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (slow, fast) = (connect(&proxy.connect_string()).await, client(&server).await);
    let first = entering(&slow, 2);
    until_children(&fast, PATH, 1).await;
    // Create, look, list; the directory, a look and two creates; create, look, list once more, and the
    // read that watches the own node, which must not be the one whose reply is held.
    until(|| async { proxy.requests() == 10 }).await;
    proxy.hold_reply(Op::GetData);
    let reading = tokio::spawn({
        let slow = slow.clone();
        async move { slow.get("/").await.map(drop) }
    });
    proxy.triggered(1).await;
    // All of it happens behind the slow one's back: its connection delivers nothing.
    let second = soon(entering(&fast, 2)).await.unwrap().unwrap();
    drop(second);
    until_children(&fast, PATH, 2).await;
    proxy.release();
    soon(reading).await.unwrap().unwrap();
    all_leave([soon(first).await.unwrap().unwrap()]).await;
    assert!(children(&fast, PATH).await.is_empty());
}

#[tokio::test]
async fn leavers_do_not_wait_for_the_dead() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (first, second) = (entering(&one, 2), entering(&two, 2));
    let (first, second) =
        (soon(first).await.unwrap().unwrap(), soon(second).await.unwrap().unwrap());
    let leaving = tokio::spawn(first.leave());
    expire(&server, &two);
    soon(leaving).await.unwrap().unwrap();
    assert!(children(&one, PATH).await.is_empty(), "the sign is gone, whoever died");
    // Out already, and nobody is left to wait for.
    soon(second.leave()).await.unwrap();
}

#[tokio::test]
async fn the_next_round_stays_open_though_the_end_of_the_last_one_is_repeated() {
    for leaves in [true, false] {
        let server = server().await;
        let proxy = Proxy::start(server.addr()).await;
        let (one, two) = (connect(&proxy.connect_string()).await, client(&server).await);
        let inside = soon(entering(&one, 1)).await.unwrap().unwrap();
        // Its node goes with its session, and leaves only the sign, which is for it to take down.
        expire(&server, &one);
        until(|| async { one.session_epoch() == 2 && one.exists("/").await.is_ok() }).await;
        proxy.hold_reply(Op::Delete);
        let leaving = tokio::spawn(async move {
            if leaves {
                return inside.leave().await;
            }
            drop(inside);
            Ok(())
        });
        proxy.triggered(1).await;
        let next = soon(entering(&two, 1)).await.unwrap().unwrap();
        proxy.cut();
        soon(leaving).await.unwrap().unwrap();
        // What goes on in the background, a close waits for.
        soon(one.close()).await.unwrap();
        assert!(children(&two, PATH).await.contains(&"ready".to_owned()), "theirs is open");
        all_leave([next]).await;
        assert!(children(&two, PATH).await.is_empty());
    }
}

#[tokio::test]
async fn a_sign_whose_members_all_died_does_not_open_the_next_round() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let inside = soon(entering(&one, 1)).await.unwrap().unwrap();
    expire(&server, &one);
    until_children(&two, PATH, 1).await;
    let next = entering(&two, 2);
    until_children(&two, PATH, 2).await;
    assert!(!next.is_finished());
    let other = soon(entering(&one, 2)).await.unwrap().unwrap();
    all_leave([soon(next).await.unwrap().unwrap(), other]).await;
    drop(inside);
    assert!(children(&two, PATH).await.is_empty());
}

/// Drops an enter that waits for the reply to its next `op`.
async fn dropped_while_waiting_for(op: Op, members: usize) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    drop(soon(entering(&observer, 1)).await.unwrap().unwrap());
    until_children(&observer, PATH, 0).await;

    proxy.hold_reply(op);
    let entering = entering(&client, members);
    proxy.triggered(1).await;
    entering.abort();
    assert!(soon(entering).await.unwrap_err().is_cancelled());
    proxy.release();
    until_children(&observer, PATH, 0).await;
    assert_eq!(client.session_epoch(), 1, "not by the end of the session");
}

#[tokio::test]
async fn a_dropped_enter_leaves_nothing_behind() {
    dropped_while_waiting_for(Op::Create, 2).await;
    dropped_while_waiting_for(Op::GetChildren, 2).await;
    dropped_while_waiting_for(Op::GetData, 2).await;
    dropped_while_waiting_for(Op::GetChildren, 1).await;
}

#[tokio::test]
async fn a_dropped_leave_goes_on_in_the_background() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (first, second) = (entering(&one, 2), entering(&two, 2));
    let (first, second) =
        (soon(first).await.unwrap().unwrap(), soon(second).await.unwrap().unwrap());
    let leaving = tokio::spawn(first.leave());
    leaving.abort();
    assert!(soon(leaving).await.unwrap_err().is_cancelled());
    soon(second.leave()).await.unwrap();
    until_children(&one, PATH, 0).await;
}

#[tokio::test]
async fn a_refused_enter_says_so() {
    let server = server().await;
    let client = client(&server).await;
    soon(client.close()).await.unwrap();
    let error = soon(entering(&client, 1)).await.unwrap().unwrap_err();
    assert_eq!(error, Error::Client(zk_client::Error::Closed));
}
