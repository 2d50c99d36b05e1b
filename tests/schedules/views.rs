//! `Cache`, `Config`, `PersistentNode` and `Group`: whatever was missed meanwhile, in the end they
//! agree with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_proto::Zxid;
use zk_recipes::cache::Cache;
use zk_recipes::{Config, Error, Group, PersistentNode};
use zk_server::tree::DataTree;

use crate::invariant::AtTheEnd;
use crate::run::{ALIKE, LONG, Scenario, explore_one_in};
use crate::scenario::copying::{CHANGES, Copied, LIMIT, Nodes, SETTINGS, copy, nodes_of};
use crate::scenario::mutex::Boxed;
use crate::scenario::{insist, may_pass};
use crate::world::{Allowed, Process, World};

const WORKERS: &str = "/workers";

/// What the processes have, by their numbers.
type Board<T> = Arc<Mutex<BTreeMap<usize, T>>>;

/// A subtree, and one number in it.
struct Views {
    cache: Cache,
    config: Config<u32>,
}

fn open(_: Process, client: Client) -> Boxed<Result<Box<dyn Copied>, Error>> {
    Box::pin(async move {
        let cache = Cache::tree(&client, SETTINGS).await?;
        let config = Config::watch(&client, LIMIT).await?;
        Ok(Box::new(Views { cache, config }) as Box<dyn Copied>)
    })
}

impl Copied for Views {
    fn compare(&self, tree: &DataTree) -> Result<(), String> {
        let there = nodes_of(tree);
        let nodes = self.cache.nodes();
        let copied: Nodes = nodes
            .iter()
            .map(|(path, node)| {
                (path.clone(), (node.stat.czxid, node.stat.mzxid, node.data.to_vec()))
            })
            .collect();
        if self.cache.is_stale() || copied != there {
            let stale = self.cache.is_stale();
            return Err(format!("has {copied:?} (stale: {stale}) for {there:?}"));
        }
        agree(&self.config, tree)
    }
}

fn agree(config: &Config<u32>, tree: &DataTree) -> Result<(), String> {
    let state = config.state();
    let Some(node) = tree.node(LIMIT) else {
        // The last good value is kept.
        return state.problem.map(drop).ok_or_else(|| "misses no node".to_owned());
    };
    let there = String::from_utf8_lossy(node.data().unwrap_or_default()).parse::<u32>().ok();
    let value = state.value.map(|value| *value);
    if value == there { Ok(()) } else { Err(format!("has {value:?} for {there:?}")) }
}

fn begin_members(world: &Arc<World>, open: fn(&Client, &str) -> Group) {
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
        let joined = |name: &str| tree.node(&format!("{WORKERS}/{name}")).map(|node| node.stat());
        let there: BTreeSet<Zxid> = tree.node(WORKERS).map_or_else(BTreeSet::new, |group| {
            group.children().filter_map(joined).map(|stat| stat.czxid).collect()
        });
        if there.len() != 3 {
            return Err(format!("members are missing: {there:?}"));
        }
        for (of, members) in looking.lock().unwrap().iter() {
            let listed = members.list();
            let mut ids: Vec<&str> = listed.iter().map(|member| member.id.as_str()).collect();
            ids.sort_unstable();
            let found: BTreeSet<Zxid> = listed.iter().map(|member| member.joined).collect();
            if found != there || members.is_stale() || ids != ["worker-0", "worker-1", "worker-2"] {
                return Err(format!("process {of} lists {listed:?} for {there:?}"));
            }
        }
        Ok(())
    }));
    for _ in 0..3 {
        let (nodes, members) = (Arc::clone(&nodes), Arc::clone(&members));
        world.start(move |process| {
            let (nodes, members) = (Arc::clone(&nodes), Arc::clone(&members));
            process.work(be_there(process.clone(), open, nodes, members));
        });
    }
}

async fn be_there(
    process: Process,
    open: fn(&Client, &str) -> Group,
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
    let group = open(&client, WORKERS);
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
    process.keep((client, membership));
    Ok(())
}

#[test]
fn copies_agree_with_the_server_in_the_end() {
    let allowed = Allowed { crashes: false, kills: true };
    let begin = |world: &Arc<World>| copy(world, open);
    explore_one_in(LONG, &Scenario { name: "views::copies_agree", processes: 3, allowed, begin });
}

#[test]
fn nodes_that_are_kept_up_are_there_in_the_end() {
    let allowed = Allowed { crashes: true, kills: true };
    let begin = |world: &Arc<World>| begin_members(world, Group::new);
    explore_one_in(LONG, &Scenario { name: "views::nodes_that", processes: 3, allowed, begin });
}

#[test]
fn parties_of_kazoo_are_complete_in_the_end() {
    let allowed = Allowed { crashes: true, kills: true };
    let begin = |world: &Arc<World>| begin_members(world, Group::party);
    explore_one_in(ALIKE, &Scenario { name: "views::parties", processes: 3, allowed, begin });
}
