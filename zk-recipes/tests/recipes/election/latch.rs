//! Joining, leading, resigning, leaving.

use futures_util::{FutureExt, StreamExt};
use zk_recipes::election::LatchState;
use zk_recipes::{Error, LeaderLatch, LostReason, Released};

use crate::support::{children, client, server, soon, until, until_children};

#[tokio::test]
async fn the_first_to_join_leads_and_everybody_can_see_it() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = soon(LeaderLatch::start(&one, "/masters", "node-1")).await.unwrap();
    let second = soon(LeaderLatch::start(&two, "/masters", "node-2")).await.unwrap();
    let term = soon(first.lead()).await.unwrap();
    assert!(term.is_held() && first.is_leading() && !second.is_leading());
    assert!(second.lead().now_or_never().is_none());

    let participants = soon(second.participants()).await.unwrap();
    let seen: Vec<_> = participants.iter().map(|p| (p.id.as_str(), p.is_leader)).collect();
    assert_eq!(seen, [("node-1", true), ("node-2", false)]);
    let leader = soon(LeaderLatch::leader_of(&two, "/masters")).await.unwrap().unwrap();
    assert_eq!((leader.id.as_str(), leader.path.as_str()), ("node-1", term.path()));
    assert_eq!(soon(LeaderLatch::leader_of(&two, "/nowhere")).await.unwrap(), None);
    assert_eq!(soon(LeaderLatch::participants_of(&two, "/nowhere")).await.unwrap(), []);
}

#[tokio::test]
async fn nodes_are_curators() {
    let server = server().await;
    let client = client(&server).await;
    let latch = soon(LeaderLatch::start(&client, "/masters", "node-1")).await.unwrap();
    let term = soon(latch.lead()).await.unwrap();
    let name = term.path().strip_prefix("/masters/_c_").unwrap();
    assert_eq!(&name[36..], "-latch-0000000000");
    assert_eq!(client.get(term.path()).await.unwrap().0, "node-1");
}

#[tokio::test]
async fn a_term_is_handed_out_once() {
    let server = server().await;
    let client = client(&server).await;
    let latch = soon(LeaderLatch::start(&client, "/masters", "node-1")).await.unwrap();
    let term = soon(latch.lead()).await.unwrap();
    assert!(latch.lead().now_or_never().is_none());
    let token = term.fencing_token();
    drop(term);
    // The next term is another one.
    let term = soon(latch.lead()).await.unwrap();
    assert!(term.fencing_token() > token);
}

#[tokio::test]
async fn who_resigns_goes_to_the_tail() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(LeaderLatch::start(&client, "/masters", "node-1")).await.unwrap();
    let second = soon(LeaderLatch::start(&client, "/masters", "node-2")).await.unwrap();
    let term = soon(first.lead()).await.unwrap();
    assert_eq!(soon(second.resign()).await.unwrap(), Released::AlreadyGone, "it does not lead");

    assert_eq!(soon(first.resign()).await.unwrap(), Released::Released);
    assert!(!term.is_held());
    assert_eq!(soon(term.lost()).await, LostReason::Released);
    let next = soon(second.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
    drop(term);
    until_children(&client, "/masters", 2).await;
    assert_eq!(soon(next.resign()).await.unwrap(), Released::Released);
    assert!(soon(first.lead()).await.unwrap().is_held());
}

#[tokio::test]
async fn states_tell_the_story() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(LeaderLatch::start(&client, "/masters", "node-1")).await.unwrap();
    let second = soon(LeaderLatch::start(&client, "/masters", "node-2")).await.unwrap();
    let mut states = second.states();
    until(|| async { second.state() == LatchState::Waiting { ahead: 1 } }).await;
    soon(first.close()).await.unwrap();
    let term = soon(second.lead()).await.unwrap();
    let token = term.fencing_token();
    let mut last = None;
    while last != Some(LatchState::Leading { token }) {
        last = soon(states.next()).await;
        assert_ne!(last, None);
    }
    soon(second.close()).await.unwrap();
    while last != Some(LatchState::Closed) {
        last = soon(states.next()).await;
    }
    assert_eq!(soon(states.next()).await, None);
    assert!(!term.is_held());
}

#[tokio::test]
async fn closing_leaves_the_line_at_once_wherever_one_stands() {
    let server = server().await;
    let client = client(&server).await;
    let mut latches = Vec::new();
    for number in 0..3 {
        let id = format!("node-{number}");
        latches.push(soon(LeaderLatch::start(&client, "/masters", &id)).await.unwrap());
    }
    soon(latches.remove(1).close()).await.unwrap();
    assert_eq!(children(&client, "/masters").await.len(), 2);
    soon(latches.remove(0).close()).await.unwrap();
    assert_eq!(children(&client, "/masters").await.len(), 1);
    assert!(soon(latches[0].lead()).await.unwrap().is_held());
    drop(latches);
    until_children(&client, "/masters", 0).await;
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_of_the_start() {
    let server = server().await;
    let client = client(&server).await;
    let error = soon(LeaderLatch::start(&client, "no-slash", "node-1")).await.unwrap_err();
    assert!(matches!(error, Error::Client(_)), "{error}");
    assert!(!error.is_retryable());
}
