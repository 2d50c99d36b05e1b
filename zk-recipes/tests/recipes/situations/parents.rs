//! An operator deletes a recipe's directory and all above it, with everything in it.

use zk_client::Client;
use zk_recipes::{
    Barrier, Cache, Config, Counter, DoubleBarrier, Error, Group, Queue, Rendezvous,
    ServiceRegistry,
};

use super::api;
use crate::support::{children, client, server, soon, until, until_children};

/// Deletes `top` and everything below it, whoever makes nodes there meanwhile.
async fn delete(operator: &Client, top: &str) {
    soon(async {
        while let Err(error) = operator.delete_recursive(top).await {
            assert!(matches!(error, zk_client::Error::NotEmpty { .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn members_and_instances_come_back_and_views_show_it() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let group = Group::new(&client, "/top/group");
    let registry = ServiceRegistry::new(&client, "/top/services");
    let _membership = soon(group.join("a", "")).await.unwrap();
    let _registration = soon(registry.register(api("a"))).await.unwrap();
    let (members, view) = (group.watch().await.unwrap(), registry.watch("api").await.unwrap());
    for _ in 0..2 {
        let joined = members.list().first().map(|member| member.joined);
        let before = operator.exists("/top/services/api/a").await.unwrap().unwrap();
        delete(&operator, "/top").await;
        until(|| async {
            let there = operator.exists("/top/services/api/a").await.unwrap();
            there.is_some_and(|stat| stat.czxid > before.czxid)
        })
        .await;
        let again = members
            .wait_for(|all| all.len() == 1 && all.first().map(|member| member.joined) > joined);
        soon(again).await.unwrap();
        soon(view.wait_for(|all| all.len() == 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_loses_its_claim_and_the_queue_goes_on() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let queue = Queue::new(&client, "/top/q");
    soon(queue.put("one")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    delete(&operator, "/top").await;
    soon(claim.lost()).await;
    assert!(matches!(soon(claim.complete()).await, Err(Error::ClaimLost { .. })));
    soon(queue.put("two")).await.unwrap();
    let claim = soon(queue.claim()).await.unwrap();
    assert_eq!(claim.data(), b"two");
    soon(claim.complete()).await.unwrap();
}

#[tokio::test]
async fn a_counter_starts_again() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let counter = Counter::new(&client, "/top/c");
    for _ in 0..2 {
        assert_eq!(soon(counter.add(1)).await.unwrap(), 1);
        delete(&operator, "/top").await;
    }
}

#[tokio::test]
async fn barriers_open_and_those_who_enter_come_again() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let barrier = Barrier::new(&client, "/top/b");
    soon(barrier.set()).await.unwrap();
    let waiting = tokio::spawn({
        let barrier = barrier.clone();
        async move { barrier.wait().await }
    });
    delete(&operator, "/top").await;
    soon(waiting).await.unwrap().unwrap();

    let double = DoubleBarrier::new(&client, "/top/d", 2);
    let entering = |double: DoubleBarrier| tokio::spawn(async move { double.enter().await });
    let first = entering(double.clone());
    until_children(&operator, "/top/d", 1).await;
    let before = children(&operator, "/top/d").await;
    delete(&operator, "/top").await;
    until(|| async {
        let now = children(&operator, "/top/d").await;
        now.len() == 1 && now != before
    })
    .await;
    let second = entering(double);
    let (first, second) = (soon(first).await.unwrap(), soon(second).await.unwrap());
    // Inside, it may all be deleted again: nobody waits for those who cannot be there.
    delete(&operator, "/top").await;
    let (first, second) = tokio::join!(soon(first.unwrap().leave()), soon(second.unwrap().leave()));
    assert!(first.is_ok() && second.is_ok());
}

#[tokio::test]
async fn caches_are_empty_configurations_keep_the_last_value_and_rendezvous_are_over() {
    let server = server().await;
    let (client, operator) = (client(&server).await, client(&server).await);
    let config = soon(Config::<u32>::watch(&client, "/top/limits")).await.unwrap();
    soon(config.publish(&7, None)).await.unwrap();
    soon(config.wait_for(|state| state.value.is_some())).await.unwrap();
    let rendezvous = soon(Rendezvous::open(&client, "/top/jobs")).await.unwrap();
    let path = rendezvous.path().to_owned();
    let cache = soon(Cache::tree(&client, "/top")).await.unwrap();
    let meeting = tokio::spawn({
        let (client, path) = (client.clone(), path.clone());
        async move { Rendezvous::meet(&client, &path).await }
    });
    delete(&operator, "/top").await;
    soon(cache.wait_for(|nodes| nodes.is_empty())).await.unwrap();
    soon(config.wait_for(|state| state.problem.is_some())).await.unwrap();
    assert_eq!(config.value().as_deref(), Some(&7));
    assert_eq!(soon(meeting).await.unwrap(), Err(Error::RendezvousOver { path }));
    soon(config.publish(&8, None)).await.unwrap();
    soon(cache.wait_for(|nodes| nodes.contains_key("/top/limits"))).await.unwrap();
}
