//! Registering, and staying registered.

use zk_client::Client;
use zk_recipes::registry::{RegistrationState, ServiceType};
use zk_recipes::{Error, Released, ServiceInstance, ServiceRegistry};

use crate::support::{
    Op, Proxy, children, client, connect, expire, server, soon, until, until_children,
};

fn api(id: &str) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", 8080).with_id(id)
}

async fn read(client: &Client, path: &str) -> Option<(ServiceInstance, zk_client::Stat)> {
    match client.get(path).await {
        Ok((data, stat)) => Some((ServiceInstance::from_json(path, &data).unwrap(), stat)),
        Err(zk_client::Error::NoNode { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_instance_lies_where_curator_looks_for_it() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    assert_eq!(soon(registry.names()).await.unwrap(), Vec::<String>::new());
    let registration = soon(registry.register(api("a"))).await.unwrap();
    assert_eq!(registration.path(), "/services/api/a");
    let (instance, stat) = read(&client, "/services/api/a").await.unwrap();
    assert_eq!(instance, registration.instance());
    assert_eq!(Some(stat.ephemeral_owner), client.session_id());
    assert_eq!(soon(registry.names()).await.unwrap(), ["api"]);
    assert_eq!(soon(registry.instances("api")).await.unwrap(), [registration.instance()]);

    assert_eq!(soon(registration.unregister()).await.unwrap(), Released::Released);
    assert_eq!(soon(registration.unregister()).await.unwrap(), Released::AlreadyGone);
    assert_eq!(registration.state(), RegistrationState::Unregistered);
    assert!(children(&client, "/services/api").await.is_empty());
    let error = soon(registration.update(api("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Unregistered { .. }), "{error}");
}

#[tokio::test]
async fn an_update_is_there_when_it_returns_and_in_later_sessions() {
    let server = server().await;
    let (owner, observer) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let registration = soon(registry.register(api("a"))).await.unwrap();
    soon(registration.update(api("a").with_payload("v2"))).await.unwrap();
    let (instance, stat) = read(&observer, "/services/api/a").await.unwrap();
    assert_eq!(instance.payload, "v2");

    expire(&server, &owner);
    until(|| async {
        let again = read(&observer, "/services/api/a").await;
        again.is_some_and(|(instance, now)| instance.payload == "v2" && now.czxid > stat.czxid)
    })
    .await;
    let error = soon(registration.update(api("b"))).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInstance { .. }), "{error}");
}

#[tokio::test]
async fn a_cut_rewrites_nothing() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    let _registration = soon(registry.register(api("a"))).await.unwrap();
    let (_, before) = read(&client, "/services/api/a").await.unwrap();
    for _ in 0..3 {
        server.drop_connections();
        let (_, after) = soon(read(&client, "/services/api/a")).await.unwrap();
        assert_eq!((after.czxid, after.mzxid), (before.czxid, before.mzxid));
    }
}

#[tokio::test]
async fn an_expired_session_is_followed_by_a_new_registration() {
    let server = server().await;
    let (owner, observer) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let registration = soon(registry.register(api("a"))).await.unwrap();
    for _ in 0..3 {
        let old = owner.session_id();
        expire(&server, &owner);
        until(|| async {
            let found = read(&observer, "/services/api/a").await;
            found.is_some_and(|(_, stat)| Some(stat.ephemeral_owner) != old)
        })
        .await;
    }
    soon(registration.wait_for(|state| *state == RegistrationState::Registered)).await;
}

#[tokio::test]
async fn a_node_deleted_by_an_operator_comes_back() {
    let server = server().await;
    let (owner, operator) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let _registration = soon(registry.register(api("a"))).await.unwrap();
    for _ in 0..3 {
        operator.delete("/services/api/a").await.unwrap();
        until(|| async { read(&operator, "/services/api/a").await.is_some() }).await;
    }
}

#[tokio::test]
async fn a_node_changed_by_somebody_is_put_right() {
    let server = server().await;
    let (owner, operator) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let _registration = soon(registry.register(api("a"))).await.unwrap();
    operator.set("/services/api/a", b"rubbish").await.unwrap();
    until(|| async {
        let (data, _) = operator.get("/services/api/a").await.unwrap();
        ServiceInstance::from_json("", &data).is_ok()
    })
    .await;
}

#[tokio::test]
async fn the_node_of_a_dead_process_is_taken_over_and_a_living_one_does_not_fight() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let old = soon(ServiceRegistry::new(&one, "/services").register(api("a"))).await.unwrap();
    let new = soon(ServiceRegistry::new(&two, "/services").register(api("a"))).await.unwrap();
    let (_, stat) = read(&one, "/services/api/a").await.unwrap();
    assert_eq!(Some(stat.ephemeral_owner), two.session_id());
    soon(old.wait_for(|state| *state == RegistrationState::Replaced)).await;
    let error = soon(old.update(api("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Replaced { .. }), "{error}");
    drop(old);
    soon(one.close()).await.unwrap();
    let (_, after) = read(&two, "/services/api/a").await.unwrap();
    assert_eq!(after.czxid, stat.czxid, "the loser touched nothing");
    assert_eq!(soon(new.unregister()).await.unwrap(), Released::Released);
}

#[tokio::test]
async fn a_registration_whose_reply_is_lost_is_made_once() {
    for sequential in [false, true] {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        let registry = ServiceRegistry::new(&client, "/services");
        let first = soon(registry.register(api("first"))).await.unwrap();
        soon(first.unregister()).await.unwrap();
        let service_type =
            if sequential { ServiceType::DynamicSequential } else { ServiceType::Dynamic };
        proxy.lose_reply(Op::Create);
        let instance = api("a").with_service_type(service_type);
        let registration = soon(registry.register(instance)).await.unwrap();
        proxy.triggered(1).await;
        let names = children(&observer, "/services/api").await;
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(registration.path().ends_with(&names[0]));
        assert_eq!(soon(registration.unregister()).await.unwrap(), Released::Released);
        assert!(children(&observer, "/services/api").await.is_empty());
    }
}

#[tokio::test]
async fn a_register_that_is_dropped_leaves_nothing_behind() {
    for service_type in [ServiceType::Dynamic, ServiceType::DynamicSequential, ServiceType::Static]
    {
        let server = server().await;
        let observer = client(&server).await;
        let proxy = Proxy::start(server.addr()).await;
        let client = connect(&proxy.connect_string()).await;
        let registry = ServiceRegistry::new(&client, "/services");
        let first = soon(registry.register(api("first"))).await.unwrap();
        soon(first.unregister()).await.unwrap();
        proxy.hold_reply(Op::Create);
        let instance = api("a").with_service_type(service_type);
        let registering = tokio::spawn(async move { registry.register(instance).await });
        proxy.triggered(1).await;
        registering.abort();
        proxy.release();
        until_children(&observer, "/services/api", 0).await;
    }
}

#[tokio::test]
async fn a_dropped_registration_is_unregistered() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    drop(soon(registry.register(api("a"))).await.unwrap());
    until_children(&client, "/services/api", 0).await;
}

#[tokio::test]
async fn a_sequential_instance_gets_a_number_in_each_session() {
    let server = server().await;
    let (owner, observer) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let instance = api("a").with_service_type(ServiceType::DynamicSequential);
    let registration = soon(registry.register(instance.clone())).await.unwrap();
    assert_eq!(registration.path(), "/services/api/a0000000000");
    soon(registration.update(instance.with_payload("v2"))).await.unwrap();
    assert_eq!(children(&observer, "/services/api").await, ["a0000000000"]);
    expire(&server, &owner);
    until(|| async { children(&observer, "/services/api").await == ["a0000000001"] }).await;
    assert_eq!(read(&observer, "/services/api/a0000000001").await.unwrap().0.payload, "v2");
    assert_eq!(soon(registration.unregister()).await.unwrap(), Released::Released);
    assert!(children(&observer, "/services/api").await.is_empty());
}

#[tokio::test]
async fn static_and_permanent_instances_outlive_their_session() {
    let server = server().await;
    let (owner, observer) = (client(&server).await, client(&server).await);
    let registry = ServiceRegistry::new(&owner, "/services");
    let permanent = api("p").with_service_type(ServiceType::Permanent);
    let fixed = api("s").with_service_type(ServiceType::Static);
    let permanent = soon(registry.register(permanent)).await.unwrap();
    let fixed = soon(registry.register(fixed)).await.unwrap();
    drop(permanent);
    soon(owner.close()).await.unwrap();
    drop(fixed);
    assert_eq!(children(&observer, "/services/api").await.len(), 2);

    let registry = ServiceRegistry::new(&observer, "/services");
    let again = api("p").with_service_type(ServiceType::Permanent);
    let again = soon(registry.register(again)).await.unwrap();
    assert_eq!(soon(again.unregister()).await.unwrap(), Released::Released);
    let again = api("s").with_service_type(ServiceType::Static);
    drop(soon(registry.register(again)).await.unwrap());
    until_children(&observer, "/services/api", 0).await;
}

#[tokio::test]
async fn instances_that_cannot_be_znodes_are_refused() {
    let server = server().await;
    let client = client(&server).await;
    let registry = ServiceRegistry::new(&client, "/services");
    let error = soon(registry.register(api("a/b"))).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInstance { .. }), "{error}");
    assert!(children(&client, "/services").await.is_empty());
}
