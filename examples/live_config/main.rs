//! Live configuration: services that take over each change at once, and survive the bad ones.
//!
//! ```text
//! cargo run --example live_config [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/config/limits` | the value, as JSON; its version counts the changes | whoever publishes |
//!
//! Read [`Limits`] and [`service`] first: a type, what its values have to be like, and a process
//! that lives by them. [`play`] then does to the node what operators do: a good change, data that is
//! no JSON, two changes at the same time, a delete; and ends a service's session in between.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::process::ExitCode;

use examples::{Process, Result, Stage, ensure};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use zk_client::{Client, Error as ClientError};
use zk_recipes::config::{ConfigBuilder, ConfigState};
use zk_recipes::{Config, Error};

const PATH: &str = "/config/limits";
const SERVICES: [&str; 2] = ["shop", "search"];

#[derive(Debug, Deserialize, Serialize)]
struct Limits {
    connections: u32,
    /// New fields have defaults, so that old data can still be read.
    #[serde(default)]
    burst: u32,
}

/// The rules are beside the type, so that who publishes and who reads agree on them.
fn limits() -> ConfigBuilder<Limits> {
    Config::<Limits>::builder(PATH).validate(|limits| match limits {
        Limits { connections: 0, .. } => Err("no connections at all".to_owned()),
        Limits { connections, burst } if burst > connections => Err("too large a burst".to_owned()),
        _ => Ok(()),
    })
}

/// What a service goes by, each time that changes.
struct Applied {
    service: &'static str,
    connections: Option<u32>,
    problem: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("live_config", play).await
}

/// Follows the limits for as long as it lives. Lost connections and sessions need no care here.
async fn service(client: Client, service: &'static str, news: mpsc::Sender<Applied>) -> Result {
    let config = limits().start(&client).await?;
    let mut changes = config.changes();
    while let Some(ConfigState { value, problem, .. }) = changes.next().await {
        // There is always the last good value, whatever the problem is now.
        let connections = value.map(|limits| limits.connections);
        news.send(Applied { service, connections, problem }).await?;
    }
    Ok(())
}

/// Waits until all services go by this many connections, with or without a problem.
async fn expect(news: &mut mpsc::Receiver<Applied>, connections: u32, trouble: bool) -> Result {
    let mut missing = SERVICES.to_vec();
    while !missing.is_empty() {
        let applied = news.recv().await.ok_or("the services are gone")?;
        // States in between may show or not. Good values only grow here, and no bad one is smaller.
        ensure(applied.connections <= Some(connections), "only good values count")?;
        if applied.connections == Some(connections) && applied.problem.is_some() == trouble {
            let problem = applied.problem.unwrap_or_else(|| "no problem".to_owned());
            println!("   {}: {connections} connections ({problem})", applied.service);
            missing.retain(|service| *service != applied.service);
        }
    }
    Ok(())
}

async fn play(stage: &Stage) -> Result {
    let operator = stage.connect().await?;
    let config = limits().start(&operator).await?;
    let first = config.publish(&Limits { connections: 100, burst: 10 }, None).await?;
    let (sender, mut news) = mpsc::channel(16);
    let mut services: Vec<Process> = Vec::new();
    for name in SERVICES {
        let news = sender.clone();
        services.push(stage.start(name, move |client| service(client, name, news)).await?);
    }
    expect(&mut news, 100, false).await?;

    println!("   200 connections are published; another change at the same time is refused.");
    config.publish(&Limits { connections: 200, burst: 10 }, Some(first)).await?;
    let late = config.publish(&Limits { connections: 300, burst: 10 }, Some(first)).await;
    let refused = matches!(late, Err(Error::Client(ClientError::BadVersion { .. })));
    ensure(refused, "nobody overwrites what he has not seen")?;
    expect(&mut news, 200, false).await?;

    println!("   A burst of 500 is refused before it is written; somebody writes by hand instead.");
    let bad = config.publish(&Limits { connections: 200, burst: 500 }, None).await;
    ensure(bad.is_err(), "a value against the rules is not published")?;
    operator.set(PATH, br#"{"connections": many}"#).await?;
    expect(&mut news, 200, true).await?;

    println!("   The node is deleted, and comes back with a good value.");
    if stage.expire(services[0].client()) {
        println!("   The shop has lost its session in the same moment.");
    }
    operator.delete(PATH).await?;
    expect(&mut news, 200, true).await?;
    config.publish(&Limits { connections: 400, burst: 10 }, None).await?;
    expect(&mut news, 400, false).await?;

    println!("   The search is killed; its successor starts with what counts now.");
    stage.kill(services.remove(1)).await?;
    let client = stage.connect().await?;
    let successor = limits().start(&client).await?;
    let value = successor.value().map(|limits| limits.connections);
    ensure(value == Some(400), "the first value is there when `start` returns")?;
    client.close().await?;
    Ok(operator.close().await?)
}
