//! As kazoo's members do it.

use std::collections::BTreeSet;

use zk_client::{Client, CreateMode};
use zk_recipes::partitioner::{Revoked, Share};
use zk_recipes::{FencingToken, Partitioner};

use super::crew::{Board, Member, PATH, items, join_as};
use crate::support::{children, client, expire, server, soon, until, until_children};

async fn join(client: &Client, id: &str, count: usize, board: &Board) -> Member {
    join_as(client, Partitioner::kazoo(PATH, id), count, board).await
}

/// What the member at this place among so many is to have.
fn every(members: usize, place: usize, count: usize) -> BTreeSet<String> {
    items(count).into_iter().skip(place).step_by(members).collect()
}

async fn until_has(client: &Client, board: &Board, id: &str, wanted: &BTreeSet<String>) {
    until(|| async { client.exists("/").await.is_ok() && board.of(id) == *wanted }).await;
}

async fn nothing_is_left(client: &Client) {
    until_children(client, &format!("{PATH}/party"), 0).await;
    for item in children(client, &format!("{PATH}/locks")).await {
        until_children(client, &format!("{PATH}/locks/{item}"), 0).await;
    }
    assert!(client.exists(&format!("{PATH}/plan")).await.unwrap().is_none());
}

#[tokio::test]
async fn nodes_and_names_are_kazoos() {
    let server = server().await;
    let client = client(&server).await;
    let member = Partitioner::kazoo(PATH, "host-1").items(["a", "b%"]).join(&client);
    let member = soon(member).await.unwrap();
    let shares = [soon(member.next()).await.unwrap(), soon(member.next()).await.unwrap()];
    assert_eq!(shares.iter().map(Share::item).collect::<BTreeSet<_>>(), ["a", "b%"].into());
    let party = children(&client, &format!("{PATH}/party")).await;
    let (tag, id) = party[0].split_once('-').unwrap();
    assert_eq!((party.len(), tag.len(), id), (1, 32, "host-1"));
    let (data, _) = client.get(&format!("{PATH}/party/{}", party[0])).await.unwrap();
    assert_eq!(data, "host-1");
    assert_eq!(children(&client, &format!("{PATH}/locks")).await.len(), 2);
    let locks = children(&client, &format!("{PATH}/locks/b%")).await;
    assert!(locks[0].contains("__lock__"), "{locks:?}");
    let (data, _) = client.get(&format!("{PATH}/locks/b%/{}", locks[0])).await.unwrap();
    assert!(data.is_empty());
    drop((shares, member));
    nothing_is_left(&client).await;
}

#[tokio::test]
async fn each_has_every_kth_item_in_the_order_of_the_ids() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let board = Board::default();
    let b = join(&one, "b", 7, &board).await;
    until_has(&one, &board, "b", &every(1, 0, 7)).await;
    let a = join(&two, "a", 7, &board).await;
    let c = join(&two, "c", 7, &board).await;
    for (place, id) in ["a", "b", "c"].into_iter().enumerate() {
        until_has(&one, &board, id, &every(3, place, 7)).await;
    }
    // Kazoo's own member, which holds no locks yet.
    let node = format!("{PATH}/party/{:032x}-aa", 7);
    two.create(&node, b"aa", CreateMode::Ephemeral).await.unwrap();
    for (place, id) in ["a", "aa", "b", "c"].into_iter().enumerate() {
        let wanted = if id == "aa" { BTreeSet::new() } else { every(4, place, 7) };
        until_has(&one, &board, id, &wanted).await;
    }
    two.delete(&node).await.unwrap();
    b.leave().await;
    until_has(&one, &board, "a", &every(2, 0, 7)).await;
    until_has(&one, &board, "c", &every(2, 1, 7)).await;
    a.leave().await;
    until_has(&one, &board, "c", &every(1, 0, 7)).await;
    c.leave().await;
    nothing_is_left(&one).await;
}

#[tokio::test]
async fn an_item_is_revoked_and_waited_for_until_it_is_released() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = soon(Partitioner::kazoo(PATH, "b").items(["x"]).join(&one)).await.unwrap();
    let share = soon(first.next()).await.unwrap();
    let second = soon(Partitioner::kazoo(PATH, "a").items(["x"]).join(&two)).await.unwrap();
    assert_eq!(soon(share.revoked()).await, Revoked::Moved);
    until_children(&two, &format!("{PATH}/locks/x"), 2).await;
    assert!(share.is_held() && second.held().is_empty());
    let token: FencingToken = share.fencing_token();
    soon(share.release()).await.unwrap();
    assert!(soon(second.next()).await.unwrap().fencing_token() > token);
}

#[tokio::test]
async fn a_member_comes_back_after_its_session_and_its_node_are_gone() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let board = Board::lossy();
    let members = [join(&one, "a", 4, &board).await, join(&two, "b", 4, &board).await];
    for round in 0..3 {
        until_has(&two, &board, "a", &every(2, 0, 4)).await;
        until_has(&two, &board, "b", &every(2, 1, 4)).await;
        if round == 0 {
            let epoch = one.session_epoch();
            expire(&server, &one);
            until(|| async { one.session_epoch() > epoch && one.exists("/").await.is_ok() }).await;
        } else {
            let party = children(&two, &format!("{PATH}/party")).await;
            let name = party.iter().find(|name| name.ends_with("-a")).unwrap();
            two.delete(&format!("{PATH}/party/{name}")).await.unwrap();
            until_children(&two, &format!("{PATH}/party"), 2).await;
        }
    }
    for member in members {
        member.leave().await;
    }
    nothing_is_left(&two).await;
}

#[tokio::test]
async fn items_that_change_are_planned_anew() {
    let server = server().await;
    let client = client(&server).await;
    let member = Partitioner::kazoo(PATH, "a").items(["x", "y"]).join(&client);
    let member = soon(member).await.unwrap();
    let mut shares = vec![soon(member.next()).await.unwrap(), soon(member.next()).await.unwrap()];
    member.set_items(["y", "z"]);
    shares.sort_by_key(|share| share.item().to_owned());
    assert_eq!(soon(shares.remove(0).revoked()).await, Revoked::Moved);
    let new = soon(member.next()).await.unwrap();
    assert_eq!(new.item(), "z");
    drop((shares, new));
    soon(member.leave()).await.unwrap();
    nothing_is_left(&client).await;
}
