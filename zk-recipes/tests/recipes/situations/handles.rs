//! Two handles in one process are as good as two processes.

use zk_client::Client;
use zk_recipes::registry::RegistrationState;
use zk_recipes::{
    AtomicValue, Barrier, Cache, Config, Counter, DoubleBarrier, Error, Group, Queue, Rendezvous,
    ServiceRegistry,
};

use super::api;
use crate::support::{children, client, server, soon};

#[tokio::test]
async fn a_claimed_item_is_out_of_reach_of_the_other_handle() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) = (Queue::new(&client, "/q"), Queue::new(&client, "/q"));
    soon(one.put("a")).await.unwrap();
    let claim = soon(one.claim()).await.unwrap();
    assert!(soon(two.try_claim()).await.unwrap().is_none());
    soon(claim.release()).await.unwrap();
    soon(soon(two.claim()).await.unwrap().complete()).await.unwrap();
    assert!(soon(one.try_take()).await.unwrap().is_none());
}

#[tokio::test]
async fn counters_and_values_lose_no_update_to_each_other() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) = (Counter::new(&client, "/c"), Counter::new(&client, "/c"));
    for _ in 0..10 {
        let (left, right) = tokio::join!(soon(one.add(1)), soon(two.add(1)));
        assert_ne!(left.unwrap(), right.unwrap());
    }
    assert_eq!(soon(one.get()).await.unwrap(), 20);
    let (one, two) = (AtomicValue::new(&client, "/v"), AtomicValue::new(&client, "/v"));
    let longer =
        |value: Option<&bytes::Bytes>| Some(vec![b'x'; value.map_or(1, |v| v.len() + 1)].into());
    let (left, right) = tokio::join!(soon(one.update(longer)), soon(two.update(longer)));
    assert!(left.is_ok() && right.is_ok());
    assert_eq!(soon(one.get()).await.unwrap().unwrap().len(), 2);
}

#[tokio::test]
async fn of_two_registrations_of_one_id_the_later_one_stays() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    let old = soon(registry.register(api("a").with_payload("old"))).await.unwrap();
    let new = soon(registry.register(api("a").with_payload("new"))).await.unwrap();
    soon(old.wait_for(|state| *state == RegistrationState::Replaced)).await;
    assert!(matches!(soon(old.update(api("a"))).await, Err(Error::Replaced { .. })));
    soon(old.unregister()).await.unwrap();
    assert_eq!(soon(registry.instances("api")).await.unwrap(), [new.instance()]);
    assert_eq!(new.state(), RegistrationState::Registered);
}

#[tokio::test]
async fn of_two_static_registrations_the_later_one_stays_and_nobody_fights() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    let fixed = |payload: &str| {
        let fixed = zk_recipes::registry::ServiceType::Static;
        api("a").with_service_type(fixed).with_payload(payload)
    };
    let old = soon(registry.register(fixed("old"))).await.unwrap();
    let new = soon(registry.register(fixed("new"))).await.unwrap();
    soon(old.wait_for(|state| *state == RegistrationState::Replaced)).await;
    let before = client.exists("/services/api/a").await.unwrap();
    drop(old);
    soon(new.update(fixed("newer"))).await.unwrap();
    let after = client.exists("/services/api/a").await.unwrap();
    assert_eq!(before.unwrap().version + 1, after.unwrap().version, "one write, ours");
}

#[tokio::test]
async fn an_id_in_a_group_is_for_one_handle() {
    let server = server().await;
    let client = client(&server).await;
    let first = soon(Group::new(&client, "/g").join("a", "")).await.unwrap();
    assert!(matches!(
        soon(Group::new(&client, "/g").join("a", "")).await,
        Err(Error::Taken { .. })
    ));
    soon(first.leave()).await.unwrap();
    let _again = soon(Group::new(&client, "/g").join("a", "")).await.unwrap();
}

async fn enter_and_leave(client: Client) {
    soon(soon(DoubleBarrier::new(&client, "/d", 2).enter()).await.unwrap().leave()).await.unwrap();
}

#[tokio::test]
async fn barriers_count_handles() {
    let server = server().await;
    let client = client(&server).await;
    tokio::join!(enter_and_leave(client.clone()), enter_and_leave(client.clone()));
    assert!(children(&client, "/d").await.is_empty());
    let (one, two) = (Barrier::new(&client, "/b"), Barrier::new(&client, "/b"));
    soon(one.set()).await.unwrap();
    soon(two.remove()).await.unwrap();
    soon(one.wait()).await.unwrap();
}

#[tokio::test]
async fn caches_configurations_and_rendezvous_do_not_disturb_each_other() {
    let server = server().await;
    let client = client(&server).await;
    let (one, two) =
        (soon(Cache::tree(&client, "/c")).await.unwrap(), soon(Cache::node(&client, "/c")).await);
    let config = soon(Config::<u32>::watch(&client, "/c")).await.unwrap();
    drop(two);
    soon(config.publish(&1, None)).await.unwrap();
    soon(one.wait_for(|nodes| nodes.contains_key("/c"))).await.unwrap();
    drop(one);
    soon(config.publish(&2, None)).await.unwrap();
    soon(config.wait_for(|state| state.value.as_deref() == Some(&2))).await.unwrap();

    let first = soon(Rendezvous::open(&client, "/r")).await.unwrap();
    let second = soon(Rendezvous::open(&client, "/r")).await.unwrap();
    assert_ne!(first.path(), second.path());
    drop(first);
    soon(Rendezvous::announce(&client, second.path(), "here")).await.unwrap();
    assert_eq!(soon(Rendezvous::meet(&client, second.path())).await.unwrap(), "here");
}
