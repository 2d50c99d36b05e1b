//! A set of items shared out among members.

use std::collections::BTreeSet;

use futures_util::future::select_all;
use tests::{Target, eventually, within};
use zk_client::Client;
use zk_recipes::Partitioner;
use zk_recipes::partitioner::{Revoked, Share};

const PATH: &str = "/shards";
const ITEMS: [&str; 4] = ["a", "b", "c", "d"];

async fn join(client: &Client, id: &str) -> Partitioner {
    within("joining", Partitioner::join(client, PATH, id, ITEMS)).await.unwrap()
}

async fn shares(member: &Partitioner, count: usize) -> Vec<Share> {
    let mut shares = Vec::new();
    for _ in 0..count {
        shares.push(within("an item", member.next()).await.unwrap());
    }
    shares
}

fn items(shares: &[Share]) -> BTreeSet<&str> {
    shares.iter().map(Share::item).collect()
}

/// Waits until one of the shares is to be let go, and takes it out.
async fn revoked(shares: &mut Vec<Share>) -> (Share, Revoked) {
    let all = shares.iter().map(|share| Box::pin(share.revoked()));
    let (why, index, _) = within("an item is revoked", select_all(all)).await;
    (shares.swap_remove(index), why)
}

#[tokio::test]
async fn items_move_to_who_joins_and_back_from_who_dies_or_leaves() {
    let target = Target::start().await;
    let (one, two, three) = (target.client().await, target.client().await, target.client().await);
    let first = join(&one, "one").await;
    let mut of_first = shares(&first, ITEMS.len()).await;
    assert_eq!(items(&of_first), BTreeSet::from(ITEMS));

    let second = join(&two, "two").await;
    let mut of_second = Vec::new();
    for _ in 0..2 {
        let (share, why) = revoked(&mut of_first).await;
        assert_eq!(why, Revoked::Moved);
        assert!(share.is_held(), "until it is released");
        let (item, token) = (share.item().to_owned(), share.fencing_token());
        within("letting go", share.release()).await.unwrap();
        let share = shares(&second, 1).await.remove(0);
        assert_eq!(share.item(), item);
        assert!(share.fencing_token() > token);
        of_second.push(share);
    }
    assert!(of_first.iter().chain(&of_second).all(Share::is_held));

    // It dies: what it had comes back.
    within("the session ends", two.close()).await.unwrap();
    while !of_second.is_empty() {
        let (share, why) = revoked(&mut of_second).await;
        assert!(matches!(why, Revoked::Lost(_)), "{why:?}");
        assert!(!share.is_held());
    }
    of_first.extend(shares(&first, 2).await);
    assert_eq!(items(&of_first), BTreeSet::from(ITEMS));

    // The one that plans leaves, and the other gets everything, and leaves nothing behind.
    let third = join(&three, "three").await;
    let leaving = tokio::spawn(async move { first.leave().await });
    while !of_first.is_empty() {
        let (share, why) = revoked(&mut of_first).await;
        assert_eq!(why, Revoked::Moved);
        within("letting go", share.release()).await.unwrap();
    }
    within("leaving", leaving).await.unwrap().unwrap();
    let of_third = shares(&third, ITEMS.len()).await;
    assert_eq!(items(&of_third), BTreeSet::from(ITEMS));
    drop(of_third);
    within("leaving", third.leave()).await.unwrap();
    let operator = target.client().await;
    eventually("nothing is left but what is empty", async || {
        let mut left = operator.exists("/shards/plan").await.unwrap().is_some();
        for directory in ["members", "locks/a", "locks/b", "locks/c", "locks/d"] {
            let listed = operator.children(&format!("{PATH}/{directory}")).await;
            left |= listed.is_ok_and(|(names, _)| !names.is_empty());
        }
        !left
    })
    .await;
}

#[tokio::test]
async fn in_kazoos_layout_each_has_every_kth_item() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let kazoo = |id| Partitioner::kazoo(PATH, id).items(ITEMS);
    let first = within("joining", kazoo("b").join(&one)).await.unwrap();
    let mut of_first = shares(&first, ITEMS.len()).await;
    let second = within("joining", kazoo("a").join(&two)).await.unwrap();
    for _ in 0..2 {
        let (share, why) = revoked(&mut of_first).await;
        assert_eq!(why, Revoked::Moved);
        within("letting go", share.release()).await.unwrap();
    }
    let of_second = shares(&second, 2).await;
    assert_eq!(items(&of_second), BTreeSet::from(["a", "c"]));
    assert_eq!(items(&of_first), BTreeSet::from(["b", "d"]));
    assert!(of_first.iter().chain(&of_second).all(Share::is_held));
    drop((of_first, of_second));
    within("leaving", first.leave()).await.unwrap();
    within("leaving", second.leave()).await.unwrap();
}
