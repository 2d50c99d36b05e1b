//! Several queues as one.

use std::collections::BTreeSet;

use futures_util::{TryStreamExt, poll};
use zk_client::{Acl, Client, CreateMode, Permissions};
use zk_recipes::{Error, LeaderLatch, NodeOptions, Parents, ShardedQueue};

use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

const PATH: &str = "/queues/a";

fn small(client: &Client) -> ShardedQueue {
    ShardedQueue::new(client, PATH).threshold(2).max_shards(3)
}

/// Puts items until there are so many shards; how many items there are then.
async fn fill(queue: &ShardedQueue, client: &Client, shards: usize) -> usize {
    let mut items = 0;
    while children(client, PATH).await.len() < shards {
        soon(queue.put(items.to_string())).await.unwrap();
        items += 1;
    }
    items
}

async fn drain(queue: &ShardedQueue) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    while let Some(item) = soon(queue.try_take()).await.unwrap() {
        let item = String::from_utf8(item.to_vec()).unwrap();
        assert!(taken.insert(item), "taken twice");
    }
    taken
}

#[tokio::test]
async fn a_shard_is_added_when_all_are_full_and_each_item_taken_once() {
    let server = server().await;
    let client = client(&server).await;
    let queue = small(&client);
    assert_eq!(soon(queue.try_take()).await.unwrap(), None);
    assert_eq!(soon(queue.count()).await.unwrap(), 0);
    soon(queue.put("x")).await.unwrap();
    assert_eq!(soon(queue.shards()).await.unwrap().len(), 1, "it is not full");
    assert_eq!(drain(&queue).await.len(), 1);
    let items = fill(&queue, &client, 3).await;
    assert_eq!(soon(queue.count()).await.unwrap(), items);
    let shards = soon(queue.shards()).await.unwrap();
    for shard in &shards {
        let name = shard.strip_prefix("/queues/a/queue-").unwrap();
        assert_eq!(name.len(), 36, "a uuid");
        assert!(children(&client, shard).await.iter().all(|item| item.starts_with("queue-00")));
    }
    assert_eq!(drain(&queue).await, (0..items).map(|item| item.to_string()).collect());
    until_children(&client, "/queues/a-leader", 0).await;
}

#[tokio::test]
async fn there_are_no_more_shards_than_wanted() {
    let server = server().await;
    let client = client(&server).await;
    let queue = small(&client);
    let items = fill(&queue, &client, 3).await;
    for item in 0..20 {
        soon(queue.put(format!("more-{item}"))).await.unwrap();
    }
    until_children(&client, "/queues/a-leader", 0).await;
    assert_eq!(children(&client, PATH).await.len(), 3);
    assert_eq!(drain(&queue).await.len(), items + 20);
}

#[tokio::test]
async fn who_has_room_is_put_into() {
    let server = server().await;
    let client = client(&server).await;
    let queue = small(&client);
    soon(queue.put("a")).await.unwrap();
    let full = soon(queue.shards()).await.unwrap().remove(0);
    soon(queue.put("b")).await.unwrap();
    until_children(&client, PATH, 2).await;
    soon(queue.put("c")).await.unwrap();
    assert_eq!(children(&client, &full).await.len(), 2, "the new one has room");
}

/// How many are full tells whether one has room: one that is gone must not be among them.
#[tokio::test]
async fn a_shard_that_went_while_it_was_counted_is_not_full() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let queue = small(&client).threshold(10);
    soon(queue.put_all(["item"; 9])).await.unwrap();
    let gone = soon(queue.shards()).await.unwrap().remove(0);
    proxy.hold_reply(Op::Multi);
    let mut putting = Box::pin(queue.put("the tenth"));
    tokio::select! {
        put = &mut putting => panic!("the reply is held, and yet: {put:?}"),
        () = proxy.triggered(1) => {}
    }
    let (full, empty) = (format!("{PATH}/full"), format!("{PATH}/empty"));
    for shard in [&full, &empty] {
        observer.create(shard, b"", CreateMode::Persistent).await.unwrap();
    }
    for item in 0..10 {
        observer.create(&format!("{full}/{item}"), b"", CreateMode::Persistent).await.unwrap();
    }
    observer.delete_recursive(&gone).await.unwrap();
    proxy.release();
    until(|| async { queue.shards().await.unwrap() == [empty.clone(), full.clone()] }).await;
    soon(putting).await.unwrap();
    for item in 0..9 {
        soon(queue.put(item.to_string())).await.unwrap();
    }
    let there = children(&observer, &full).await.len();
    assert!(there <= 11, "one at the most finds out that it is full, and {there} are there");
}

#[tokio::test]
async fn who_may_put_and_not_look_puts() {
    let server = server().await;
    let (owner, client) = (client(&server).await, client(&server).await);
    owner.ensure_path(PATH).await.unwrap();
    let shard = format!("{PATH}/queue-1");
    owner.create(&shard, b"", CreateMode::Persistent).await.unwrap();
    let create = [Acl::new(Permissions::CREATE | Permissions::ADMIN, "world", "anyone")];
    owner.set_acl(&shard, create).await.unwrap();
    soon(small(&client).put("a")).await.unwrap();
    owner.set_acl(&shard, [Acl::new(Permissions::ALL, "world", "anyone")]).await.unwrap();
    assert_eq!(drain(&small(&owner)).await, ["a".to_owned()].into());
}

#[tokio::test]
async fn only_the_first_in_line_adds_a_shard() {
    let server = server().await;
    let client = client(&server).await;
    let leader = LeaderLatch::start(&client, "/elsewhere", "curator").await.unwrap();
    let _term = soon(leader.lead()).await.unwrap();
    let queue = small(&client).leader_in("/elsewhere");
    soon(queue.put_all(["a", "b", "c"])).await.unwrap();
    until_children(&client, "/elsewhere", 2).await;
    soon(queue.put("d")).await.unwrap();
    assert_eq!(children(&client, PATH).await.len(), 1);
    // Whoever leads adds one, and then nobody waits for that any more.
    client.create(&format!("{PATH}/theirs"), b"", CreateMode::Persistent).await.unwrap();
    until_children(&client, "/elsewhere", 1).await;
    soon(queue.put_all(["e", "f"])).await.unwrap();
    assert_eq!(children(&client, &format!("{PATH}/theirs")).await.len(), 2);
    soon(queue.put("g")).await.unwrap();
    until_children(&client, "/elsewhere", 2).await;
    // The leader goes, and who is next does it.
    soon(leader.close()).await.unwrap();
    until_children(&client, PATH, 3).await;
    until_children(&client, "/elsewhere", 0).await;
}

#[tokio::test]
async fn who_would_add_a_shard_leaves_the_line_with_its_handle() {
    let server = server().await;
    let client = client(&server).await;
    let leader = LeaderLatch::start(&client, "/elsewhere", "curator").await.unwrap();
    let _term = soon(leader.lead()).await.unwrap();
    let queue = small(&client).leader_in("/elsewhere");
    soon(queue.put_all(["a", "b", "c"])).await.unwrap();
    until_children(&client, "/elsewhere", 2).await;
    drop(queue);
    until_children(&client, "/elsewhere", 1).await;
}

#[tokio::test]
async fn who_waits_gets_what_comes_into_any_shard_also_a_new_one() {
    let server = server().await;
    let (near, far) = (client(&server).await, client(&server).await);
    let waiting = |queue: ShardedQueue| tokio::spawn(async move { queue.take().await });
    // No shard at all.
    let first = waiting(small(&far));
    soon(small(&near).put("one")).await.unwrap();
    assert_eq!(soon(first).await.unwrap().unwrap(), "one");
    // Two of them, and each wait is for both.
    for shard in ["b1", "b2"] {
        near.create(&format!("{PATH}/{shard}"), b"", CreateMode::Persistent).await.unwrap();
    }
    for shard in ["b1", "b2"] {
        let next = waiting(small(&far));
        until_children(&near, &format!("/queues/a-consumers/{shard}"), 1).await;
        let plain = zk_recipes::Queue::new(&near, &format!("{PATH}/{shard}"));
        soon(plain.put("two")).await.unwrap();
        assert_eq!(soon(next).await.unwrap().unwrap(), "two");
        until_children(&near, &format!("/queues/a-consumers/{shard}"), 0).await;
    }
}

#[tokio::test]
async fn the_item_of_a_dead_worker_goes_to_one_who_waits() {
    let server = server().await;
    let (dying, alive) = (client(&server).await, client(&server).await);
    soon(small(&alive).put("work")).await.unwrap();
    let lost = soon(small(&dying).claim()).await.unwrap();
    assert!(soon(small(&alive).try_claim()).await.unwrap().is_none());
    let waiting = tokio::spawn({
        let queue = small(&alive);
        async move { queue.claim().await }
    });
    expire(&server, &dying);
    let claim = soon(waiting).await.unwrap().unwrap();
    assert_eq!(claim.data(), b"work");
    assert!(matches!(soon(lost.complete()).await, Err(Error::ClaimLost { .. })));
    soon(claim.complete()).await.unwrap();
    assert_eq!(soon(small(&alive).count()).await.unwrap(), 0);
}

#[tokio::test]
async fn claims_lie_where_they_are_told_to() {
    let server = server().await;
    let client = client(&server).await;
    let queue = small(&client).claims_in("/locks");
    soon(queue.put("work")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    let shard = soon(queue.shards()).await.unwrap().remove(0);
    let shard = shard.rsplit('/').next().unwrap().to_owned();
    assert_eq!(children(&client, "/locks").await, std::slice::from_ref(&shard));
    assert_eq!(children(&client, &format!("/locks/{shard}")).await, ["queue-0000000000"]);
    soon(claim.release()).await.unwrap();
    assert_eq!(soon(queue.claims().try_next()).await.unwrap().unwrap().data(), b"work");
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_an_item_is_put_and_taken_once() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let mut lost = 0;
    for lose in [Proxy::lose_request, Proxy::lose_reply] {
        // A container comes first of all, the ledger of a shard with its first item.
        for op in [Op::CreateOther, Op::Create, Op::Multi] {
            let path = format!("/queues/{lost}");
            let queue = ShardedQueue::new(&client, &path);
            lose(&proxy, op);
            soon(queue.put("one")).await.unwrap();
            lost += 1;
            proxy.triggered(lost).await;
            let theirs = ShardedQueue::new(&observer, &path);
            assert_eq!(soon(theirs.count()).await.unwrap(), 1, "without {op:?}");
            assert_eq!(soon(theirs.shards()).await.unwrap().len(), 1, "without {op:?}");
        }
        let queue = ShardedQueue::new(&client, &format!("/queues/{}", lost - 1));
        for op in [Op::GetChildren, Op::GetData, Op::Multi] {
            lose(&proxy, op);
            assert_eq!(soon(queue.take()).await.unwrap(), "one", "without {op:?}");
            lost += 1;
            proxy.triggered(lost).await;
            assert_eq!(soon(queue.count()).await.unwrap(), 0);
            soon(queue.put("one")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_dropped_leaves_nothing_but_the_items() {
    let server = server().await;
    let observer = client(&server).await;
    let client = client(&server).await;
    observer.ensure_path(PATH).await.unwrap();
    for shard in ["b1", "b2"] {
        observer.create(&format!("{PATH}/{shard}"), b"", CreateMode::Persistent).await.unwrap();
    }
    let queue = small(&client);
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.take().await }
    });
    for shard in ["b1", "b2"] {
        until_children(&observer, &format!("/queues/a-consumers/{shard}"), 1).await;
    }
    waiting.abort();
    drop(queue);
    for shard in ["b1", "b2"] {
        until_children(&observer, &format!("/queues/a-consumers/{shard}"), 0).await;
    }
}

/// Whoever waits lists the shards now and then. Its list may be old when it comes to look at it.
#[tokio::test]
async fn a_shard_that_was_seen_is_not_forgotten_for_an_older_list() {
    let server = server().await;
    let (observer, client) = (client(&server).await, client(&server).await);
    observer.ensure_path(PATH).await.unwrap();
    let queue = small(&client);
    for step in 0..12 {
        let mut waiting = Box::pin(queue.take());
        // By then what it has asked for is here, and it has not looked yet.
        for _ in 0..=step {
            assert!(poll!(&mut waiting).is_pending());
            client.exists("/").await.unwrap();
        }
        let shard = format!("{PATH}/b{step}");
        observer.create(&shard, b"", CreateMode::Persistent).await.unwrap();
        client.sync("/").await.unwrap();
        let mut looking = Box::pin(queue.shards());
        for _ in 0..4 {
            if poll!(&mut looking).is_ready() {
                break;
            }
            client.exists("/").await.unwrap();
        }
        drop(looking);
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
        let shards = soon(queue.shards()).await.unwrap();
        assert!(shards.contains(&shard), "after {step} steps: {shards:?}");
    }
}

#[tokio::test]
async fn a_session_that_ends_and_nodes_that_are_deleted_are_made_up_for() {
    let server = server().await;
    let (observer, client) = (client(&server).await, client(&server).await);
    let queue = small(&client);
    soon(queue.put("one")).await.unwrap();
    expire(&server, &client);
    until(|| async { client.session_epoch() == 2 && client.exists("/").await.is_ok() }).await;
    soon(queue.put("two")).await.unwrap();
    assert_eq!(drain(&queue).await.len(), 2);
    observer.delete_recursive("/queues").await.unwrap();
    soon(queue.put("three")).await.unwrap();
    assert_eq!(soon(queue.take()).await.unwrap(), "three");
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.take().await }
    });
    until(|| async {
        let lines = children(&observer, "/queues/a-consumers").await;
        !lines.is_empty()
    })
    .await;
    observer.delete_recursive("/queues").await.unwrap();
    soon(small(&observer).put("four")).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), "four");
}

#[tokio::test]
async fn what_it_costs() {
    let server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (observer, client) = (client(&server).await, connect(&proxy.connect_string()).await);
    let queue = small(&client).threshold(100);
    soon(queue.put_all(["one", "two"])).await.unwrap();
    let before = proxy.requests();
    soon(queue.put("three")).await.unwrap();
    assert_eq!(proxy.requests() - before, 2, "a multi, and the count beside it");
    soon(queue.take()).await.unwrap();
    let before = proxy.requests();
    soon(queue.take()).await.unwrap();
    assert_eq!(proxy.requests() - before, 2, "a read and a multi");
    // What others make is heard of without a question.
    observer.create(&format!("{PATH}/theirs"), b"", CreateMode::Persistent).await.unwrap();
    until(|| async { queue.shards().await.unwrap().len() == 2 }).await;
}

#[tokio::test]
async fn what_may_not_be_made_is_an_error_and_a_closed_client_is() {
    let server = server().await;
    let client = client(&server).await;
    let homeless = small(&client).options(NodeOptions::new().parents(Parents::MustExist));
    let refused = soon(homeless.put("one")).await;
    assert!(matches!(refused, Err(Error::Client(zk_client::Error::NoNode { .. }))), "{refused:?}");
    let queue = small(&client);
    let stream = queue.items();
    soon(client.close()).await.unwrap();
    let closed = soon(queue.put("one")).await;
    assert_eq!(closed, Err(Error::Client(zk_client::Error::Closed)));
    let items: Vec<_> = soon(stream.try_collect()).await.unwrap();
    assert!(items.is_empty());
}
