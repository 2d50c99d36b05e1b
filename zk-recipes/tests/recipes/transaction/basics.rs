//! Votes and decisions.

use std::time::Duration;

use futures_util::FutureExt;
use zk_client::{Acl, CreateMode};
use zk_recipes::transaction::{Decision, Vote};
use zk_recipes::{Error, Transaction};

use super::parties::{DIRECTORY, LONG, begin, nothing_is_left, until_there, vote};
use crate::support::{Op, Proxy, children, client, connect, server, soon};

#[tokio::test]
async fn all_commit_or_none() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    for (votes, expected) in [
        ([Vote::Commit, Vote::Commit], Decision::Committed),
        ([Vote::Commit, Vote::Abort], Decision::Aborted),
        ([Vote::Abort, Vote::Abort], Decision::Aborted),
    ] {
        let mut transaction = begin(&one, &["a", "b"]).await;
        let path = transaction.path().to_owned();
        assert_eq!(soon(Transaction::decision_of(&two, &path)).await.unwrap(), None);
        let parts = [vote(&one, &path, "a", votes[0]), vote(&two, &path, "b", votes[1])];
        assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), expected);
        assert_eq!(soon(transaction.finish()).await.unwrap(), expected);
        for part in parts {
            assert_eq!(soon(part).await.unwrap(), expected);
        }
        assert!(children(&one, DIRECTORY).await.is_empty());
        let gone = soon(Transaction::decision_of(&two, &path)).await.unwrap_err();
        assert_eq!(gone, Error::TransactionGone { path });
    }
}

#[tokio::test]
async fn nobody_commits_before_the_last_vote() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&client, &path, "a", Vote::Commit);
    until_there(&client, &path, "vote-a").await;
    assert!(transaction.decide(LONG).now_or_never().is_none());
    assert_eq!(soon(Transaction::decision_of(&client, &path)).await.unwrap(), None);
    let other = vote(&client, &path, "b", Vote::Commit);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Committed);
    for part in [part, other] {
        assert_eq!(soon(part).await.unwrap(), Decision::Committed);
    }
    soon(transaction.finish()).await.unwrap();
}

#[tokio::test]
async fn participants_read_what_it_is_about() {
    let server = server().await;
    let client = client(&server).await;
    let transaction = begin(&client, &["a"]).await;
    let part = soon(Transaction::join(&client, transaction.path(), "a")).await.unwrap();
    assert_eq!(part.payload(), "order 17");
    assert_eq!(transaction.payload(), "order 17");
    assert_eq!((part.voted(), transaction.decision()), (None, None));
    let error = soon(Transaction::join(&client, transaction.path(), "x")).await.unwrap_err();
    assert!(matches!(error, Error::NotAParticipant { .. }), "{error}");
    drop((part, transaction));
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn who_does_not_come_in_time_aborts() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&client, &path, "a", Vote::Commit);
    let decided = soon(transaction.decide(Duration::from_millis(50))).await.unwrap();
    assert_eq!(decided, Decision::Aborted);
    assert_eq!(soon(part).await.unwrap(), Decision::Aborted);
    // Who comes later learns that, and is done.
    let mut late = soon(Transaction::join(&client, &path, "b")).await.unwrap();
    assert_eq!(soon(late.vote(Vote::Commit)).await.unwrap(), Decision::Aborted);
    let finishing = tokio::spawn(transaction.finish());
    soon(late.done()).await.unwrap();
    soon(finishing).await.unwrap().unwrap();
    assert!(children(&client, DIRECTORY).await.is_empty());
    // And later still, when it is gone.
    let mut late = soon(Transaction::join(&client, &path, "b")).await.unwrap();
    assert_eq!(soon(late.vote(Vote::Commit)).await.unwrap(), Decision::Aborted);
    soon(late.done()).await.unwrap();
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn a_vote_is_final() {
    let server = server().await;
    let client = client(&server).await;
    let transaction = begin(&client, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let mut part = soon(Transaction::join(&client, &path, "a")).await.unwrap();
    assert!(part.vote(Vote::Commit).now_or_never().is_none());
    until_there(&client, &path, "vote-a").await;
    drop(part);
    // The same participant after a restart.
    let mut part = soon(Transaction::join(&client, &path, "a")).await.unwrap();
    assert_eq!(part.voted(), Some(Vote::Commit));
    let error = soon(part.vote(Vote::Abort)).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyVoted { .. }), "{error}");
    drop(transaction);
    assert_eq!(soon(part.vote(Vote::Commit)).await.unwrap(), Decision::Aborted);
    soon(part.done()).await.unwrap();
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn many_decide_as_one() {
    const MANY: usize = 25;
    let server = server().await;
    let clients = [client(&server).await, client(&server).await];
    let names: Vec<String> = (0..MANY).map(|number| format!("part-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for dissenters in [0, 1] {
        let mut transaction = begin(&clients[0], &names).await;
        let path = transaction.path().to_owned();
        let votes = names.iter().enumerate().map(|(number, name)| {
            let mind = if number < dissenters { Vote::Abort } else { Vote::Commit };
            vote(&clients[number % 2], &path, name, mind)
        });
        let votes: Vec<_> = votes.collect();
        let expected = if dissenters == 0 { Decision::Committed } else { Decision::Aborted };
        assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), expected);
        soon(transaction.finish()).await.unwrap();
        for vote in votes {
            assert_eq!(soon(vote).await.unwrap(), expected);
        }
        nothing_is_left(&clients[0]).await;
    }
}

#[tokio::test]
async fn two_transactions_in_one_process_are_two() {
    let server = server().await;
    let client = client(&server).await;
    let (mut one, mut two) = (begin(&client, &["a"]).await, begin(&client, &["a"]).await);
    let parts =
        [vote(&client, one.path(), "a", Vote::Commit), vote(&client, two.path(), "a", Vote::Abort)];
    assert_eq!(soon(one.decide(LONG)).await.unwrap(), Decision::Committed);
    assert_eq!(soon(two.decide(LONG)).await.unwrap(), Decision::Aborted);
    for part in parts {
        soon(part).await.unwrap();
    }
    soon(one.finish()).await.unwrap();
    soon(two.finish()).await.unwrap();
    assert!(children(&client, DIRECTORY).await.is_empty());
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error() {
    let server = server().await;
    let client = client(&server).await;
    assert!(soon(Transaction::begin(&client, "no-slash", ["a"], "")).await.is_err());
    client.create("/closed", b"", CreateMode::Persistent).await.unwrap();
    client.set_acl("/closed", Acl::read_only()).await.unwrap();
    let refused = soon(Transaction::begin(&client, "/closed/x", ["a"], "")).await.unwrap_err();
    assert!(matches!(refused, Error::Client(zk_client::Error::NoAuth { .. })), "{refused}");
    let nonsense = soon(Transaction::join(&client, "/closed", "a")).await.unwrap_err();
    assert!(
        matches!(nonsense, Error::Malformed { .. } | Error::Client(_)),
        "no transaction: {nonsense}"
    );
}

#[tokio::test]
async fn what_it_costs() {
    let server = server().await;
    let near = client(&server).await;
    let (proxy, far) = (Proxy::start(server.addr()).await, Proxy::start(server.addr()).await);
    let coordinating = connect(&proxy.connect_string()).await;
    let taking_part = connect(&far.connect_string()).await;
    // The directory is there from the first time.
    drop(begin(&coordinating, &["a"]).await);
    nothing_is_left(&near).await;
    soon(coordinating.close()).await.unwrap();
    let coordinating = connect(&proxy.connect_string()).await;

    let before = proxy.requests_of(Op::Multi);
    let mut transaction = begin(&coordinating, &["a"]).await;
    let path = transaction.path().to_owned();
    assert_eq!(proxy.requests_of(Op::Multi) - before, 1, "one write to begin");
    let mut part = soon(Transaction::join(&taking_part, &path, "a")).await.unwrap();
    assert_eq!(far.requests(), 3, "a create and two reads to join");
    let voting = tokio::spawn(async move {
        let decision = part.vote(Vote::Commit).await;
        (part, decision)
    });
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Committed);
    let (part, decision) = soon(voting).await.unwrap();
    assert_eq!(decision.unwrap(), Decision::Committed);
    let asked = far.requests() - 3;
    assert!(
        (2..=4).contains(&asked),
        "the vote, one or two looks, one at the coordinator: {asked}"
    );
    let before = far.requests();
    soon(part.done()).await.unwrap();
    assert_eq!(far.requests() - before, 3, "two nodes of its own, and the transaction if it can");
    soon(transaction.finish()).await.unwrap();
    assert!(children(&near, DIRECTORY).await.is_empty());
}
