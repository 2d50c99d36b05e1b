//! Topics with a primary and a backup broker, with znodes as Yahoo's message broker laid them out.
//!
//! ```text
//! cargo run --example broker [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/nodes/<broker>` | ephemeral; the brokers that live | each broker, by `Group` |
//! | `/topics/<topic>` | a topic | operators |
//! | `/topics/<topic>/primary` | ephemeral; the broker that serves the topic | that broker |
//! | `/topics/<topic>/backup` | ephemeral; the broker that has a copy | that broker |
//! | `/shutdown` | while it is there no broker runs | operators |
//!
//! Read [`take_role`] first: plain requests, no recipe. A role is a node that only one can create,
//! and that goes with the session of who did. The backup becomes the primary in one transaction, and
//! only the backup does, so that no broker serves a topic without a copy of it. [`play`] kills the primary of
//! a topic, and then shuts all brokers down.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;

use examples::{Process, Result, Stage, ensure};
use futures_util::StreamExt;
use tokio::task::JoinSet;
use zk_client::{Client, CreateMode, Error, OneshotWatch};
use zk_recipes::cache::CachedNode;
use zk_recipes::{Cache, Group};

const TOPICS: [&str; 3] = ["/topics/chat", "/topics/mail", "/topics/news"];

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("broker", play).await
}

/// Takes a role in the topic if one is free and this broker may have it. The watch fires as soon as
/// that has to be asked again.
async fn take_role(client: &Client, broker: &str, topic: &str) -> Result<OneshotWatch, Error> {
    let (primary, backup) = (format!("{topic}/primary"), format!("{topic}/backup"));
    let (roles, _, changed) = client.children(topic).watch().await?;
    let is_taken = |role: &str| roles.iter().any(|name| name == role);
    // Who has a role is the owner of its node, whatever became of the answer to its creation.
    let is_mine = |stat: zk_client::Stat| Some(stat.ephemeral_owner) == client.session_id();
    match (is_taken("primary"), is_taken("backup")) {
        (true, true) => {}
        (true, false) => {
            if !client.exists(&primary).await?.is_some_and(is_mine) {
                client.create(&backup, broker, CreateMode::Ephemeral).await?;
            }
        }
        (false, true) => {
            if client.exists(&backup).await?.is_some_and(is_mine) {
                let multi = client.multi().delete(&backup);
                multi.create(&primary, broker, CreateMode::Ephemeral).await?;
            }
        }
        (false, false) => drop(client.create(&primary, broker, CreateMode::Ephemeral).await?),
    }
    Ok(changed)
}

async fn serve(client: Client, broker: &'static str, topic: String) -> Result {
    loop {
        match take_role(&client, broker, &topic).await {
            // However the watch ended: what counts is what the servers have now.
            Ok(changed) => drop(changed.await),
            // Somebody was faster, or an answer was lost: look again.
            Err(error) if error.is_retryable() || is_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_race(error: &Error) -> bool {
    match error {
        Error::Multi { source, .. } => is_race(source),
        error => matches!(error, Error::NodeExists { .. } | Error::NoNode { .. }),
    }
}

async fn broker(client: Client, name: &'static str) -> Result {
    let _membership = Group::new(&client, "/nodes").join_when_free(name, "ready").await?;
    let topics = Cache::children(&client, "/topics").await?;
    let (mut changes, mut orders) = (topics.changes(), client.observe("/shutdown"));
    let (mut serving, mut known) = (JoinSet::new(), HashSet::new());
    loop {
        for topic in topics.children_of("/topics") {
            if known.insert(topic.path.clone()) {
                serving.spawn(serve(client.clone(), name, topic.path.clone()));
            }
        }
        tokio::select! {
            _ = changes.next() => {}
            // Ends the tasks, and with the session all the roles.
            Some(order) = orders.next() => if order?.is_some() { return Ok(()) },
            Some(ended) = serving.join_next() => ended??,
        }
    }
}

/// Who has which role, by path.
type Roles = BTreeMap<String, String>;

fn roles(nodes: &BTreeMap<String, Arc<CachedNode>>) -> Roles {
    let nodes = nodes.values().filter(|node| !node.data.is_empty());
    nodes.map(|n| (n.path.clone(), String::from_utf8_lossy(&n.data).into_owned())).collect()
}

/// Waits until each topic has a primary and another broker as backup, and neither is the one who is
/// gone.
async fn expect(topics: &Cache, gone: &str) -> Result<Roles> {
    let of =
        |roles: &Roles, topic: &str, role: &str| roles.get(&format!("{topic}/{role}")).cloned();
    let is_served = |roles: &Roles, topic: &str| {
        let (primary, backup) = (of(roles, topic, "primary"), of(roles, topic, "backup"));
        // A view takes in the nodes of one transaction one by one, so it may show a broker as both.
        primary.is_some() && backup.is_some() && primary != backup
    };
    let are_served = |nodes: &BTreeMap<String, Arc<CachedNode>>| {
        let roles = roles(nodes);
        let is_gone = roles.values().any(|broker| broker == gone);
        !is_gone && TOPICS.iter().all(|topic| is_served(&roles, topic))
    };
    let roles = roles(&*topics.wait_for(are_served).await.ok_or("the view has ended")?);
    for (role, broker) in &roles {
        println!("   {role}: {broker}");
    }
    Ok(roles)
}

async fn play(stage: &Stage) -> Result {
    let operator = stage.connect().await?;
    for topic in TOPICS {
        operator.ensure_path(topic).await?;
    }
    let topics = Cache::tree(&operator, "/topics").await?;
    let mut brokers: HashMap<String, Process> = HashMap::new();
    for name in ["b1", "b2", "b3"] {
        let process = stage.start(name, move |client| broker(client, name)).await?;
        brokers.insert(name.to_owned(), process);
    }
    let before = expect(&topics, "").await?;

    let dead = &before["/topics/mail/primary"];
    println!("   {dead} is killed.");
    stage.kill(brokers.remove(dead).ok_or("an unknown broker has a role")?).await?;
    let after = expect(&topics, dead).await?;
    for topic in TOPICS.iter().filter(|topic| before[&format!("{topic}/primary")] == *dead) {
        let heir = &before[&format!("{topic}/backup")];
        ensure(after[&format!("{topic}/primary")] == *heir, format!("the copy of {topic} counts"))?;
    }

    println!("   All are told to shut down.");
    operator.create("/shutdown", b"", CreateMode::Persistent).await?;
    for (_, broker) in brokers {
        broker.finish().await?;
    }
    topics.wait_for(|nodes| roles(nodes).is_empty()).await.ok_or("the view has ended")?;
    Ok(operator.close().await?)
}
