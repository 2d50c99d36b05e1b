//! What ends a term while the work runs, and what must not.

use std::time::{Duration, Instant};

use zk_client::{Acl, Client, Permissions};
use zk_recipes::election::LatchState;
use zk_recipes::{Error, LeaderElection, LostReason};

use super::probe::{PATH, Probe, endless, join, join_as};
use crate::support::{
    Op, Proxy, children, client, connect, connect_for, expire, server, soon, until, until_children,
    with_short_session,
};

#[tokio::test]
async fn the_work_ends_with_the_session_and_begins_again_at_the_tail() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (_first, work) = join(&one, "node-1").await;
    let (second, next) = join(&two, "node-2").await;
    let token = work.started(1).await;
    expire(&server, &one);
    work.ended(1).await;
    assert!(next.started(1).await > token);
    until_children(&two, PATH, 2).await;
    soon(second.stop()).await.unwrap();
    assert!(work.started(2).await > token);
}

#[tokio::test]
async fn who_waits_and_loses_its_session_waits_on() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (first, work) = join(&one, "node-1").await;
    let (_second, next) = join(&two, "node-2").await;
    work.started(1).await;
    let before = children(&one, PATH).await;
    expire(&server, &two);
    until(|| async {
        let line = children(&one, PATH).await;
        line.len() == 2 && line[1] != before[1]
    })
    .await;
    soon(first.stop()).await.unwrap();
    next.started(1).await;
}

#[tokio::test]
async fn a_cut_does_not_disturb_the_work() {
    let server = server().await;
    let client = client(&server).await;
    let (election, work) = join(&client, "node-1").await;
    let token = work.started(1).await;
    for _ in 0..3 {
        server.drop_connections();
        until(|| async { client.exists("/").await.is_ok() && server.connection_count() == 1 })
            .await;
    }
    until(|| async {
        client.exists("/").await.is_ok() && election.state() == LatchState::Leading { token }
    })
    .await;
    assert_eq!(work.seen().started, [token]);
    assert!(work.seen().ended.is_empty());
}

#[tokio::test]
async fn a_cautious_leader_ends_its_work_when_the_connection_breaks() {
    let server = server().await;
    let client = client(&server).await;
    let builder = LeaderElection::builder(PATH, "node-1").let_go_when_suspended(true);
    let (_election, work) = join_as(&client, builder).await;
    work.started(1).await;
    server.drop_connections();
    work.ended(1).await;
    work.started(2).await;
}

#[tokio::test]
async fn an_operator_who_deletes_the_node_ends_the_work() {
    let server = server().await;
    let (one, operator) = (client(&server).await, client(&server).await);
    let (election, work) = join(&one, "node-1").await;
    let token = work.started(1).await;
    let path = soon(election.leader()).await.unwrap().unwrap().path;
    operator.delete(&path).await.unwrap();
    work.ended(1).await;
    assert!(work.started(2).await > token);

    // The same with the whole directory, which is made again.
    operator.delete_recursive(PATH).await.unwrap();
    work.ended(2).await;
    work.started(3).await;
    until_children(&operator, PATH, 1).await;
}

#[tokio::test]
async fn nobody_answers_and_the_work_ends_in_time() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect_for(&proxy.connect_string(), Duration::from_millis(600)).await;
    let (election, work) = join(&client, "node-1").await;
    work.started(1).await;
    proxy.swallow();
    work.ended(1).await;
    // If the machine stood still before, there was a second term already.
    until(|| async { !election.is_leading() }).await;
    proxy.deliver();
    proxy.cut();
    work.started(2).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_process_that_was_paused_knows_as_soon_as_it_looks() {
    with_short_session(async |session| {
        let server = server().await;
        let client = connect_for(&server.connect_string(), session).await;
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sender = std::sync::Mutex::new(Some(sender));
        let work = move |term: zk_recipes::election::Term| {
            let first = sender.lock().unwrap().take();
            async move {
                if let Some(first) = first {
                    let _ = first.send(term);
                }
                std::future::pending::<()>().await;
            }
        };
        let _election = soon(LeaderElection::start(&client, PATH, "node-1", work)).await.ok()?;
        let term = soon(receiver).await.unwrap();
        term.is_held().then_some(())?;
        // The one thread of this runtime is kept busy, so no task of the client or the recipe runs.
        while client.session_deadline().is_some_and(|deadline| Instant::now() < deadline) {
            std::hint::spin_loop();
        }
        assert!(!term.is_held());
        assert!(term.cancellation().is_cancelled());
        assert_eq!(soon(term.lost()).await, LostReason::DeadlinePassed);
        Some(())
    })
    .await;
}

/// Joins over a network that goes wrong at the next `op`, with the directory made before.
async fn joins_although(broken: impl Fn(&Proxy), leads: bool) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(join(&client, "x").await.0.stop()).await.unwrap();
    let ahead = if leads { None } else { Some(join(&observer, "ahead").await) };
    broken(&proxy);
    let (election, work) = join(&client, "node-1").await;
    proxy.triggered(1).await;
    until_children(&observer, PATH, if leads { 1 } else { 2 }).await;
    if let Some((ahead, _)) = ahead {
        soon(ahead.stop()).await.unwrap();
    }
    work.started(1).await;
    soon(election.stop()).await.unwrap();
    until_children(&observer, PATH, 0).await;
}

#[tokio::test]
async fn a_join_goes_through_whatever_is_lost() {
    for op in [Op::Create, Op::GetChildren] {
        joins_although(|proxy| proxy.lose_reply(op), true).await;
        joins_although(|proxy| proxy.lose_request(op), true).await;
    }
    for op in [Op::Create, Op::GetChildren, Op::GetData] {
        joins_although(|proxy| proxy.lose_reply(op), false).await;
        joins_although(|proxy| proxy.lose_request(op), false).await;
    }
}

#[tokio::test]
async fn a_stop_goes_through_whatever_is_lost() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    for round in 1..=2 {
        let (election, work) = join(&client, "node-1").await;
        work.started(1).await;
        if round == 1 {
            proxy.lose_reply(Op::Delete);
        } else {
            proxy.lose_request(Op::Delete);
        }
        soon(election.stop()).await.unwrap();
        proxy.triggered(round).await;
        assert!(children(&observer, PATH).await.is_empty());
    }
}

/// Drops a start that waits for the reply to its next `op`.
async fn dropped_at(op: Op) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(join(&client, "x").await.0.stop()).await.unwrap();
    proxy.hold_reply(op);
    let probe = Probe::new();
    let starting = tokio::spawn({
        let (client, probe) = (client.clone(), probe.clone());
        async move { LeaderElection::start(&client, PATH, "node-1", endless(probe)).await }
    });
    proxy.triggered(1).await;
    starting.abort();
    drop(soon(starting).await);
    proxy.release();
    until_children(&observer, PATH, 0).await;
    assert_eq!(client.session_epoch(), 1, "not by the end of the session");
    assert_eq!(probe.seen().started.len(), probe.seen().ended.len());
}

#[tokio::test]
async fn a_start_that_is_dropped_leaves_nobody_behind() {
    dropped_at(Op::Create).await;
    dropped_at(Op::GetChildren).await;
}

#[tokio::test]
async fn a_stop_that_is_dropped_goes_on() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let (election, work) = join(&client, "node-1").await;
    work.started(1).await;
    proxy.hold_reply(Op::Delete);
    let stopping = tokio::spawn(async move { election.stop().await });
    proxy.triggered(1).await;
    stopping.abort();
    proxy.release();
    until_children(&observer, PATH, 0).await;
}

#[tokio::test]
async fn a_stop_without_the_right_to_delete_says_so() {
    let server = server().await;
    let client = client(&server).await;
    let all_but_delete =
        Acl::new(Permissions::READ | Permissions::CREATE | Permissions::ADMIN, "world", "anyone");
    let builder = LeaderElection::builder(PATH, "node-1").parents_acl([all_but_delete]);
    let (election, work) = join_as(&client, builder).await;
    work.started(1).await;
    let error = soon(election.stop()).await.unwrap_err();
    assert!(matches!(error, Error::Client(zk_client::Error::NoAuth { .. })), "{error}");
    assert_eq!(work.seen().ended.len(), 1);
    give_back(&client).await;
}

/// Lets the server be shut down with nothing in the way.
async fn give_back(client: &Client) {
    client.set_acl(PATH, Acl::open()).await.unwrap();
}
