//! Picking an instance.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use zk_recipes::registry::{DownPolicy, Random, RoundRobin, ServiceType, Sticky};
use zk_recipes::{Registration, ServiceInstance, ServiceProvider, ServiceRegistry, ServiceView};
use zk_server::testing::TestServer;

use crate::support::{client, server, soon, until};

const LONG: Duration = Duration::from_secs(24 * 60 * 60);

fn api(id: &str) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", 8080).with_id(id)
}

/// A service of some instances, and a view of all of them.
async fn service(
    ids: &[&str],
) -> (TestServer, ServiceRegistry, Vec<Option<Registration>>, ServiceView) {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    let mut registrations = Vec::new();
    for id in ids {
        registrations.push(Some(soon(registry.register(api(id))).await.unwrap()));
    }
    let view = soon(registry.watch("api")).await.unwrap();
    assert_eq!(view.instances().len(), ids.len());
    (server, registry, registrations, view)
}

fn picks(provider: &ServiceProvider, count: usize) -> Vec<String> {
    (0..count).map(|_| provider.pick().expect("there is one").id.clone()).collect()
}

#[tokio::test]
async fn the_default_is_one_after_the_other() {
    let (_server, _registry, _registrations, view) = service(&["a", "b", "c"]).await;
    assert_eq!(picks(&view.provider(), 5), ["a", "b", "c", "a", "b"]);
    assert_eq!(picks(&view.provider().strategy(RoundRobin::new()), 2), ["a", "b"]);
}

#[tokio::test]
async fn random_picks_come_to_everybody() {
    let (_server, _registry, _registrations, view) = service(&["a", "b", "c"]).await;
    let provider = view.provider().strategy(Random);
    let picked: BTreeSet<String> = picks(&provider, 1000).into_iter().collect();
    assert_eq!(picked.len(), 3);
}

#[tokio::test]
async fn sticky_picks_stay_until_the_instance_goes() {
    let (_server, _registry, mut registrations, view) = service(&["a", "b", "c"]).await;
    let provider = view.provider().strategy(Sticky::over(RoundRobin::new()));
    assert_eq!(picks(&provider, 3), ["a", "a", "a"]);
    let a = registrations[0].take().unwrap();
    soon(a.update(api("a").with_payload("v2"))).await.unwrap();
    soon(view.wait_for(|all| all[0].payload == "v2")).await.unwrap();
    assert_eq!(picks(&provider, 1), ["a"], "the same with other data");
    soon(a.unregister()).await.unwrap();
    soon(view.wait_for(|all| all.len() == 2)).await.unwrap();
    // It is the strategy's second pick, now among two.
    assert_eq!(picks(&provider, 3), ["c", "c", "c"]);
}

#[tokio::test]
async fn a_closure_is_a_strategy_and_may_refuse() {
    let (_server, _registry, _registrations, view) = service(&["a", "b"]).await;
    let last = view.provider().strategy(|all: &[Arc<ServiceInstance>]| Some(all.len() - 1));
    assert_eq!(picks(&last, 2), ["b", "b"]);
    let nobody = view.provider().strategy(|_: &[Arc<ServiceInstance>]| None);
    assert_eq!(nobody.pick(), None);
    let beyond = view.provider().strategy(|all: &[Arc<ServiceInstance>]| Some(all.len()));
    assert_eq!(beyond.pick(), None);
}

#[tokio::test]
async fn filters_and_disabled_instances_leave_the_others() {
    let (_server, registry, _registrations, view) = service(&["a", "b", "c"]).await;
    let disabled = api("d").with_enabled(false);
    let _disabled = soon(registry.register(disabled)).await.unwrap();
    soon(view.wait_for(|all| all.len() == 4)).await.unwrap();
    let provider = view.provider().filter(|one| one.id != "a").filter(|one| one.id != "c");
    assert_eq!(picks(&provider, 3), ["b", "b", "b"]);
    let ids: Vec<_> = view.provider().candidates().iter().map(|one| one.id.clone()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(view.provider().filter(|_| false).pick(), None);
}

#[tokio::test]
async fn two_errors_hide_an_instance_from_this_provider_until_it_registers_anew() {
    let (_server, registry, mut registrations, view) = service(&["a", "b"]).await;
    let provider = view.provider().down_policy(DownPolicy::new(2, LONG));
    let a = view.instances()[0].clone();
    provider.note_error(&a);
    assert!(!provider.is_down(&a));
    provider.note_error(&a);
    assert!(provider.is_down(&a));
    assert_eq!(picks(&provider, 2), ["b", "b"]);
    assert_eq!(picks(&view.provider(), 2), ["a", "b"], "another one has its own experience");
    let b = view.instances()[1].clone();
    provider.note_error(&b);
    provider.note_error(&b);
    assert_eq!(provider.pick(), None, "all are down");

    soon(registrations[0].take().unwrap().unregister()).await.unwrap();
    let again = ServiceInstance::new("api", "10.0.0.1", 8081).with_id("a");
    let _again = soon(registry.register(again)).await.unwrap();
    soon(view.wait_for(|all| all.iter().any(|one| one.port == Some(8081)))).await.unwrap();
    assert_eq!(picks(&provider, 2), ["a", "a"]);
}

#[tokio::test]
async fn a_hidden_instance_comes_back_by_itself() {
    let (_server, _registry, _registrations, view) = service(&["a"]).await;
    let short = DownPolicy::new(1, Duration::from_millis(1));
    let provider = view.provider().down_policy(short);
    provider.note_error(&view.instances()[0]);
    until(|| async { provider.pick().is_some() }).await;
}

#[tokio::test]
async fn a_provider_keeps_its_view_up() {
    let (_server, registry, _registrations, view) = service(&[]).await;
    let provider = view.provider();
    drop(view);
    assert_eq!(provider.pick(), None, "nobody is there, and it says so at once");
    let sequential = api("a").with_service_type(ServiceType::DynamicSequential);
    let _a = soon(registry.register(sequential)).await.unwrap();
    soon(provider.view().wait_for(|all| all.len() == 1)).await.unwrap();
    assert_eq!(picks(&provider, 1), ["a"]);
}
