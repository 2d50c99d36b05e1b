//! Crashes, and operators.

use zk_client::Client;
use zk_recipes::transaction::{Decision, Participant, Vote};
use zk_recipes::{Error, Transaction};

use super::parties::{LONG, begin, nothing_is_left, until_there, vote};
use crate::support::{Op, Proxy, client, connect, expire, server, soon, until};

async fn joined(client: &Client, path: &str, name: &str) -> Participant {
    soon(Transaction::join(client, path, name)).await.unwrap()
}

#[tokio::test]
async fn a_coordinator_that_dies_before_the_decision_has_aborted() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let mut transaction = begin(&one, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&two, &path, "a", Vote::Commit);
    until_there(&two, &path, "vote-a").await;
    expire(&server, &one);
    assert_eq!(soon(part).await.unwrap(), Decision::Aborted);
    // It comes back, and must not commit although the last vote comes now.
    let late = vote(&two, &path, "b", Vote::Commit);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Aborted);
    assert_eq!(soon(late).await.unwrap(), Decision::Aborted);
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&two).await;
}

#[tokio::test]
async fn a_coordinator_that_is_dropped_before_the_decision_has_aborted() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let transaction = begin(&one, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&two, &path, "a", Vote::Commit);
    until_there(&two, &path, "vote-a").await;
    drop(transaction);
    assert_eq!(soon(part).await.unwrap(), Decision::Aborted);
    nothing_is_left(&two).await;
}

#[tokio::test]
async fn a_coordinator_that_dies_after_the_decision_has_decided() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let mut transaction = begin(&one, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    // One is done; the other has voted, and then crashed.
    let done = vote(&two, &path, "a", Vote::Commit);
    let mut crashed = joined(&two, &path, "b").await;
    let decided = {
        let voting = crashed.vote(Vote::Commit);
        let deciding = transaction.decide(LONG);
        let (_, decided) = soon(futures_util::future::join(voting, deciding)).await;
        decided.unwrap()
    };
    assert_eq!(decided, Decision::Committed);
    drop(crashed);
    expire(&server, &one);
    drop(transaction);
    assert_eq!(soon(done).await.unwrap(), Decision::Committed);

    // It starts again, knows what it voted, and reads what was decided.
    let mut part = joined(&two, &path, "b").await;
    assert_eq!(part.voted(), Some(Vote::Commit));
    assert_eq!(soon(part.decision()).await.unwrap(), Decision::Committed);
    soon(part.done()).await.unwrap();
    nothing_is_left(&two).await;
}

#[tokio::test]
async fn a_participant_that_dies_before_it_votes_aborts() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (one, two) = (connect(&proxy.connect_string()).await, client(&server).await);
    for dropped in [true, false] {
        let mut transaction = begin(&one, &["a", "b"]).await;
        let path = transaction.path().to_owned();
        let part = joined(&two, &path, "a").await;
        let before = proxy.requests_of(Op::GetChildren);
        let deciding = tokio::spawn(async move {
            let decision = transaction.decide(LONG).await;
            (transaction, decision)
        });
        // The coordinator has asked who is there, and a later request of its has been answered.
        until(|| async {
            one.exists("/").await.is_ok() && proxy.requests_of(Op::GetChildren) > before
        })
        .await;
        one.exists("/").await.unwrap();
        if dropped {
            drop(part);
        } else {
            expire(&server, &two);
        }
        let (transaction, decision) = soon(deciding).await.unwrap();
        assert_eq!(decision.unwrap(), Decision::Aborted);
        // The other one comes too late.
        let other = vote(&one, &path, "b", Vote::Commit);
        assert_eq!(soon(other).await.unwrap(), Decision::Aborted);
        soon(transaction.finish()).await.unwrap();
        nothing_is_left(&one).await;
    }
}

#[tokio::test]
async fn a_participant_whose_session_ends_after_its_vote_goes_on() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let mut transaction = begin(&one, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&two, &path, "a", Vote::Commit);
    until_there(&one, &path, "vote-a").await;
    expire(&server, &two);
    let other = vote(&one, &path, "b", Vote::Commit);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Committed);
    for part in [part, other] {
        assert_eq!(soon(part).await.unwrap(), Decision::Committed);
    }
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&one).await;
}

#[tokio::test]
async fn an_operator_who_deletes_the_coordinators_node_aborts() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a"]).await;
    let path = transaction.path().to_owned();
    client.delete(&format!("{path}/coordinator")).await.unwrap();
    let part = vote(&client, &path, "a", Vote::Commit);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Aborted);
    assert_eq!(soon(part).await.unwrap(), Decision::Aborted);
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn an_operator_who_deletes_the_transaction_ends_it() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let mut voted = joined(&client, &path, "a").await;
    let waiting = joined(&client, &path, "b").await;
    let voting = tokio::spawn(async move { voted.vote(Vote::Commit).await });
    until_there(&client, &path, "vote-a").await;
    client.delete_recursive(&path).await.unwrap();
    let error = soon(voting).await.unwrap().unwrap_err();
    assert_eq!(error, Error::TransactionGone { path });
    let mut waiting = waiting;
    assert_eq!(soon(waiting.vote(Vote::Commit)).await.unwrap(), Decision::Aborted);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Aborted);
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn a_vote_that_is_deleted_does_not_count() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&client, &path, "a", Vote::Commit);
    until_there(&client, &path, "vote-a").await;
    client.delete(&format!("{path}/vote-a")).await.unwrap();
    let other = vote(&client, &path, "b", Vote::Commit);
    until_there(&client, &path, "vote-b").await;
    let limit = std::time::Duration::from_millis(50);
    assert_eq!(soon(transaction.decide(limit)).await.unwrap(), Decision::Aborted);
    for part in [part, other] {
        assert_eq!(soon(part).await.unwrap(), Decision::Aborted);
    }
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn an_operator_who_writes_the_transaction_stops_it_with_an_error() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a"]).await;
    let path = transaction.path().to_owned();
    let mut part = joined(&client, &path, "a").await;
    let data = client.get(&path).await.unwrap().0;
    client.set(&path, &data).await.unwrap();
    for error in [
        soon(transaction.decide(LONG)).await.unwrap_err(),
        soon(part.vote(Vote::Commit)).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
}
