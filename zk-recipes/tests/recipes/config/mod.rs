//! Live configuration.

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use zk_client::{Acl, Client, CreateMode, Permissions};
use zk_recipes::{Config, Error};

use crate::support::{Op, Proxy, client, connect, expire, server, soon, until};

const PATH: &str = "/config/limits";

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Limits {
    connections: u32,
}

fn limits(connections: u32) -> Limits {
    Limits { connections }
}

async fn follow(client: &Client) -> Config<Limits> {
    let builder = Config::<Limits>::builder(PATH).validate(|limits| match limits.connections {
        0 => Err("no connections at all".to_owned()),
        _ => Ok(()),
    });
    soon(builder.start(client)).await.unwrap()
}

async fn until_connections(config: &Config<Limits>, connections: u32) {
    let found = config.wait_for(|state| {
        state.problem.is_none() && state.value.as_deref() == Some(&limits(connections))
    });
    soon(found).await.unwrap();
}

#[tokio::test]
async fn what_is_published_is_followed() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    let (here, there) = (follow(&writer).await, follow(&reader).await);
    assert!(there.value().is_none() && there.state().problem.is_some());
    assert_eq!(soon(here.publish(&limits(3), None)).await.unwrap(), 0);
    until_connections(&there, 3).await;
    assert_eq!(there.state().version, Some(0));
    assert_eq!(writer.get(PATH).await.unwrap().0, r#"{"connections":3}"#);
    assert_eq!(soon(here.publish(&limits(4), Some(0))).await.unwrap(), 1);
    until_connections(&there, 4).await;
    let late = soon(here.publish(&limits(5), Some(0))).await.unwrap_err();
    assert!(matches!(late, Error::Client(zk_client::Error::BadVersion { .. })));
    let refused = soon(here.publish(&limits(0), None)).await.unwrap_err();
    assert!(matches!(refused, Error::Malformed { .. }));
    until_connections(&here, 4).await;
    let mut changes = there.changes();
    assert_eq!(soon(changes.next()).await.unwrap().version, Some(1));
    soon(reader.close()).await.unwrap();
    assert!(soon(changes.next()).await.is_none());
    assert_eq!(there.value().as_deref(), Some(&limits(4)));
}

#[tokio::test]
async fn what_cannot_be_used_leaves_the_last_good_value() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    let config = follow(&reader).await;
    soon(config.publish(&limits(3), None)).await.unwrap();
    until_connections(&config, 3).await;
    for (data, reason) in [(&b"{"[..], "EOF"), (br#"{"connections":0}"#, "no connections")] {
        writer.set(PATH, data).await.unwrap();
        let state =
            config.wait_for(|state| state.problem.as_ref().is_some_and(|p| p.contains(reason)));
        let state = soon(state).await.unwrap();
        assert_eq!((state.value.as_deref(), state.version), (Some(&limits(3)), Some(0)));
    }
    writer.delete(PATH).await.unwrap();
    let gone = |problem: &String| problem.contains("no node");
    soon(config.wait_for(|state| state.problem.as_ref().is_some_and(gone))).await.unwrap();
    assert_eq!(config.value().as_deref(), Some(&limits(3)));
    soon(config.publish(&limits(6), None)).await.unwrap();
    until_connections(&config, 6).await;
}

#[tokio::test]
async fn a_configuration_outlives_cuts_sessions_and_lost_replies() {
    let server = server().await;
    let observer = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    let config = follow(&client).await;
    for (number, lose) in (1..).zip([Proxy::lose_request, Proxy::lose_reply]) {
        lose(&proxy, Op::Create);
        soon(config.publish(&limits(number), None)).await.unwrap();
        until_connections(&config, number).await;
        lose(&proxy, Op::GetData);
        observer
            .set(PATH, format!(r#"{{"connections":{}}}"#, number + 10).as_bytes())
            .await
            .unwrap();
        until_connections(&config, number + 10).await;
        expire(&server, &client);
        observer
            .set(PATH, format!(r#"{{"connections":{}}}"#, number + 20).as_bytes())
            .await
            .unwrap();
        until_connections(&config, number + 20).await;
        observer.delete(PATH).await.unwrap();
    }
}

#[tokio::test]
async fn a_node_that_may_not_be_read_is_an_error_at_first_and_a_problem_later() {
    let server = server().await;
    let (writer, reader) = (client(&server).await, client(&server).await);
    let config = follow(&reader).await;
    soon(config.publish(&limits(3), None)).await.unwrap();
    until_connections(&config, 3).await;
    writer.delete(PATH).await.unwrap();
    let admin = [Acl::new(Permissions::ADMIN, "world", "anyone")];
    writer.create(PATH, b"", CreateMode::Persistent).acl(admin).await.unwrap();
    soon(config.wait_for(|state| state.problem.is_some())).await.unwrap();
    let refused = Config::<Limits>::watch(&reader, PATH);
    let refused = soon(refused).await.unwrap_err();
    assert!(matches!(refused, Error::Client(zk_client::Error::NoAuth { .. })), "{refused}");
    writer.set_acl(PATH, [Acl::new(Permissions::ALL, "world", "anyone")]).await.unwrap();
    soon(config.publish(&limits(4), None)).await.unwrap();
    until_connections(&config, 4).await;
}

#[tokio::test]
async fn other_formats_than_json_will_do() {
    let server = server().await;
    let client = client(&server).await;
    let builder = Config::<u32>::builder("/number").format(
        |data| std::str::from_utf8(data).unwrap_or("").parse().map_err(|_| "no number".to_owned()),
        |number| Ok(number.to_string().into()),
    );
    let config = soon(builder.start(&client)).await.unwrap();
    soon(config.publish(&7, None)).await.unwrap();
    until(|| async {
        client.get("/number").await.is_ok() && config.value().as_deref() == Some(&7)
    })
    .await;
    assert_eq!(client.get("/number").await.unwrap().0, "7");
}
