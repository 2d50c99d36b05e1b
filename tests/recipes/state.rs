//! What is kept current, and what is kept at all.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use tests::{Target, eventually, with_short_session, within};
use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::persistent_node::NodeState;
use zk_recipes::{
    AtomicValue, Cache, Config, Counter, Error, Group, IdGenerator, Lock, PersistentNode,
    PersistentTtlNode, Released, Rendezvous,
};

async fn create(client: &Client, path: &str, data: &str) {
    client.create(path, data, CreateMode::Persistent).await.unwrap();
}

#[tokio::test]
async fn a_cache_follows_what_others_do() {
    let target = Target::start().await;
    let (writer, reader) = (target.client().await, target.client().await);
    for path in ["/a", "/a/b", "/a/b/c", "/a/d"] {
        create(&writer, path, path).await;
    }
    let tree = within("a tree", Cache::tree(&reader, "/a")).await.unwrap();
    let children = within("children", Cache::children(&reader, "/a")).await.unwrap();
    let node = within("a node", Cache::node(&reader, "/a")).await.unwrap();
    assert_eq!(tree.nodes().keys().collect::<Vec<_>>(), ["/a", "/a/b", "/a/b/c", "/a/d"]);
    assert_eq!(children.nodes().keys().collect::<Vec<_>>(), ["/a", "/a/b", "/a/d"]);
    assert_eq!(node.root().unwrap().data, "/a");
    // Of one client, so that servers before 3.9 have room for one of their watches only
    // (ZOOKEEPER-4466).
    let (_, _, data) = reader.get("/a").watch().await.unwrap();
    let (_, _, list) = reader.children("/a").watch().await.unwrap();
    let mut observed = std::pin::pin!(reader.observe("/a"));
    assert_eq!(observed.next().await.unwrap().unwrap().unwrap().0, "/a");
    writer.set("/a/b/c", "new").await.unwrap();
    writer.delete("/a/d").await.unwrap();
    create(&writer, "/a/e", "e").await;
    writer.set("/a", "root").await.unwrap();
    let found = tree.wait_for(|nodes| {
        nodes.keys().eq(["/a", "/a/b", "/a/b/c", "/a/e"])
            && nodes["/a/b/c"].data == "new"
            && nodes["/a"].data == "root"
    });
    within("the tree", found).await.unwrap();
    let found = children.wait_for(|nodes| nodes.keys().eq(["/a", "/a/b", "/a/e"]));
    within("the children", found).await.unwrap();
    within("the node", node.wait_for(|nodes| nodes["/a"].data == "root")).await.unwrap();
    within("the one-shot watch of the data", data).await.unwrap();
    within("the one-shot watch of the list", list).await.unwrap();
    assert_eq!(within("a state", observed.next()).await.unwrap().unwrap().unwrap().0, "root");
    // Once more: what fired or was renewed has taken nothing from the others.
    writer.set("/a", "last").await.unwrap();
    create(&writer, "/a/f", "f").await;
    for cache in [&tree, &children] {
        let found = cache.wait_for(|nodes| {
            nodes.get("/a/f").is_some() && nodes.get("/a").is_some_and(|node| node.data == "last")
        });
        within("a cache", found).await.unwrap();
    }
    within("the node", node.wait_for(|nodes| nodes["/a"].data == "last")).await.unwrap();
    assert_eq!(within("a state", observed.next()).await.unwrap().unwrap().unwrap().0, "last");
}

#[tokio::test]
async fn a_cache_catches_up_with_what_it_missed() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (writer, reader) = (target.client().await, target.client_through(&proxy).await);
    create(&writer, "/a", "").await;
    create(&writer, "/a/replaced", "old").await;
    create(&writer, "/a/removed", "").await;
    let tree = within("a tree", Cache::tree(&reader, "/a")).await.unwrap();
    proxy.refuse();
    writer.delete("/a/removed").await.unwrap();
    writer.delete("/a/replaced").await.unwrap();
    create(&writer, "/a/replaced", "new").await;
    create(&writer, "/a/added", "").await;
    proxy.heal();
    let found = tree.wait_for(|nodes| {
        nodes.keys().eq(["/a", "/a/added", "/a/replaced"]) && nodes["/a/replaced"].data == "new"
    });
    within("it catches up", found).await.unwrap();
}

#[tokio::test]
async fn a_node_is_kept_until_it_is_closed_also_in_the_next_session() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let short = target.builder_through(&proxy).session_timeout(session);
        let (client, other) = (short.connect().await.unwrap(), target.client().await);
        let node = PersistentNode::start(&client, "/health/one", "a").await.ok()?;
        let mut seen = std::pin::pin!(other.observe("/health/one"));
        let owner = within("it is there", async {
            loop {
                if let Some((_, stat)) = seen.next().await.unwrap().unwrap() {
                    return stat.ephemeral_owner;
                }
            }
        })
        .await;
        proxy.refuse();
        within("it goes with its session", async {
            while seen.next().await.unwrap().unwrap().is_some() {}
        })
        .await;
        proxy.heal();
        within("it is another session's", async {
            while seen
                .next()
                .await
                .unwrap()
                .unwrap()
                .is_none_or(|(_, s)| s.ephemeral_owner == owner)
            {}
        })
        .await;
        within("present", node.wait_for(|state| *state == NodeState::Present)).await;
        within("other data", node.set_data("b")).await.ok()?;
        (other.get("/health/one").await.ok()?.0 == "b").then_some(())?;
        within("an end", node.close()).await.ok()?;
        assert!(other.exists("/health/one").await.unwrap().is_none());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_with_a_time_to_live_outlives_its_session_and_dies_when_it_is_not_kept() {
    let target = Target::start().await;
    let (keeper, other) = (target.client().await, target.client().await);
    let (long, short) = (Duration::from_secs(3600), Duration::from_secs(1));
    let lasting = within("a node", PersistentTtlNode::start(&keeper, "/seen/one", "a", long));
    let lasting = lasting.await.unwrap();
    within("other data", lasting.set_data("b")).await.unwrap();
    let brief = within("a node", PersistentTtlNode::start(&other, "/seen/two", "", short));
    let brief = brief.await.unwrap();
    eventually("it is touched again and again", async || {
        other.exists("/seen/two/touch").await.unwrap().is_some_and(|stat| stat.version > 1)
    })
    .await;
    drop(brief);
    eventually("it dies when nobody touches it", async || {
        other.exists("/seen/two").await.unwrap().is_none()
    })
    .await;
    within("the session ends", keeper.close()).await.unwrap();
    assert_eq!(other.get("/seen/one").await.unwrap().0, "b", "its time is not over");
    let again = within("a node", PersistentTtlNode::start(&other, "/seen/one", "c", long));
    within("an end", again.await.unwrap().remove()).await.unwrap();
    assert!(other.exists("/seen/one").await.unwrap().is_none());
}

#[tokio::test]
async fn groups_have_members_in_each_layout() {
    let target = Target::start().await;
    let (one, two) = (target.client().await, target.client().await);
    let layouts: [fn(&Client, &str) -> Group; 3] = [Group::new, Group::party, Group::shallow_party];
    for (layout, path) in layouts.into_iter().zip(["/g/group", "/g/party", "/g/shallow"]) {
        let members = within("a view", layout(&two, path).watch()).await.unwrap();
        let first = layout(&one, path).join("one", "1").await.unwrap();
        let second = layout(&two, path).join("two", "2").await.unwrap();
        let ids = |list: &[zk_recipes::group::Member]| -> BTreeSet<String> {
            list.iter().map(|member| member.id.clone()).collect()
        };
        let both = members.wait_for(|list| list.len() == 2);
        let both = within("both", both).await.unwrap();
        assert_eq!(ids(&both), BTreeSet::from(["one".to_owned(), "two".to_owned()]));
        assert_eq!(within("leaving", first.leave()).await.unwrap(), Released::Released);
        let rest = members.wait_for(|list| list.len() == 1);
        assert_eq!(within("the rest", rest).await.unwrap()[0].id, "two");
        within("leaving", second.leave()).await.unwrap();
    }
}

#[tokio::test]
async fn additions_count_once_and_ids_are_given_once() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let clients = [target.client().await, target.client_through(&proxy).await];
    let mut tasks = Vec::new();
    for client in clients {
        tasks.push(tokio::spawn(async move {
            let counters = [
                Counter::new(&client, "/counters/long"),
                Counter::shared_count(&client, "/counters/int"),
                Counter::kazoo(&client, "/counters/text"),
            ];
            let ids = IdGenerator::new(&client, "/counters/ids").block(3);
            let mut given = Vec::new();
            for _ in 0..10 {
                for counter in &counters {
                    counter.add(2).await.unwrap();
                }
                given.push(ids.next().await.unwrap());
            }
            given
        }));
    }
    proxy.cut();
    let mut given = BTreeSet::new();
    for task in tasks {
        given.extend(within("all is added", task).await.unwrap());
    }
    assert_eq!(given.len(), 20, "an id was given twice");
    let client = target.client().await;
    assert_eq!(Counter::new(&client, "/counters/long").get().await.unwrap(), 40);
    assert_eq!(Counter::shared_count(&client, "/counters/int").get().await.unwrap(), 40);
    assert_eq!(Counter::kazoo(&client, "/counters/text").get().await.unwrap(), 40);
    assert_eq!(client.get("/counters/long").await.unwrap().0, 40_i64.to_be_bytes().as_slice());
    assert_eq!(client.get("/counters/text").await.unwrap().0, "40");
    let value = AtomicValue::new(&client, "/counters/value");
    value.set("a").await.unwrap();
    assert_eq!(value.get().await.unwrap().unwrap(), "a");
}

#[tokio::test]
async fn a_configuration_is_followed() {
    let target = Target::start().await;
    let (writer, reader) = (target.client().await, target.client().await);
    let there = Config::<u32>::watch(&reader, "/config/limit").await.unwrap();
    let here = Config::<u32>::watch(&writer, "/config/limit").await.unwrap();
    assert!(there.value().is_none());
    assert_eq!(here.publish(&3, None).await.unwrap(), 0);
    within("the first", there.wait_for(|state| state.value.as_deref() == Some(&3))).await.unwrap();
    writer.set("/config/limit", "not a number").await.unwrap();
    let broken = there.wait_for(|state| state.problem.is_some() && state.value.is_some());
    within("a value that cannot be read", broken).await.unwrap();
    assert_eq!(there.value().as_deref(), Some(&3), "the last good one is kept");
    assert_eq!(here.publish(&4, Some(1)).await.unwrap(), 2);
    within("the next", there.wait_for(|state| state.value.as_deref() == Some(&4))).await.unwrap();
}

#[tokio::test]
async fn a_rendezvous_is_kept_or_called_off() {
    let target = Target::start().await;
    let (starter, worker) = (target.client().await, target.client().await);
    let rendezvous = Rendezvous::open(&starter, "/jobs/17").await.unwrap();
    let path = rendezvous.path().to_owned();
    let (waiting, its_path) = (worker.clone(), path.clone());
    let early = tokio::spawn(async move { Rendezvous::meet(&waiting, &its_path).await });
    Rendezvous::announce(&worker, &path, "here").await.unwrap();
    assert_eq!(within("the address", early).await.unwrap().unwrap(), "here");
    within("an end", rendezvous.close()).await.unwrap();
    let late = within("an answer", Rendezvous::meet(&worker, &path)).await;
    assert_eq!(late, Err(Error::RendezvousOver { path }));
}

#[tokio::test]
async fn only_a_holder_writes() {
    let target = Target::start().await;
    let (client, operator) = (target.client().await, target.client().await);
    create(&client, "/guarded", "").await;
    let guard = within("the lock", Lock::acquire(&client, "/locks/x")).await.unwrap();
    guard.writes().set("/guarded", "held").await.unwrap();
    let multi = guard.writes().multi().set("/guarded", "again");
    multi.create("/guarded/a", "", CreateMode::Persistent).commit().await.unwrap();
    operator.delete(guard.path()).await.unwrap();
    let refused = guard.writes().set("/guarded", "lost").await;
    assert!(matches!(refused, Err(ClientError::GuardFailed { .. })), "{refused:?}");
    assert_eq!(operator.get("/guarded").await.unwrap().0, "again");
}
