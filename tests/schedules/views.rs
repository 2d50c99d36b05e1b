//! `Cache`, `Config`, `PersistentNode` and `Group`: whatever was missed meanwhile, in the end they
//! agree with the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::cache::Cache;
use zk_recipes::{Config, Error, Group, PersistentNode};
use zk_server::tree::DataTree;

use crate::invariant::{AtTheEnd, walk};
use crate::run::{Scenario, explore};
use crate::scenario::may_pass;
use crate::world::{Allowed, Process, World};

const SETTINGS: &str = "/settings";
const LIMIT: &str = "/settings/limit";
const WORKERS: &str = "/workers";

/// How often each process changes something.
const CHANGES: usize = 25;

/// What the processes have, by their numbers.
type Board<T> = Arc<Mutex<BTreeMap<usize, T>>>;

/// Runs something again as long as it may yet work.
async fn insist<T, F: Future<Output = Result<T, Error>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, String> {
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if may_pass(&error) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn begin_copies(world: &Arc<World>) {
    let (caches, configs) = (Board::<Cache>::default(), Board::<Config<u32>>::default());
    let (looking, reading) = (Arc::clone(&caches), Arc::clone(&configs));
    world.watch_over(AtTheEnd(move |tree: &DataTree| {
        looking.lock().unwrap().iter().try_for_each(|(of, cache)| compare(*of, cache, tree))?;
        reading.lock().unwrap().iter().try_for_each(|(of, config)| agree(*of, config, tree))
    }));
    for _ in 0..3 {
        let (caches, configs) = (Arc::clone(&caches), Arc::clone(&configs));
        world.start(move |process| {
            let (caches, configs) = (Arc::clone(&caches), Arc::clone(&configs));
            let client = process.client();
            process.work(change_settings(process.clone(), client.clone()));
            let number = process.id().number;
            process.work(async move {
                let cache = insist(|| Cache::tree(&client, SETTINGS)).await?;
                caches.lock().unwrap().insert(number, cache);
                let config = insist(|| Config::watch(&client, LIMIT)).await?;
                configs.lock().unwrap().insert(number, config);
                Ok(())
            });
        });
    }
}

async fn change_settings(process: Process, client: Client) -> Result<(), String> {
    let mut rng = process.rng();
    let paths = [SETTINGS, LIMIT, "/settings/a", "/settings/a/b", "/settings/a/b/c", "/settings/d"];
    for _ in 0..CHANGES {
        process.idle(rng.u64(1..2000)).await;
        let path = paths[rng.usize(..paths.len())];
        let data = rng.u32(..1000).to_string();
        let changed = match rng.u8(..6) {
            0 => client.delete(path).await,
            1 => client.delete_recursive(path).await,
            2..4 => client.create(path, &data, CreateMode::Persistent).await.map(drop),
            _ => client.set(path, &data).await.map(drop),
        };
        match changed {
            Ok(())
            | Err(
                ClientError::NoNode { .. }
                | ClientError::NodeExists { .. }
                | ClientError::NotEmpty { .. },
            ) => {}
            Err(error) if may_pass(&Error::Client(error.clone())) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

fn compare(of: usize, cache: &Cache, tree: &DataTree) -> Result<(), String> {
    let mut there = BTreeMap::new();
    walk(tree, "/", &mut |path| {
        if path.starts_with(SETTINGS)
            && let Some(node) = tree.node(path)
        {
            let data = node.data().unwrap_or_default().to_vec();
            there.insert(path.to_owned(), (node.stat().czxid, node.stat().mzxid, data));
        }
    });
    let copied: BTreeMap<_, _> = cache
        .nodes()
        .iter()
        .map(|(path, node)| (path.clone(), (node.stat.czxid, node.stat.mzxid, node.data.to_vec())))
        .collect();
    if cache.is_stale() || copied != there {
        let stale = cache.is_stale();
        return Err(format!("process {of} has {copied:?} (stale: {stale}) for {there:?}"));
    }
    Ok(())
}

fn agree(of: usize, config: &Config<u32>, tree: &DataTree) -> Result<(), String> {
    let state = config.state();
    let Some(node) = tree.node(LIMIT) else {
        // The last good value is kept.
        return state.problem.map(drop).ok_or_else(|| format!("process {of} misses no node"));
    };
    let there = String::from_utf8_lossy(node.data().unwrap_or_default()).parse::<u32>().ok();
    let value = state.value.map(|value| *value);
    if value == there { Ok(()) } else { Err(format!("process {of} has {value:?} for {there:?}")) }
}

fn begin_members(world: &Arc<World>) {
    let nodes = Board::<Arc<PersistentNode>>::default();
    let members = Board::<zk_recipes::group::Members>::default();
    let (keeping, looking) = (Arc::clone(&nodes), Arc::clone(&members));
    world.watch_over(AtTheEnd(move |tree: &DataTree| {
        for (of, node) in keeping.lock().unwrap().iter() {
            let there = tree.node(node.path()).and_then(|node| node.data());
            if there != Some(&node.data()[..]) {
                return Err(format!("the node of process {of} is {there:?} on the server"));
            }
        }
        let there: Vec<String> = tree
            .node(WORKERS)
            .map(|node| node.children().map(str::to_owned).collect())
            .unwrap_or_default();
        if there.len() != 3 {
            return Err(format!("members are missing: {there:?}"));
        }
        for (of, members) in looking.lock().unwrap().iter() {
            let mut listed: Vec<String> =
                members.list().into_iter().map(|member| member.id).collect();
            listed.sort();
            if listed != there || members.is_stale() {
                return Err(format!("process {of} lists {listed:?} for {there:?}"));
            }
        }
        Ok(())
    }));
    for _ in 0..3 {
        let (nodes, members) = (Arc::clone(&nodes), Arc::clone(&members));
        world.start(move |process| {
            let (nodes, members) = (Arc::clone(&nodes), Arc::clone(&members));
            process.work(be_there(process.clone(), nodes, members));
        });
    }
}

async fn be_there(
    process: Process,
    nodes: Board<Arc<PersistentNode>>,
    members: Board<zk_recipes::group::Members>,
) -> Result<(), String> {
    let (client, mut rng, number) = (process.client(), process.rng(), process.id().number);
    // The former life's is not kept up any more.
    nodes.lock().unwrap().remove(&number);
    members.lock().unwrap().remove(&number);
    let path = format!("/health/node-{number}");
    let node = Arc::new(insist(|| PersistentNode::start(&client, &path, "0")).await?);
    nodes.lock().unwrap().insert(number, Arc::clone(&node));
    let group = Group::new(&client, WORKERS);
    let id = format!("worker-{number}");
    let membership = insist(|| group.join_when_free(&id, "")).await?;
    let watched = insist(|| group.watch()).await?;
    members.lock().unwrap().insert(number, watched);
    for change in 0..CHANGES {
        process.idle(rng.u64(1..2000)).await;
        if rng.u8(..8) == 0 {
            // Somebody who should not.
            let _ = client.delete(&format!("/health/node-{}", rng.u8(..3))).await;
        }
        let changed = node.set_data(change.to_string()).await;
        if let Err(error) = changed
            && !may_pass(&error)
        {
            return Err(format!("setting failed: {error}"));
        }
    }
    process.spawn(async move {
        let _kept = (client, membership);
        std::future::pending().await
    });
    Ok(())
}

#[test]
fn copies_agree_with_the_server_in_the_end() {
    let allowed = Allowed { crashes: false, kills: true };
    let (name, begin) = ("views::copies_agree", begin_copies as fn(&Arc<World>));
    explore(&Scenario { name, processes: 3, allowed, begin });
}

#[test]
fn nodes_that_are_kept_up_are_there_in_the_end() {
    let allowed = Allowed { crashes: true, kills: true };
    let (name, begin) = ("views::nodes_that", begin_members as fn(&Arc<World>));
    explore(&Scenario { name, processes: 3, allowed, begin });
}
