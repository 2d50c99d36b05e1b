//! Instances of a service that come and go, and views of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::registry::ServiceInstance;
use zk_recipes::{Error, Registration, ServiceRegistry};
use zk_server::tree::DataTree;

use super::mutex::Boxed;
use super::{insist, may_pass};
use crate::invariant::AtTheEnd;
use crate::world::{Process, World};

pub(crate) const BASE: &str = "/services";
pub(crate) const NAME: &str = "search";

const PROCESSES: usize = 3;

/// How often each process changes its registration.
const CHANGES: usize = 12;

/// A view of the service, as one process has it.
pub(crate) trait Listing: Send {
    /// The instances, as they are known.
    fn instances(&self) -> Vec<Arc<ServiceInstance>>;
    fn is_stale(&self) -> bool;
    /// One of those that are enabled.
    fn pick(&self) -> Option<Arc<ServiceInstance>>;
}

/// How a process comes by its view.
pub(crate) type Open = fn(Client) -> Boxed<Result<Box<dyn Listing>, Error>>;

/// What is to be there in the end, and who looks.
#[derive(Default)]
struct Board {
    registered: BTreeMap<usize, Registration>,
    views: BTreeMap<usize, Box<dyn Listing>>,
}

type Shared = Arc<Mutex<Board>>;

/// Lets three processes register themselves over and over, and look at each other.
pub(crate) fn register(world: &Arc<World>, open: Open) {
    let board = Shared::default();
    let looking = Arc::clone(&board);
    world.watch_over(AtTheEnd(move |tree: &DataTree| check(&looking.lock().unwrap(), tree)));
    for _ in 0..PROCESSES {
        let board = Arc::clone(&board);
        world.start(move |process| {
            let (board, number) = (Arc::clone(&board), process.id().number);
            // The former life's registration is kept up no more.
            let mut lost = board.lock().unwrap();
            let gone = (lost.registered.remove(&number), lost.views.remove(&number));
            drop(lost);
            drop(gone);
            process.work(come_and_go(process.clone(), open, board));
        });
    }
}

fn check(board: &Board, tree: &DataTree) -> Result<(), String> {
    let directory = format!("{BASE}/{NAME}");
    let there: Vec<ServiceInstance> = tree.node(&directory).map_or_else(Vec::new, |service| {
        let read = |name: &str| {
            let path = format!("{directory}/{name}");
            ServiceInstance::from_json(&path, tree.node(&path)?.data()?).ok()
        };
        service.children().filter_map(read).collect()
    });
    let meant: Vec<ServiceInstance> =
        board.registered.values().map(Registration::instance).collect();
    if there != meant {
        return Err(format!("registered are {there:?}, not {meant:?}"));
    }
    for (of, view) in &board.views {
        let listed = view.instances();
        if view.is_stale() || !listed.iter().map(|one| &**one).eq(&there) {
            return Err(format!("process {of} lists {listed:?} for {there:?}"));
        }
        check_picks(&**view, &there).map_err(|found| format!("process {of} {found}"))?;
    }
    Ok(())
}

/// In turn, each that is enabled comes.
fn check_picks(view: &dyn Listing, there: &[ServiceInstance]) -> Result<(), String> {
    let picked: BTreeSet<String> =
        there.iter().filter_map(|_| view.pick()).map(|instance| instance.id.clone()).collect();
    let enabled: BTreeSet<String> =
        there.iter().filter(|one| one.is_enabled()).map(|one| one.id.clone()).collect();
    let of_them = picked.is_subset(&enabled) && picked.is_empty() == enabled.is_empty();
    if of_them { Ok(()) } else { Err(format!("picks {picked:?} of {enabled:?}")) }
}

async fn come_and_go(process: Process, open: Open, board: Shared) -> Result<(), String> {
    let (client, mut rng, number) = (process.client(), process.rng(), process.id().number);
    process.keep(client.clone());
    let view = insist(|| open(client.clone())).await?;
    board.lock().unwrap().views.insert(number, view);
    let registry = ServiceRegistry::new(&client, BASE);
    for change in 0..CHANGES {
        process.idle(rng.u64(1..3000)).await;
        // Sorted as their names are.
        let instance = ServiceInstance::new(NAME, "10.0.0.1", 80)
            .with_id(format!("node-{number}"))
            .with_payload(change.to_string())
            .with_enabled(rng.u8(..4) > 0);
        let former = board.lock().unwrap().registered.remove(&number);
        let now = match former {
            None => insist(|| registry.register(instance.clone())).await?,
            Some(registration) => match rng.u8(..6) {
                // Taken out by itself, or just forgotten.
                0 => {
                    let left = registration.unregister().await;
                    left.map_err(|error| format!("unregistering failed: {error}"))?;
                    continue;
                }
                1 => continue,
                // A second one in its place, as after a crash.
                2 => register_beside(&registry, &instance).await?,
                _ => {
                    match registration.update(instance).await {
                        Err(error) if !may_pass(&error) => {
                            return Err(format!("updating failed: {error}"));
                        }
                        _ => {}
                    }
                    registration
                }
            },
        };
        pick_one(&process, &board)?;
        board.lock().unwrap().registered.insert(number, now);
    }
    Ok(())
}

/// Registers while the former registration lives, which gives way. Only where the session ends
/// before that one has heard of it, both begin anew, and it may be the other way round.
async fn register_beside(
    registry: &ServiceRegistry,
    instance: &ServiceInstance,
) -> Result<Registration, String> {
    loop {
        match registry.register(instance.clone()).await {
            Ok(registration) => return Ok(registration),
            Err(Error::Replaced { .. }) => {}
            Err(error) if may_pass(&error) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Whatever is picked is one of the list.
fn pick_one(process: &Process, board: &Shared) -> Result<(), String> {
    let board = board.lock().unwrap();
    let Some(view) = board.views.get(&process.id().number) else { return Ok(()) };
    let (listed, picked) = (view.instances(), view.pick());
    let could_be = listed.iter().any(|one| one.is_enabled());
    match picked {
        Some(picked) if !picked.is_enabled() || !listed.contains(&picked) => {
            Err(format!("{} was picked out of {listed:?}", picked.id))
        }
        None if could_be => Err(format!("nothing was picked out of {listed:?}")),
        _ => Ok(()),
    }
}
