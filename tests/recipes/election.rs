//! One leader at a time, and always one.

use std::time::Duration;

use futures_util::StreamExt;
use tests::{Target, eventually, within};
use zk_client::Client;
use zk_recipes::election::LatchState;
use zk_recipes::{LeaderLatch, LostReason};

const PATH: &str = "/masters";

async fn join(client: &Client, id: &str) -> LeaderLatch {
    within("joining", LeaderLatch::start(client, PATH, id)).await.unwrap()
}

/// Waits until the latch stands in line, so that later ones stand behind it.
async fn stands_in_line(latch: &LeaderLatch) {
    let mut states = latch.states();
    within("a place in line", async {
        while !matches!(
            states.next().await,
            Some(LatchState::Waiting { .. } | LatchState::Leading { .. })
        ) {}
    })
    .await;
}

#[tokio::test]
async fn the_first_to_join_leads_and_the_next_takes_over_when_it_leaves() {
    let target = Target::start().await;
    let (a, b) = (target.client().await, target.client().await);
    let first = join(&a, "a").await;
    let term = within("leadership", first.lead()).await.unwrap();
    let second = join(&b, "b").await;
    stands_in_line(&second).await;
    assert!(first.is_leading() && !second.is_leading());
    assert_eq!(LeaderLatch::leader_of(&b, PATH).await.unwrap().unwrap().id, "a");
    first.close().await.unwrap();
    assert_eq!(within("the old term ends", term.lost()).await, LostReason::Released);
    let next = within("the next term", second.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
    assert_eq!(second.leader().await.unwrap().unwrap().id, "b");
}

#[tokio::test]
async fn participants_are_listed_with_the_leader_first() {
    let target = Target::start().await;
    let client = target.client().await;
    let mut latches = Vec::new();
    for id in ["a", "b", "c"] {
        let latch = join(&client, id).await;
        stands_in_line(&latch).await;
        latches.push(latch);
    }
    let participants = LeaderLatch::participants_of(&client, PATH).await.unwrap();
    let ids: Vec<_> = participants.iter().map(|p| (p.id.as_str(), p.is_leader)).collect();
    assert_eq!(ids, [("a", true), ("b", false), ("c", false)]);
}

#[tokio::test]
async fn a_leader_that_dies_is_replaced_when_its_session_expires() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let short = target.builder_through(&proxy).session_timeout(Duration::from_millis(600));
    let (dying, backup) = (short.connect().await.unwrap(), target.client().await);
    let leader = join(&dying, "dying").await;
    let term = within("leadership", leader.lead()).await.unwrap();
    let standby = join(&backup, "backup").await;
    stands_in_line(&standby).await;
    proxy.refuse();
    let next = within("the backup takes over", standby.lead()).await.unwrap();
    assert!(!term.is_held(), "the old leader must know by the time there is a new one");
    assert!(next.fencing_token() > term.fencing_token());
    proxy.heal();
    stands_in_line(&leader).await;
    assert!(standby.is_leading() && !leader.is_leading());
}

#[tokio::test]
async fn who_resigns_goes_to_the_tail_of_the_line() {
    let target = Target::start().await;
    let (a, b) = (target.client().await, target.client().await);
    let first = join(&a, "a").await;
    let term = within("leadership", first.lead()).await.unwrap();
    let second = join(&b, "b").await;
    stands_in_line(&second).await;
    within("resigning", term.resign()).await.unwrap();
    let term = within("the other leads", second.lead()).await.unwrap();
    within("resigning", term.resign()).await.unwrap();
    let term = within("the first leads again", first.lead()).await.unwrap();
    assert!(term.is_held());
}

#[tokio::test]
async fn leadership_survives_a_short_cut() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    let latch = join(&client, "a").await;
    let term = within("leadership", latch.lead()).await.unwrap();
    for _ in 0..3 {
        proxy.cut();
        eventually("unsure or back", async || client.is_connected()).await;
    }
    within("an answer", client.sync("/")).await.unwrap();
    assert!(term.is_held() && latch.is_leading());
}
