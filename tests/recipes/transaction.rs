//! All of them commit, or none does.

use std::time::Duration;

use tests::{Target, eventually, within};
use tokio::task::JoinHandle;
use zk_client::Client;
use zk_recipes::Transaction;
use zk_recipes::transaction::{Coordinator, Decision, Vote};

const DIRECTORY: &str = "/transactions";
/// Longer than any test.
const LONG: Duration = Duration::from_secs(600);

async fn begin(client: &Client) -> Coordinator {
    let begun = Transaction::begin(client, DIRECTORY, ["a", "b"], "order 17");
    within("a transaction", begun).await.unwrap()
}

/// A participant that votes, and is done when it is decided.
fn vote(client: &Client, path: &str, name: &'static str, vote: Vote) -> JoinHandle<Decision> {
    let (client, path) = (client.clone(), path.to_owned());
    tokio::spawn(async move {
        let mut part = Transaction::join(&client, &path, name).await.unwrap();
        assert_eq!(part.payload(), "order 17");
        let decision = part.vote(vote).await.unwrap();
        part.done().await.unwrap();
        decision
    })
}

async fn nothing_is_left(client: &Client) {
    eventually("nothing is left", async || {
        client.children(DIRECTORY).await.map_or(true, |(names, _)| names.is_empty())
    })
    .await;
}

#[tokio::test]
async fn all_commit_or_none_does() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    for (votes, expected) in [
        ([Vote::Commit, Vote::Commit], Decision::Committed),
        ([Vote::Commit, Vote::Abort], Decision::Aborted),
    ] {
        let mut transaction = begin(&one).await;
        let path = transaction.path().to_owned();
        assert_eq!(Transaction::decision_of(&two, &path).await.unwrap(), None);
        let parts = [vote(&one, &path, "a", votes[0]), vote(&two, &path, "b", votes[1])];
        assert_eq!(within("a decision", transaction.decide(LONG)).await.unwrap(), expected);
        assert_eq!(within("an end", transaction.finish()).await.unwrap(), expected);
        for part in parts {
            assert_eq!(within("a participant is done", part).await.unwrap(), expected);
        }
        nothing_is_left(&one).await;
    }
}

#[tokio::test]
async fn a_participant_that_dies_before_its_vote_aborts() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let mut transaction = begin(&one).await;
    let path = transaction.path().to_owned();
    let dying = within("joining", Transaction::join(&two, &path, "b")).await.unwrap();
    let other = vote(&one, &path, "a", Vote::Commit);
    within("the session ends", two.close()).await.unwrap();
    drop(dying);
    // Whether the coordinator has seen it or not: without its vote nothing is committed.
    let limit = Duration::from_millis(50);
    let decision = within("a decision", transaction.decide(limit)).await.unwrap();
    assert_eq!(decision, Decision::Aborted);
    // Who has not voted yet may find nothing any more, which says the same.
    assert_eq!(within("the other is done", other).await.unwrap(), Decision::Aborted);
    assert_eq!(within("an end", transaction.finish()).await.unwrap(), Decision::Aborted);
    nothing_is_left(&one).await;
}

#[tokio::test]
async fn a_coordinator_that_dies_before_the_decision_has_aborted() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let transaction = begin(&one).await;
    let path = transaction.path().to_owned();
    let parts = [vote(&two, &path, "a", Vote::Commit), vote(&two, &path, "b", Vote::Commit)];
    eventually("both have voted", async || {
        let (names, _) = two.children(&path).await.unwrap();
        ["vote-a", "vote-b"].iter().all(|vote| names.iter().any(|name| name == vote))
    })
    .await;
    within("the session ends", one.close()).await.unwrap();
    for part in parts {
        assert_eq!(within("a participant is done", part).await.unwrap(), Decision::Aborted);
    }
    drop(transaction);
    nothing_is_left(&two).await;
}
