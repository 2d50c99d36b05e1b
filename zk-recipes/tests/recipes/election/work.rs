//! Work that is done while leading.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use zk_recipes::election::LatchState;
use zk_recipes::{Error, LeaderElection};

use super::probe::{PATH, Probe, join, join_as, slow_to_end};
use crate::support::{Resource, children, client, server, soon, until, until_children};

/// Longer than any test: what waits for its end waits for ever.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn the_work_runs_where_the_leader_is() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (first, work) = join(&one, "node-1").await;
    let (second, waiting) = join(&two, "node-2").await;
    let token = work.started(1).await;
    assert!(first.is_leading() && !second.is_leading());
    let seen: Vec<_> = soon(second.participants()).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|p| (p.id.as_str(), p.is_leader)).collect();
    assert_eq!(seen, [("node-1", true), ("node-2", false)]);
    assert_eq!(soon(first.leader()).await.unwrap().unwrap().id, "node-1");
    let leader = soon(LeaderElection::leader_of(&two, PATH)).await.unwrap().unwrap();
    assert_eq!(soon(LeaderElection::participants_of(&two, PATH)).await.unwrap().len(), 2);

    // The names are those of Curator's LeaderSelector, and the token is that of the node.
    let name = leader.path.strip_prefix("/masters/_c_").unwrap();
    assert_eq!(&name[36..], "-lock-0000000000");
    assert_eq!(two.get(&leader.path).await.unwrap().1.czxid.0, token.0);
    assert!(waiting.seen().started.is_empty());
}

#[tokio::test]
async fn an_election_can_have_kazoos_layout() {
    let server = server().await;
    let client = client(&server).await;
    let observer = soon(LeaderElection::observe_kazoo(&client, PATH)).await.unwrap();
    let (first, work) = join_as(&client, LeaderElection::kazoo(PATH, "node-1")).await;
    let (second, next) = join_as(&client, LeaderElection::kazoo(PATH, "node-2")).await;
    work.started(1).await;
    let names = children(&client, PATH).await;
    let (tag, number) = names[0].split_once("__lock__").unwrap();
    assert!(tag.len() == 32 && tag.chars().all(|c| c.is_ascii_hexdigit()), "{tag}");
    assert_eq!(number, "0000000000");
    let participants = soon(second.participants()).await.unwrap();
    let ids: Vec<_> = participants.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["node-1", "node-2"]);
    soon(first.stop()).await.unwrap();
    next.started(1).await;
    soon(observer.wait_for(|leader| leader.is_some_and(|l| l.id == "node-2"))).await.unwrap();
}

#[tokio::test]
async fn stopping_hands_over_at_once_and_only_after_the_work_has_ended() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (probe, gate) = (Probe::new(), CancellationToken::new());
    let builder = LeaderElection::builder(PATH, "node-1").grace(LONG);
    let work = slow_to_end(probe.clone(), gate.clone());
    let first = Arc::new(soon(builder.start(&one, work)).await.unwrap());
    let (_second, next) = join(&two, "node-2").await;
    let token = probe.started(1).await;

    let stopping = tokio::spawn({
        let first = first.clone();
        async move { first.stop().await }
    });
    // Ten round trips later the work still holds the node, and the leadership.
    for _ in 0..10 {
        assert_eq!(children(&two, PATH).await.len(), 2);
    }
    assert!(first.is_leading() && !stopping.is_finished());
    assert!(next.seen().started.is_empty());

    gate.cancel();
    soon(stopping).await.unwrap().unwrap();
    assert_eq!(probe.seen().ended, [token]);
    assert_eq!(first.state(), LatchState::Closed);
    assert!(next.started(1).await > token);
    assert_eq!(children(&two, PATH).await.len(), 1);
    soon(first.stop()).await.unwrap();
}

#[tokio::test]
async fn work_that_ignores_being_told_is_dropped() {
    let server = server().await;
    let client = client(&server).await;
    let (election, work) = join(&client, "node-1").await;
    work.started(1).await;
    soon(election.stop()).await.unwrap();
    assert_eq!(work.seen().ended.len(), 1);
    assert!(children(&client, PATH).await.is_empty());

    // The same when there is a grace period, and it is over.
    let builder = LeaderElection::builder(PATH, "node-1").grace(Duration::from_millis(1));
    let (election, work) = join_as(&client, builder).await;
    work.started(1).await;
    soon(election.stop()).await.unwrap();
    assert_eq!(work.seen().ended.len(), 1);
}

#[tokio::test]
async fn work_that_returns_gives_up_the_leadership_and_gets_in_line_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let resource = Arc::new(Resource::default());
    let mut elections = Vec::new();
    for number in 0..4 {
        let (resource, id) = (resource.clone(), format!("node-{number}"));
        let client = if number % 2 == 0 { &one } else { &two };
        let builder = LeaderElection::builder(PATH, id).requeue_jitter(Duration::from_millis(1));
        let work = move |term: zk_recipes::election::Term| {
            let resource = resource.clone();
            async move {
                resource.enter(term.fencing_token());
                tokio::task::yield_now().await;
                resource.leave(term.fencing_token());
            }
        };
        elections.push(soon(builder.start(client, work)).await.unwrap());
    }
    until(|| async { one.exists("/").await.is_ok() && resource.visits() >= 40 }).await;
    for stopped in join_all(elections.iter().map(LeaderElection::stop)).await {
        stopped.unwrap();
    }
    assert!(children(&one, PATH).await.is_empty());
}

#[tokio::test]
async fn one_term_can_be_all() {
    let server = server().await;
    let client = client(&server).await;
    let builder = LeaderElection::builder(PATH, "node-1").requeue(false);
    let once = soon(builder.start(&client, |_| async {})).await.unwrap();
    soon(once.ended()).await.unwrap();
    assert_eq!(once.state(), LatchState::Closed);
    assert!(children(&client, PATH).await.is_empty());
}

#[tokio::test]
async fn who_resigns_ends_the_work_and_goes_to_the_tail() {
    let server = server().await;
    let client = client(&server).await;
    let (first, work) = join(&client, "node-1").await;
    let (second, next) = join(&client, "node-2").await;
    let token = work.started(1).await;
    soon(second.resign()).await.unwrap();
    assert!(first.is_leading(), "who does not lead has nothing to resign from");
    soon(first.resign()).await.unwrap();
    assert_eq!(work.seen().ended, [token]);
    assert!(next.started(1).await > token);
    until_children(&client, PATH, 2).await;
    soon(second.stop()).await.unwrap();
    work.started(2).await;
}

#[tokio::test]
async fn work_that_panics_gives_up_the_leadership() {
    let server = server().await;
    let client = client(&server).await;
    let failing = soon(LeaderElection::start(&client, PATH, "node-1", |_| async {
        panic!("this is part of a test");
    }))
    .await
    .unwrap();
    let (_second, next) = join(&client, "node-2").await;
    next.started(1).await;
    assert!(!failing.is_leading());
    soon(failing.stop()).await.unwrap();
}

#[tokio::test]
async fn many_hand_over_in_the_order_in_which_they_joined() {
    const MANY: usize = 30;
    let server = server().await;
    let clients = [client(&server).await, client(&server).await, client(&server).await];
    let mut elections = Vec::new();
    for number in 0..MANY {
        elections.push(join(&clients[number % 3], &format!("node-{number}")).await);
    }
    let mut last = None;
    for (election, work) in elections {
        let token = work.started(1).await;
        assert!(last < Some(token), "the terms grow");
        last = Some(token);
        soon(election.stop()).await.unwrap();
    }
    assert!(children(&clients[0], PATH).await.is_empty());
}

#[tokio::test]
async fn two_in_one_process_are_two() {
    let server = server().await;
    let client = client(&server).await;
    let (first, one) = join(&client, "same").await;
    let (_second, two) = join(&client, "same").await;
    one.started(1).await;
    assert!(two.seen().started.is_empty());
    drop(first);
    two.started(1).await;
    assert_eq!(one.seen().ended.len(), 1, "the work ended before the node went");
    until_children(&client, PATH, 1).await;
}

#[tokio::test]
async fn closing_the_client_ends_the_work() {
    let server = server().await;
    let client = client(&server).await;
    let (election, work) = join(&client, "node-1").await;
    work.started(1).await;
    soon(client.close()).await.unwrap();
    work.ended(1).await;
    soon(election.stop()).await.unwrap();
    assert_eq!(election.state(), LatchState::Closed);
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_of_the_start() {
    let server = server().await;
    let client = client(&server).await;
    let started = LeaderElection::start(&client, "no-slash", "node-1", |_| async {});
    assert!(matches!(soon(started).await.unwrap_err(), Error::Client(_)));
    client.create("/closed", b"", zk_client::CreateMode::Persistent).await.unwrap();
    client.set_acl("/closed", zk_client::Acl::read_only()).await.unwrap();
    let started = LeaderElection::start(&client, "/closed/masters", "node-1", |_| async {});
    let error = soon(started).await.unwrap_err();
    assert!(matches!(error, Error::Client(zk_client::Error::NoAuth { .. })), "{error}");
}
