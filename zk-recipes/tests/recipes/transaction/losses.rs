//! The connection breaks between a request and its reply, or the caller gives up.

use zk_recipes::Transaction;
use zk_recipes::transaction::{Decision, Vote};

use super::parties::{DIRECTORY, LONG, begin, nothing_is_left, until_there, vote};
use crate::support::{Op, Proxy, client, connect, server, soon};

type Break = fn(&Proxy, Op);

const BREAKS: [Break; 2] = [Proxy::lose_reply, Proxy::lose_request];

/// One transaction of two participants, with the network of the coordinator broken at `op`.
async fn coordinated_although(op: Op, broken: Break) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    broken(&proxy, op);
    let mut transaction = begin(&far, &["a", "b"]).await;
    let path = transaction.path().to_owned();
    let parts =
        [vote(&observer, &path, "a", Vote::Commit), vote(&observer, &path, "b", Vote::Commit)];
    until_there(&observer, &path, "vote-b").await;
    broken(&proxy, op);
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Committed);
    broken(&proxy, op);
    soon(transaction.finish()).await.unwrap();
    for part in parts {
        assert_eq!(soon(part).await.unwrap(), Decision::Committed);
    }
    nothing_is_left(&observer).await;
}

#[tokio::test]
async fn a_transaction_goes_through_whatever_the_coordinator_loses() {
    for op in [Op::Multi, Op::GetData, Op::GetChildren] {
        for broken in BREAKS {
            coordinated_although(op, broken).await;
        }
    }
}

/// The same, with the network of one participant broken.
async fn took_part_although(op: Op, broken: Break) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let mut transaction = begin(&observer, &["a"]).await;
    let path = transaction.path().to_owned();
    broken(&proxy, op);
    let mut part = soon(Transaction::join(&far, &path, "a")).await.unwrap();
    broken(&proxy, op);
    let voting = tokio::spawn(async move {
        let decision = part.vote(Vote::Commit).await;
        (part, decision)
    });
    assert_eq!(soon(transaction.decide(LONG)).await.unwrap(), Decision::Committed);
    let (part, decision) = soon(voting).await.unwrap();
    assert_eq!(decision.unwrap(), Decision::Committed);
    broken(&proxy, op);
    soon(part.done()).await.unwrap();
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&observer).await;
}

#[tokio::test]
async fn a_transaction_goes_through_whatever_a_participant_loses() {
    for op in [Op::Create, Op::GetData, Op::Delete] {
        for broken in BREAKS {
            took_part_although(op, broken).await;
        }
    }
}

#[tokio::test]
async fn a_begin_that_is_dropped_leaves_nothing_behind() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    drop(begin(&observer, &["a"]).await);
    nothing_is_left(&observer).await;
    proxy.hold_reply(Op::Multi);
    let beginning = tokio::spawn({
        let far = far.clone();
        async move { Transaction::begin(&far, DIRECTORY, ["a"], "").await }
    });
    proxy.triggered(1).await;
    beginning.abort();
    drop(soon(beginning).await);
    proxy.release();
    nothing_is_left(&observer).await;
    assert_eq!(far.session_epoch(), 1, "not by the end of the session");
}

/// Drops the coordinator while it waits for the reply to its next `op` in deciding.
async fn coordinator_dropped_at(op: Op) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let mut transaction = begin(&far, &["a"]).await;
    let path = transaction.path().to_owned();
    let part = vote(&observer, &path, "a", Vote::Commit);
    until_there(&observer, &path, "vote-a").await;
    proxy.hold_reply(op);
    let deciding = tokio::spawn(async move { drop(transaction.decide(LONG).await) });
    proxy.triggered(1).await;
    deciding.abort();
    drop(soon(deciding).await);
    proxy.release();
    // Whatever it was, it is one decision, and everybody is told.
    let decision = soon(part).await.unwrap();
    assert_eq!(decision == Decision::Committed, op == Op::Multi);
    nothing_is_left(&observer).await;
}

#[tokio::test]
async fn a_coordinator_that_is_dropped_anywhere_leaves_one_decision_and_nothing_else() {
    for op in [Op::GetData, Op::GetChildren, Op::Multi] {
        coordinator_dropped_at(op).await;
    }
}

/// Drops a participant while it waits for the reply to its next `op`, then starts it again.
async fn participant_dropped_at(op: Op, joining: bool) {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let far = connect(&proxy.connect_string()).await;
    let mut transaction = begin(&observer, &["a"]).await;
    let path = transaction.path().to_owned();
    let first = if joining {
        proxy.hold_reply(op);
        None
    } else {
        let part = soon(Transaction::join(&far, &path, "a")).await.unwrap();
        proxy.hold_reply(op);
        Some(part)
    };
    let dropped = tokio::spawn({
        let (far, path) = (far.clone(), path.clone());
        async move {
            let mut part = match first {
                Some(part) => part,
                None => Transaction::join(&far, &path, "a").await.unwrap(),
            };
            drop(part.vote(Vote::Commit).await);
        }
    });
    proxy.triggered(1).await;
    dropped.abort();
    drop(soon(dropped).await);
    proxy.release();
    let part = vote(&far, &path, "a", Vote::Commit);
    let decided = soon(transaction.decide(LONG)).await.unwrap();
    assert_eq!(soon(part).await.unwrap(), decided);
    soon(transaction.finish()).await.unwrap();
    nothing_is_left(&observer).await;
    assert_eq!(far.session_epoch(), 1, "not by the end of the session");
}

#[tokio::test]
async fn a_participant_that_is_dropped_anywhere_can_come_back() {
    for op in [Op::Create, Op::GetData] {
        participant_dropped_at(op, true).await;
        participant_dropped_at(op, false).await;
    }
}

#[tokio::test]
async fn a_finish_that_is_dropped_leaves_the_rest_to_the_participants() {
    let server = server().await;
    let client = client(&server).await;
    let mut transaction = begin(&client, &["a"]).await;
    let path = transaction.path().to_owned();
    let mut part = soon(Transaction::join(&client, &path, "a")).await.unwrap();
    let (voted, decided) =
        soon(futures_util::future::join(part.vote(Vote::Commit), transaction.decide(LONG))).await;
    assert_eq!((voted.unwrap(), decided.unwrap()), (Decision::Committed, Decision::Committed));
    let finishing = tokio::spawn(transaction.finish());
    finishing.abort();
    drop(soon(finishing).await);
    soon(part.done()).await.unwrap();
    nothing_is_left(&client).await;
}
