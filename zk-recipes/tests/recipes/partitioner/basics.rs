//! Members come and go, and each item has its holder.

use std::sync::Arc;

use futures_util::FutureExt;
use zk_client::{Acl, CreateMode};
use zk_recipes::partitioner::Revoked;
use zk_recipes::{Error, LostReason, Partitioner, Released};

use super::crew::{Board, PATH, items, join, nothing_is_left};
use crate::support::{client, server, soon, until};

#[tokio::test]
async fn one_member_gets_everything_and_leaves_nothing_behind() {
    let server = server().await;
    let client = client(&server).await;
    let odd = ["a", "b/c", "100%", ".", ".."];
    let member = soon(Partitioner::join(&client, PATH, "one", odd)).await.unwrap();
    let mut shares = Vec::new();
    for _ in odd {
        let share = soon(member.next()).await.unwrap();
        assert!(share.is_held() && share.revoked().now_or_never().is_none());
        shares.push(share);
    }
    assert_eq!(member.held().len(), odd.len());
    assert!(member.next().now_or_never().is_none());
    let plan = member.plan().unwrap();
    assert_eq!((plan.generation, plan.items.len(), plan.members.len()), (1, 5, 1));
    assert!(client.exists("/shards/locks/b%2Fc").await.unwrap().is_some());

    let member = Arc::new(member);
    let leaving = tokio::spawn({
        let member = member.clone();
        async move { member.leave().await }
    });
    for share in shares {
        assert_eq!(soon(share.revoked()).await, Revoked::Moved);
        assert!(share.is_held(), "held until it is released");
        assert_eq!(soon(share.release()).await.unwrap(), Released::Released);
    }
    soon(leaving).await.unwrap().unwrap();
    assert!(soon(member.next()).await.is_none());
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn who_joins_gets_its_part_and_only_that_moves() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let board = Board::default();
    let first = join(&one, "one", 9, &board).await;
    board.settled(&one, &["one"], 9).await;
    let second = join(&two, "two", 9, &board).await;
    board.settled(&one, &["one", "two"], 9).await;
    assert_eq!(board.starts(), 9 + 4);
    let third = join(&two, "three", 9, &board).await;
    board.settled(&one, &["one", "two", "three"], 9).await;
    assert_eq!(board.starts(), 9 + 4 + 3);

    // The planner leaves: the others share what it had.
    first.leave().await;
    board.settled(&one, &["two", "three"], 9).await;
    assert_eq!(board.starts(), 9 + 4 + 3 + 3);
    second.leave().await;
    board.settled(&one, &["three"], 9).await;
    third.leave().await;
    assert_eq!(board.of("three").len(), 0);
    nothing_is_left(&one).await;
}

#[tokio::test]
async fn many_come_and_go() {
    const ITEMS: usize = 40;
    let server = server().await;
    let clients = [client(&server).await, client(&server).await, client(&server).await];
    let board = Board::default();
    let ids: Vec<String> = (0..9).map(|number| format!("m{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut members = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        members.push(join(&clients[number % 3], id, ITEMS, &board).await);
    }
    board.settled(&clients[0], &ids, ITEMS).await;
    // The planner first, then whoever plans next.
    for left in 1..ids.len() {
        members.remove(0).leave().await;
        board.settled(&clients[0], &ids[left..], ITEMS).await;
    }
    members.remove(0).leave().await;
    nothing_is_left(&clients[0]).await;
}

#[tokio::test]
async fn nobody_gets_an_item_before_it_is_released() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(Partitioner::join(&client, PATH, "one", ["a", "b"])).await.unwrap();
    let shares = [soon(first.next()).await.unwrap(), soon(first.next()).await.unwrap()];
    let second = soon(Partitioner::join(&client, PATH, "two", ["a", "b"])).await.unwrap();
    let revoked = shares.iter().map(|share| Box::pin(share.revoked()));
    let (why, at, _) = soon(futures_util::future::select_all(revoked)).await;
    assert_eq!(why, Revoked::Moved);
    let planned = |plan: &zk_recipes::partitioner::Plan| plan.members.len() == 2;
    soon(second.wait_for_plan(planned)).await.unwrap();
    // The one it is planned for stands in line.
    let line = format!("{PATH}/locks/{}", shares[at].item());
    crate::support::until_children(&client, &line, 2).await;
    assert!(second.next().now_or_never().is_none());
    assert!(shares[at].is_held());

    let [a, b] = shares;
    let (moves, stays) = if at == 0 { (a, b) } else { (b, a) };
    let (item, token) = (moves.item().to_owned(), moves.fencing_token());
    soon(moves.release()).await.unwrap();
    let next = soon(second.next()).await.unwrap();
    assert_eq!(next.item(), item);
    assert!(next.fencing_token() > token);
    assert!(stays.is_held() && stays.revoked().now_or_never().is_none());
    next.writes().create("/done", b"", CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn a_share_that_is_dropped_comes_again() {
    let server = server().await;
    let client = client(&server).await;
    let member = soon(Partitioner::join(&client, PATH, "one", ["a"])).await.unwrap();
    let share = soon(member.next()).await.unwrap();
    let token = share.fencing_token();
    drop(share);
    let share = soon(member.next()).await.unwrap();
    assert!(share.fencing_token() > token);
    // Dropping the member revokes; dropping the share then gives it up for good.
    drop(member);
    assert_eq!(soon(share.revoked()).await, Revoked::Moved);
    drop(share);
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn a_member_that_is_dropped_lets_go_of_what_nobody_took() {
    let server = server().await;
    let client = client(&server).await;
    let member = soon(Partitioner::join(&client, PATH, "one", items(4))).await.unwrap();
    until(|| async { client.exists("/").await.is_ok() && member.held().len() == 4 }).await;
    drop(member);
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn two_in_one_process_may_even_have_one_name() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) = (Board::default(), Board::default());
    let first = join(&client, "same", 6, &one).await;
    let second = join(&client, "same", 6, &two).await;
    until(|| async {
        client.exists("/").await.is_ok() && one.of("same").len() == 3 && two.of("same").len() == 3
    })
    .await;
    assert!(one.of("same").is_disjoint(&two.of("same")));
    first.leave().await;
    two.settled(&client, &["same"], 6).await;
    second.leave().await;
}

#[tokio::test]
async fn the_set_of_items_can_change() {
    let server = server().await;
    let client = client(&server).await;
    let board = Board::default();
    let first = join(&client, "one", 4, &board).await;
    let second = join(&client, "two", 4, &board).await;
    board.settled(&client, &["one", "two"], 4).await;
    for member in [&first, &second] {
        member.partitioner.set_items(items(7));
    }
    board.settled(&client, &["one", "two"], 7).await;
    for member in [&first, &second] {
        member.partitioner.set_items(items(1));
    }
    until(|| async {
        client.exists("/").await.is_ok() && board.of("one").len() + board.of("two").len() == 1
    })
    .await;
}

#[tokio::test]
async fn closing_the_client_ends_everything() {
    let server = server().await;
    let (closing, observer) = (client(&server).await, client(&server).await);
    let member = soon(Partitioner::join(&closing, PATH, "one", ["a"])).await.unwrap();
    let share = soon(member.next()).await.unwrap();
    soon(closing.close()).await.unwrap();
    assert_eq!(soon(share.revoked()).await, Revoked::Lost(LostReason::ClientClosed));
    assert!(soon(member.next()).await.is_none());
    let _ = soon(member.leave()).await;
    let members = crate::support::children(&observer, "/shards/members").await;
    assert!(members.is_empty());
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_of_joining() {
    let server = server().await;
    let client = client(&server).await;
    assert!(soon(Partitioner::join(&client, "no-slash", "one", ["a"])).await.is_err());
    client.create("/closed", b"", CreateMode::Persistent).await.unwrap();
    client.set_acl("/closed", Acl::read_only()).await.unwrap();
    let refused = soon(Partitioner::join(&client, "/closed/x", "one", ["a"])).await.unwrap_err();
    assert!(matches!(refused, Error::Client(zk_client::Error::NoAuth { .. })), "{refused}");
}

#[tokio::test]
async fn a_planner_who_may_not_plan_lets_another_try() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    two.add_auth("digest", b"two:secret").await.unwrap();
    two.create(PATH, b"", CreateMode::Persistent).await.unwrap();
    for below in ["members", "locks"] {
        two.create(&format!("{PATH}/{below}"), b"", CreateMode::Persistent).await.unwrap();
    }
    let read = Acl::read_only().into_iter().chain(Acl::creator_all());
    two.set_acl(PATH, read).await.unwrap();
    let board = Board::default();
    let first = join(&one, "one", 4, &board).await;
    let second = join(&two, "two", 4, &board).await;
    board.settled(&two, &["one", "two"], 4).await;
    first.leave().await;
    board.settled(&two, &["two"], 4).await;
    second.leave().await;
}
