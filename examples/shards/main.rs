//! Shards of an index, assigned to workers who come and go, as Katta does it.
//!
//! ```text
//! cargo run --example shards [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/masters/…` | ephemeral; the masters in line | `LeaderLatch` |
//! | `/nodes/<worker>` | ephemeral; the workers that live | each worker, by `Group` |
//! | `/shards/<shard>` | the worker that shall serve the shard | the master, guarded by its term |
//! | `/shards/<shard>/<worker>` | ephemeral; the worker that does serve it | each worker |
//!
//! Read [`assign`] first, which is the master's work, then [`worker`]. What shall be and what is are
//! different nodes: the master writes the one and the workers the other, so nobody waits for anybody,
//! and clients that search go to whoever is listed below the shard. [`play`] lets a worker join, kills
//! one, and then kills the master. For a moment two may serve a shard, which does no harm as long as
//! serving means reading; see `zk_recipes::Lock` for when it would.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;
use std::sync::Arc;

use examples::{Result, Stage, ensure};
use futures_util::StreamExt;
use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::cache::CachedNode;
use zk_recipes::{Cache, Error, Group, LeaderLatch, Leadership, PersistentNode};

const SHARDS: usize = 6;

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("shards", play).await
}

async fn master(client: Client, name: &'static str) -> Result {
    let latch = LeaderLatch::start(&client, "/masters", name).await?;
    loop {
        let term = latch.lead().await?;
        println!("   {name} is the master.");
        let assigned = tokio::select! {
            assigned = assign(&client, &term) => assigned,
            reason = term.lost() => { println!("   {name} leads no more: {reason}"); continue }
        };
        match assigned {
            Err(error) if error.is_retryable() => {
                term.resign().await?;
            }
            assigned => return Ok(assigned?),
        }
    }
}

/// Gives each shard to a worker that lives, for as long as the term runs.
async fn assign(client: &Client, term: &Leadership) -> Result<(), Error> {
    // All that former masters wrote is in here: their writes came before the end of their terms,
    // and this one began after it.
    let shards = Cache::children(client, "/shards").await?;
    let nodes = shards.children_of("/shards");
    let name = |node: Arc<CachedNode>| String::from_utf8_lossy(&node.data).into_owned();
    let mut owners: BTreeMap<String, String> =
        nodes.into_iter().map(|node| (node.path.clone(), name(node))).collect();

    let members = Group::new(client, "/nodes").watch().await?;
    let mut changes = members.changes();
    loop {
        let workers: Vec<String> = members.list().into_iter().map(|member| member.id).collect();
        for (shard, worker) in moves(&owners, &workers) {
            term.writes().set(&shard, &worker).await?;
            owners.insert(shard, worker);
        }
        if changes.next().await.is_none() {
            return Err(ClientError::Closed.into());
        }
    }
}

/// Which shards have to go to which workers: those of the dead, and what is too much for one.
fn moves(owners: &BTreeMap<String, String>, workers: &[String]) -> Vec<(String, String)> {
    let mut loads: HashMap<&String, usize> = workers.iter().map(|worker| (worker, 0)).collect();
    let share = owners.len().div_ceil(workers.len().max(1));
    let mut homeless = Vec::new();
    for (shard, owner) in owners {
        match loads.get_mut(owner) {
            Some(load) if *load < share => *load += 1,
            _ => homeless.push(shard.clone()),
        }
    }
    let mut moves = Vec::new();
    for shard in homeless {
        let Some(worker) = workers.iter().min_by_key(|&worker| loads[worker]) else { break };
        *loads.entry(worker).or_default() += 1;
        moves.push((shard, worker.clone()));
    }
    moves
}

/// Serves what it is told to, and says so. All of that is made again if the session is lost.
async fn worker(client: Client, name: &'static str) -> Result {
    let _membership = Group::new(&client, "/nodes").join_when_free(name, "").await?;
    let shards = Cache::children(&client, "/shards").await?;
    let mut changes = shards.changes();
    let mut serving: HashMap<String, PersistentNode> = HashMap::new();
    loop {
        for shard in shards.children_of("/shards") {
            let is_mine = shard.data == name;
            if is_mine && !serving.contains_key(&shard.path) {
                // A real worker opens the shard here, before it tells anybody.
                let path = format!("{}/{name}", shard.path);
                let node = PersistentNode::start(&client, &path, "").await?;
                serving.insert(shard.path.clone(), node);
            } else if !is_mine && let Some(node) = serving.remove(&shard.path) {
                node.close().await?;
            }
        }
        if changes.next().await.is_none() {
            return Ok(());
        }
    }
}

/// Waits until these workers and nobody else serve, each shard by one of them, none more than its share.
async fn expect(index: &Cache, workers: &[&str]) -> Result {
    let is_served = |nodes: &BTreeMap<String, Arc<CachedNode>>| {
        let served = nodes.keys().filter_map(|path| path.strip_prefix("/shards/")?.split_once('/'));
        let served: Vec<(&str, &str)> = served.collect();
        let shards: BTreeMap<&str, &str> = served.iter().copied().collect();
        let load = |worker| served.iter().filter(|(_, name)| *name == worker).count();
        let loads = workers.iter().map(|worker| load(*worker));
        let is_fair = loads.clone().all(|load| load <= SHARDS.div_ceil(workers.len()));
        shards.len() == SHARDS
            && served.len() == SHARDS
            && loads.sum::<usize>() == SHARDS
            && is_fair
    };
    index.wait_for(is_served).await.ok_or("the view has ended")?;
    println!("   {} serve all shards, in equal shares.", workers.join(", "));
    Ok(())
}

async fn play(stage: &Stage) -> Result {
    let observer = stage.connect().await?;
    observer.create("/shards", b"", CreateMode::Persistent).await?;
    for number in 1..=SHARDS {
        observer.create(&format!("/shards/{number}"), b"", CreateMode::Persistent).await?;
    }
    let index = Cache::tree(&observer, "/shards").await?;
    let mut masters = HashMap::new();
    for name in ["anna", "bela"] {
        masters.insert(name, stage.start(name, move |client| master(client, name)).await?);
    }
    let _ann = stage.start("ann", |client| worker(client, "ann")).await?;
    let bob = stage.start("bob", |client| worker(client, "bob")).await?;
    expect(&index, &["ann", "bob"]).await?;
    let _eve = stage.start("eve", |client| worker(client, "eve")).await?;
    expect(&index, &["ann", "bob", "eve"]).await?;

    println!("   bob is killed.");
    stage.kill(bob).await?;
    expect(&index, &["ann", "eve"]).await?;

    let leader = LeaderLatch::leader_of(&observer, "/masters").await?.ok_or("nobody leads")?;
    println!("   {}, the master, is killed; a worker joins.", leader.id);
    stage.kill(masters.remove(&*leader.id).ok_or("an unknown master leads")?).await?;
    let _dan = stage.start("dan", |client| worker(client, "dan")).await?;
    expect(&index, &["ann", "dan", "eve"]).await?;
    let next = LeaderLatch::leader_of(&observer, "/masters").await?.ok_or("nobody leads")?;
    ensure(next.id != leader.id, "the backup leads")?;
    Ok(observer.close().await?)
}
