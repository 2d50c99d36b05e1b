//! Following who leads without taking part.

use futures_util::StreamExt;
use zk_client::{Acl, Client, Permissions};
use zk_recipes::election::{LeaderChanges, Participant};
use zk_recipes::{LeaderElection, LeaderLatch, LeaderObserver};

use super::probe::{PATH, join};
use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

fn is(id: &str) -> impl FnMut(Option<&Participant>) -> bool {
    move |leader| leader.map(|leader| leader.id.as_str()) == Some(id)
}

async fn next(changes: &mut LeaderChanges) -> Option<String> {
    soon(changes.next()).await.expect("the observer goes on").map(|leader| leader.id)
}

async fn seen(observer: &LeaderObserver, id: &str) -> Participant {
    soon(observer.wait_for(is(id))).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_observer_sees_who_comes_and_who_goes() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let observer = soon(LeaderElection::observe(&two, PATH)).await.unwrap();
    let mut changes = observer.changes();
    assert_eq!(observer.leader(), None);
    assert_eq!(next(&mut changes).await, None);

    let (first, work) = join(&one, "node-1").await;
    assert_eq!(next(&mut changes).await.as_deref(), Some("node-1"));
    work.started(1).await;
    let (second, _) = join(&one, "node-2").await;
    soon(first.stop()).await.unwrap();
    assert_eq!(next(&mut changes).await.as_deref(), Some("node-2"));
    assert_eq!(observer.leader().unwrap().id, "node-2");
    soon(second.stop()).await.unwrap();
    assert_eq!(next(&mut changes).await, None);
    // The directory is swept away or not, and comes again.
    let _ = one.delete(PATH).await;
    let (_third, _) = join(&one, "node-3").await;
    assert_eq!(next(&mut changes).await.as_deref(), Some("node-3"));
    drop(observer);
    assert!(soon(changes.next()).await.is_none());
}

#[tokio::test]
async fn a_latch_is_observed_in_the_same_way() {
    let server = server().await;
    let client = client(&server).await;
    let observer = soon(LeaderLatch::observe(&client, "/latches")).await.unwrap();
    let latch = soon(LeaderLatch::start(&client, "/latches", "node-1")).await.unwrap();
    let leader = seen(&observer, "node-1").await;
    assert!(leader.is_leader);
    let term = soon(latch.lead()).await.unwrap();
    assert_eq!(leader.path, term.path());
    // A leader that gives itself another name is seen, too.
    client.set(&leader.path, b"renamed").await.unwrap();
    assert_eq!(seen(&observer, "renamed").await.path, leader.path);
}

#[tokio::test]
async fn an_observer_outlives_cuts_and_its_session() {
    let mut server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (first, _) = join(&one, "node-1").await;
    let observer = soon(LeaderElection::observe(&two, PATH)).await.unwrap();
    seen(&observer, "node-1").await;
    server.stop().await;
    let is_stale = || async {
        tokio::task::yield_now().await;
        observer.is_stale()
    };
    until(is_stale).await;
    assert_eq!(observer.leader().unwrap().id, "node-1");
    server.restart().await.unwrap();
    until(|| async { !is_stale().await }).await;
    let (_second, _) = join(&one, "node-2").await;
    expire(&server, &two);
    soon(first.stop()).await.unwrap();
    seen(&observer, "node-2").await;
}

async fn observes_although(broken: impl Fn(&Proxy, &Client)) {
    let server = server().await;
    let one = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let two = connect(&proxy.connect_string()).await;
    let (first, work) = join(&one, "node-1").await;
    let (_second, _) = join(&one, "node-2").await;
    work.started(1).await;
    until_children(&one, PATH, 2).await;
    broken(&proxy, &two);
    let observer = soon(LeaderElection::observe(&two, PATH)).await.unwrap();
    proxy.triggered(1).await;
    seen(&observer, "node-1").await;
    broken(&proxy, &two);
    soon(first.stop()).await.unwrap();
    seen(&observer, "node-2").await;
    proxy.triggered(2).await;
}

#[tokio::test]
async fn an_observer_goes_on_whatever_is_lost() {
    for op in [Op::GetChildren, Op::GetData] {
        observes_although(|proxy, _| proxy.lose_reply(op)).await;
        observes_although(|proxy, _| proxy.lose_request(op)).await;
    }
}

#[tokio::test]
async fn an_observer_dropped_while_it_starts_leaves_nothing() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    for op in [Op::GetChildren, Op::GetData] {
        let (election, work) = join(&one, "node-1").await;
        work.started(1).await;
        proxy.hold_reply(op);
        let client = two.clone();
        let starting = tokio::spawn(async move { LeaderElection::observe(&client, PATH).await });
        proxy.triggered(if op == Op::GetChildren { 1 } else { 2 }).await;
        starting.abort();
        drop(soon(starting).await);
        proxy.release();
        soon(election.stop()).await.unwrap();
    }
    assert!(children(&one, PATH).await.is_empty());
}

#[tokio::test]
async fn an_observer_ends_with_its_client() {
    let server = server().await;
    let client = client(&server).await;
    let observer = soon(LeaderElection::observe(&client, PATH)).await.unwrap();
    let mut changes = observer.changes();
    next(&mut changes).await;
    soon(client.close()).await.unwrap();
    assert!(soon(changes.next()).await.is_none());
    assert!(observer.is_stale());
}

#[tokio::test]
async fn an_observer_is_stale_also_while_it_waits_for_an_answer() {
    let mut server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (client(&server).await, connect(&proxy.connect_string()).await);
    let (first, _) = join(&one, "node-1").await;
    let observer = soon(LeaderElection::observe(&two, PATH)).await.unwrap();
    proxy.hold_reply(Op::GetChildren);
    soon(first.stop()).await.unwrap();
    proxy.triggered(1).await;
    server.stop().await;
    proxy.cut();
    until(|| async { observer.is_stale() }).await;
}

#[tokio::test]
async fn an_observer_that_may_look_again_is_not_stale() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let no_read =
        Permissions::WRITE | Permissions::CREATE | Permissions::DELETE | Permissions::ADMIN;
    let anyone = |permissions| [Acl::new(permissions, "world", "anyone")];
    let (first, _) = join(&one, "node-1").await;
    let observer = soon(LeaderElection::observe(&two, PATH)).await.unwrap();
    one.set_acl(PATH, anyone(no_read)).await.unwrap();
    soon(first.stop()).await.unwrap();
    until(|| async { observer.is_stale() }).await;
    one.set_acl(PATH, anyone(Permissions::ALL)).await.unwrap();
    until(|| async { !observer.is_stale() }).await;
    assert_eq!(observer.leader(), None);
}
