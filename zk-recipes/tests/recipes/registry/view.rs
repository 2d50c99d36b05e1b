//! Seeing services come and go.

use futures_util::StreamExt;
use zk_client::{Acl, Client, CreateMode, Permissions};
use zk_recipes::registry::{ServiceChange, ServiceChanges};
use zk_recipes::{ServiceInstance, ServiceRegistry, ServiceView};
use zk_server::testing::TestServer;

use crate::support::{Op, Proxy, client, connect, expire, server, soon, until};

fn api(id: &str) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", 8080).with_id(id)
}

fn ids(view: &ServiceView) -> Vec<String> {
    view.instances().iter().map(|instance| instance.id.clone()).collect()
}

async fn next(changes: &mut ServiceChanges) -> String {
    match soon(changes.next()).await.expect("the view goes on") {
        ServiceChange::Added(instance) => format!("added {}", instance.id),
        ServiceChange::Updated(instance) => format!("updated {}", instance.id),
        ServiceChange::Removed(instance) => format!("removed {}", instance.id),
        ServiceChange::Malformed { path, .. } => format!("malformed {path}"),
        other => format!("{other:?}"),
    }
}

/// A server, the client of the services, and a client that watches with its registry.
async fn world() -> (TestServer, Client, ServiceRegistry, Client, ServiceRegistry) {
    let server = server().await;
    let (services, watcher) = (client(&server).await, client(&server).await);
    let theirs = ServiceRegistry::new(&services, "/services");
    let ours = ServiceRegistry::new(&watcher, "/services");
    (server, services, theirs, watcher, ours)
}

#[tokio::test]
async fn a_view_is_loaded_when_it_is_handed_out_and_follows_changes() {
    let (_server, _services, theirs, _watcher, ours) = world().await;
    let a = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    assert_eq!(ids(&view), ["a"]);
    let mut changes = view.changes();
    let b = soon(theirs.register(api("b"))).await.unwrap();
    assert_eq!(next(&mut changes).await, "added b");
    assert_eq!(ids(&view), ["a", "b"], "a change is in the list before it is in the stream");
    soon(a.update(api("a").with_payload("v2"))).await.unwrap();
    assert_eq!(next(&mut changes).await, "updated a");
    soon(b.unregister()).await.unwrap();
    assert_eq!(next(&mut changes).await, "removed b");
    soon(view.wait_for(|all| all.len() == 1)).await.unwrap();
    assert_eq!(view.instances()[0].payload, "v2");
    assert!(!view.is_stale());
}

#[tokio::test]
async fn a_service_may_appear_after_its_view_and_again() {
    let (_server, services, theirs, _watcher, ours) = world().await;
    let view = soon(ours.watch("api")).await.unwrap();
    assert_eq!(ids(&view), Vec::<String>::new());
    assert_eq!(view.pick(), None);
    for _ in 0..2 {
        let a = soon(theirs.register(api("a"))).await.unwrap();
        soon(view.wait_for(|all| all.len() == 1)).await.unwrap();
        soon(a.unregister()).await.unwrap();
        soon(view.wait_for(<[_]>::is_empty)).await.unwrap();
        services.delete("/services/api").await.unwrap();
    }
}

#[tokio::test]
async fn picks_go_round_the_enabled_ones() {
    let (_server, _services, theirs, _watcher, ours) = world().await;
    let mut registrations = Vec::new();
    for instance in [api("a"), api("b"), api("c").with_enabled(false)] {
        registrations.push(soon(theirs.register(instance)).await.unwrap());
    }
    let view = soon(ours.watch("api")).await.unwrap();
    let picked: Vec<_> = (0..4).map(|_| view.pick().unwrap().id.clone()).collect();
    assert_eq!(picked, ["a", "b", "a", "b"]);
}

#[tokio::test]
async fn what_is_no_instance_is_reported_and_harms_nothing() {
    let (_server, services, theirs, _watcher, ours) = world().await;
    let _a = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    let mut changes = view.changes();
    services.create("/services/api/junk", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(next(&mut changes).await, "malformed /services/api/junk");
    assert_eq!(ids(&view), ["a"]);
    assert_eq!(soon(ours.instances("api")).await.unwrap().len(), 1);
    // It becomes one.
    let data = api("junk").to_json().unwrap();
    services.set("/services/api/junk", &data).await.unwrap();
    assert_eq!(next(&mut changes).await, "added junk");
}

#[tokio::test]
async fn a_crashed_service_vanishes_and_comes_back_with_its_next_session() {
    let (server, services, theirs, _watcher, ours) = world().await;
    let _a = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    let mut changes = view.changes();
    expire(&server, &services);
    // One step or two, as the reads fall; in the end it is there again.
    let first = next(&mut changes).await;
    if first == "removed a" {
        assert_eq!(next(&mut changes).await, "added a");
    } else {
        assert_eq!(first, "updated a");
    }
}

#[tokio::test]
async fn a_view_survives_cuts_restarts_and_its_own_expiry() {
    let (mut server, _services, theirs, watcher, ours) = world().await;
    let mut registrations = vec![soon(theirs.register(api("0"))).await.unwrap()];
    let view = soon(ours.watch("api")).await.unwrap();
    for round in 1..=6 {
        match round % 3 {
            0 => expire(&server, &watcher),
            1 => drop(server.drop_connections()),
            _ => server.restart().await.unwrap(),
        }
        let instance = api(&round.to_string());
        registrations.push(soon(theirs.register(instance)).await.unwrap());
        soon(registrations.remove(0).unregister()).await.unwrap();
        let expected = round.to_string();
        soon(view.wait_for(|all| all.len() == 1 && all[0].id == expected)).await.unwrap();
    }
    until(|| async { !view.is_stale() }).await;
}

#[tokio::test]
async fn a_view_on_an_old_server_makes_do_with_one_shot_watches() {
    let (server, services, theirs, _watcher, _ours) = world().await;
    let proxy = Proxy::start(server.addr()).await;
    proxy.refuse_add_watch();
    let old = connect(&proxy.connect_string()).await;
    let view = soon(ServiceRegistry::new(&old, "/services").watch("api")).await.unwrap();
    for round in 0..3 {
        let a = soon(theirs.register(api("a"))).await.unwrap();
        soon(view.wait_for(|all| all.len() == 1)).await.unwrap();
        let b = soon(theirs.register(api("b"))).await.unwrap();
        soon(view.wait_for(|all| all.len() == 2)).await.unwrap();
        for weight in 0..3 {
            soon(a.update(api("a").with_payload(weight))).await.unwrap();
            soon(view.wait_for(|all| all[0].payload == weight)).await.unwrap();
        }
        match round {
            0 => drop(server.drop_connections()),
            1 => expire(&server, &old),
            _ => {}
        }
        soon(a.unregister()).await.unwrap();
        drop(b);
        soon(view.wait_for(<[_]>::is_empty)).await.unwrap();
        services.delete("/services/api").await.unwrap();
    }
}

#[tokio::test]
async fn a_view_that_comes_to_an_old_server_goes_on_there() {
    let (server, _services, theirs, _watcher, _ours) = world().await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let view = soon(ServiceRegistry::new(&client, "/services").watch("api")).await.unwrap();
    // The lasting watch is asked for again in the next session, and refused.
    proxy.refuse_add_watch();
    expire(&server, &client);
    let a = soon(theirs.register(api("a"))).await.unwrap();
    soon(view.wait_for(|all| all.len() == 1)).await.unwrap();
    soon(a.update(api("a").with_payload(1))).await.unwrap();
    soon(view.wait_for(|all| all[0].payload == 1)).await.unwrap();
    until(|| async { !view.is_stale() }).await;
}

#[tokio::test]
async fn a_view_says_when_it_is_stale() {
    let (mut server, _services, theirs, _watcher, ours) = world().await;
    let _a = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    server.stop().await;
    until(|| async { view.is_stale() }).await;
    assert_eq!(ids(&view), ["a"], "it keeps serving what it has");
    server.restart().await.unwrap();
    until(|| async { !view.is_stale() }).await;
}

#[tokio::test]
async fn a_node_that_may_not_be_read_is_reported_and_harms_nothing() {
    let (server, services, theirs, _watcher, ours) = world().await;
    let _a = soon(theirs.register(api("a"))).await.unwrap();
    let secret = [Acl::new(Permissions::WRITE, "world", "anyone")];
    let hidden = services.create("/services/api/hidden", b"{}", CreateMode::Ephemeral);
    hidden.acl(secret.clone()).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    assert_eq!(ids(&view), ["a"]);

    // Nobody is told of a node that they may not read, so it takes a reload to find it.
    let mut changes = view.changes();
    let hidden = services.create("/services/api/later", b"{}", CreateMode::Ephemeral);
    hidden.acl(secret).await.unwrap();
    server.drop_connections();
    assert_eq!(next(&mut changes).await, "malformed /services/api/later");
    let _b = soon(theirs.register(api("b"))).await.unwrap();
    assert_eq!(next(&mut changes).await, "added b", "it goes on");
}

#[tokio::test]
async fn a_view_that_cannot_go_on_is_stale() {
    let (server, services, theirs, _watcher, ours) = world().await;
    let _a = soon(theirs.register(api("a"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    let write_only = Permissions::WRITE | Permissions::CREATE | Permissions::DELETE;
    let acl = [Acl::new(write_only, "world", "anyone")];
    services.set_acl("/services/api", acl).await.unwrap();
    server.drop_connections();
    assert_eq!(soon(view.wait_for(|all| all.len() > 1)).await, None, "the view has ended");
    assert!(view.is_stale());
    assert_eq!(ids(&view), ["a"], "it keeps serving what it has");
}

#[tokio::test]
async fn replacing_a_node_in_one_step_never_shows_a_gap() {
    let (_server, _services, theirs, watcher, ours) = world().await;
    let old = soon(theirs.register(api("a").with_payload("old"))).await.unwrap();
    let view = soon(ours.watch("api")).await.unwrap();
    let mut changes = view.changes();
    let _new = soon(ours.register(api("a").with_payload("new"))).await.unwrap();
    assert_eq!(next(&mut changes).await, "updated a");
    soon(view.wait_for(|all| all.len() == 1 && all[0].payload == "new")).await.unwrap();
    drop((old, watcher));
}

#[tokio::test]
async fn changes_end_with_the_client() {
    let (_server, _services, _theirs, watcher, ours) = world().await;
    let view = soon(ours.watch("api")).await.unwrap();
    let mut changes = view.changes();
    soon(watcher.close()).await.unwrap();
    assert_eq!(soon(changes.next()).await, None);
    assert_eq!(soon(view.changes().next()).await, None);
    assert_eq!(soon(view.wait_for(|all| !all.is_empty())).await, None);
}

#[tokio::test]
async fn many_instances_are_all_seen() {
    const MANY: usize = 250;
    let (_server, services, _theirs, _watcher, ours) = world().await;
    services.create("/services", b"", CreateMode::Persistent).await.unwrap();
    services.create("/services/api", b"", CreateMode::Persistent).await.unwrap();
    let empty = soon(ours.watch("api")).await.unwrap();
    for number in 0..MANY {
        let instance = api(&format!("{number:04}"));
        let path = format!("/services/api/{}", instance.id);
        let data = instance.to_json().unwrap();
        services.create(&path, &data, CreateMode::Ephemeral).await.unwrap();
    }
    soon(empty.wait_for(|all| all.len() == MANY)).await.unwrap();
    let loaded = soon(ours.watch("api")).await.unwrap();
    assert_eq!(ids(&loaded), ids(&empty));
}

#[tokio::test]
async fn a_view_is_stale_also_while_it_waits_for_an_answer() {
    let mut server = server().await;
    let proxy = Proxy::start(server.addr()).await;
    let (services, watcher) = (client(&server).await, connect(&proxy.connect_string()).await);
    let view = soon(ServiceRegistry::new(&watcher, "/services").watch("api")).await.unwrap();
    proxy.hold_reply(Op::GetData);
    let theirs = ServiceRegistry::new(&services, "/services");
    let _registration = soon(theirs.register(api("a"))).await.unwrap();
    proxy.triggered(1).await;
    server.stop().await;
    proxy.cut();
    until(|| async { view.is_stale() }).await;
}
