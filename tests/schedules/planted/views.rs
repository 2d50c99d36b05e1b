//! Copies that miss a change.

use std::sync::{Arc, Mutex};

use zk_client::{Client, Error as ClientError};
use zk_recipes::registry::ServiceInstance;
use zk_recipes::{Error, ServiceRegistry};
use zk_server::tree::DataTree;

use crate::run::{Scenario, caught};
use crate::scenario::copying::{Copied, LIMIT, copy};
use crate::scenario::mutex::Boxed;
use crate::scenario::registering::{BASE, Listing, NAME, register};
use crate::world::{Allowed, Process, World};

/// Reads a node, and then waits for its next change: one in between is missed.
struct ReadsThenWatches(Arc<Mutex<Option<Vec<u8>>>>);

fn open(process: Process, client: Client) -> Boxed<Result<Box<dyn Copied>, Error>> {
    let copied = ReadsThenWatches(Arc::default());
    process.spawn(follow(client, Arc::clone(&copied.0)));
    Box::pin(async move { Ok(Box::new(copied) as Box<dyn Copied>) })
}

async fn follow(client: Client, value: Arc<Mutex<Option<Vec<u8>>>>) {
    loop {
        match client.get(LIMIT).await {
            Ok((data, _)) => *value.lock().unwrap() = Some(data.to_vec()),
            Err(ClientError::NoNode { .. }) => *value.lock().unwrap() = None,
            Err(_) => continue,
        }
        if let Ok((_, watch)) = client.exists(LIMIT).watch().await {
            drop(watch.await);
        }
    }
}

impl Copied for ReadsThenWatches {
    fn compare(&self, tree: &DataTree) -> Result<(), String> {
        let there = tree.node(LIMIT).map(|node| node.data().unwrap_or_default().to_vec());
        let copied = self.0.lock().unwrap();
        if *copied == there { Ok(()) } else { Err(format!("has {copied:?} for {there:?}")) }
    }
}

/// A list that was read once.
struct Old(Vec<Arc<ServiceInstance>>);

fn list_once(client: Client) -> Boxed<Result<Box<dyn Listing>, Error>> {
    let registry = ServiceRegistry::new(&client, BASE);
    Box::pin(async move {
        let instances = registry.instances(NAME).await?;
        Ok(Box::new(Old(instances.into_iter().map(Arc::new).collect())) as Box<dyn Listing>)
    })
}

impl Listing for Old {
    fn instances(&self) -> Vec<Arc<ServiceInstance>> {
        self.0.clone()
    }

    fn is_stale(&self) -> bool {
        false
    }

    fn pick(&self) -> Option<Arc<ServiceInstance>> {
        self.0.first().cloned()
    }
}

/// Picks what is disabled, too.
struct PicksAny(Box<dyn Listing>);

fn pick_any(client: Client) -> Boxed<Result<Box<dyn Listing>, Error>> {
    Box::pin(async move {
        let view = crate::registry::view(client).await?;
        Ok(Box::new(PicksAny(view)) as Box<dyn Listing>)
    })
}

impl Listing for PicksAny {
    fn instances(&self) -> Vec<Arc<ServiceInstance>> {
        self.0.instances()
    }

    fn is_stale(&self) -> bool {
        self.0.is_stale()
    }

    fn pick(&self) -> Option<Arc<ServiceInstance>> {
        self.0.instances().first().cloned()
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: false, kills: true };
    Scenario { name: "planted::views", processes: 3, allowed, begin }
}

#[test]
fn a_copy_that_misses_a_change_is_found() {
    caught(&scenario(|world| copy(world, open)), 100, "has ");
}

#[test]
fn a_list_that_is_not_kept_up_is_found() {
    caught(&scenario(|world| register(world, list_once)), 1, " lists ");
}

#[test]
fn a_pick_of_what_is_disabled_is_found() {
    caught(&scenario(|world| register(world, pick_any)), 1, "was picked out of");
}
