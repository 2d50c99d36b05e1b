//! What an election costs, counted at the network.

use super::probe::{PATH, join};
use crate::support::{Proxy, client, connect, server, soon, until, until_children};
use zk_recipes::LeaderElection;

#[tokio::test]
async fn leading_costs_a_create_a_list_a_read_and_a_delete() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    soon(join(&client, "x").await.0.stop()).await.unwrap();
    let before = proxy.requests();
    let (election, work) = join(&client, "node-1").await;
    work.started(1).await;
    until(|| async { proxy.requests() - before == 3 }).await;
    soon(election.stop()).await.unwrap();
    assert_eq!(proxy.requests() - before, 4, "create and list, the own node, delete");
}

#[tokio::test]
async fn a_change_of_leader_wakes_one_follower_and_costs_an_observer_two_requests() {
    let server = server().await;
    let (proxy, behind) = (Proxy::start(server.addr()).await, Proxy::start(server.addr()).await);
    let (near, far) = (client(&server).await, connect(&proxy.connect_string()).await);
    let seeing = connect(&behind.connect_string()).await;
    let (first, work) = join(&near, "node-1").await;
    work.started(1).await;
    let (_second, next) = join(&near, "node-2").await;
    until_children(&near, PATH, 2).await;
    let (_third, _) = join(&far, "node-3").await;
    // Create, list, and the read that watches the predecessor.
    until(|| async { near.exists("/").await.is_ok() && proxy.requests() == 3 }).await;
    let observer = soon(LeaderElection::observe(&seeing, PATH)).await.unwrap();
    assert_eq!(behind.requests(), 2);

    soon(first.stop()).await.unwrap();
    next.started(1).await;
    let is_second = |leader: Option<&zk_recipes::election::Participant>| {
        leader.is_some_and(|leader| leader.id == "node-2")
    };
    soon(observer.wait_for(is_second)).await.unwrap();
    assert_eq!(behind.requests(), 4);
    assert_eq!(proxy.requests(), 3, "the third in line slept on");
}
