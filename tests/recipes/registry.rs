//! Services that come, change, and go when their process does.

use futures_util::StreamExt;
use tests::{Target, with_short_session, within};
use zk_recipes::registry::{RegistrationState, ServiceChange};
use zk_recipes::{Released, ServiceInstance, ServiceRegistry, ServiceView};

const BASE: &str = "/services";

fn instance(id: &str, port: u16) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", port).with_id(id)
}

async fn shows(view: &ServiceView, ids: &[&str]) {
    let found =
        view.wait_for(|instances| instances.iter().map(|i| i.id.as_str()).eq(ids.iter().copied()));
    assert!(within("the view", found).await.is_some());
}

#[tokio::test]
async fn a_view_follows_what_registers_changes_and_leaves() {
    let target = Target::start().await;
    let (client, watcher) = (target.client().await, target.client().await);
    let registry = ServiceRegistry::new(&client, BASE);
    let view = within("a view", ServiceRegistry::new(&watcher, BASE).watch("api")).await.unwrap();
    let mut changes = view.changes();
    shows(&view, &[]).await;
    let first = registry.register(instance("a", 1)).await.unwrap();
    let second = registry.register(instance("b", 2)).await.unwrap();
    shows(&view, &["a", "b"]).await;
    second.update(instance("b", 3)).await.unwrap();
    let updated = view.wait_for(|instances| instances.iter().any(|i| i.port == Some(3)));
    assert!(within("the update", updated).await.is_some());
    assert_eq!(within("leaving", first.unregister()).await.unwrap(), Released::Released);
    shows(&view, &["b"]).await;
    drop(second);
    shows(&view, &[]).await;
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.push(match within("a change", changes.next()).await.unwrap() {
            ServiceChange::Added(i) => format!("+{}", i.id),
            ServiceChange::Updated(i) => format!("={}", i.id),
            ServiceChange::Removed(i) => format!("-{}", i.id),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["+a", "+b", "=b", "-a", "-b"]);
}

#[tokio::test]
async fn an_instance_whose_process_died_vanishes() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let short = target.builder_through(&proxy).session_timeout(session);
        let (dying, watcher) = (short.connect().await.unwrap(), target.client().await);
        let registry = ServiceRegistry::new(&dying, BASE);
        let registration = registry.register(instance("a", 1)).await.ok()?;
        let view = ServiceRegistry::new(&watcher, BASE).watch("api").await.unwrap();
        shows(&view, &["a"]).await;
        proxy.refuse();
        shows(&view, &[]).await;
        assert!(view.pick().is_none());
        proxy.heal();
        shows(&view, &["a"]).await;
        let back = registration.wait_for(|state| *state == RegistrationState::Registered);
        within("it registers again in its new session", back).await;
        Some(())
    })
    .await;
}

#[tokio::test]
async fn an_instance_stays_through_a_short_cut() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let (client, watcher) = (target.client_through(&proxy).await, target.client().await);
    let registration =
        ServiceRegistry::new(&client, BASE).register(instance("a", 1)).await.unwrap();
    let (_, gone) = watcher.exists(&registration.path()).watch().await.unwrap();
    proxy.cut();
    within("an answer", client.sync("/")).await.unwrap();
    watcher.sync("/").await.unwrap();
    assert!(futures_util::FutureExt::now_or_never(gone).is_none(), "it flapped");
    let sure = registration.wait_for(|state| *state == RegistrationState::Registered);
    within("it is sure of that", sure).await;
}

#[tokio::test]
async fn the_znode_is_what_curators_discovery_reads() {
    let target = Target::start().await;
    let client = target.client().await;
    let registry = ServiceRegistry::new(&client, BASE);
    let registration = registry.register(instance("a", 8080)).await.unwrap();
    assert_eq!(registration.path(), "/services/api/a");
    let (data, stat) = client.get("/services/api/a").await.unwrap();
    assert_eq!(stat.ephemeral_owner, client.session_id().unwrap());
    let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
    for (key, value) in
        [("name", "api"), ("id", "a"), ("address", "10.0.0.1"), ("serviceType", "DYNAMIC")]
    {
        assert_eq!(json[key], value, "{key}");
    }
    assert_eq!(json["port"], 8080);
    assert!(json["registrationTimeUTC"].is_i64());
    assert_eq!(registry.names().await.unwrap(), ["api"]);
    assert_eq!(registry.instances("api").await.unwrap().len(), 1);
}

#[tokio::test]
async fn pick_takes_turns_among_the_enabled() {
    let target = Target::start().await;
    let client = target.client().await;
    let registry = ServiceRegistry::new(&client, BASE);
    let mut registrations = Vec::new();
    for (id, enabled) in [("a", true), ("b", false), ("c", true)] {
        let instance = instance(id, 1).with_enabled(enabled);
        registrations.push(registry.register(instance).await.unwrap());
    }
    let view = registry.watch("api").await.unwrap();
    shows(&view, &["a", "b", "c"]).await;
    let mut picked: Vec<_> = (0..4).map(|_| view.pick().unwrap().id.clone()).collect();
    picked.sort();
    assert_eq!(picked, ["a", "a", "c", "c"]);
}
