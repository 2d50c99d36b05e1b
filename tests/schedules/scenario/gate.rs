//! One process that lets a barrier down and up again, one that lets it down whenever it is up, and
//! one that waits at it.

use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_proto::Zxid;
use zk_recipes::Error;
use zk_server::tree::DataTree;

use super::insist;
use super::mutex::Boxed;
use crate::invariant::{AtEachStep, NothingLeft};
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/barriers/gate";

/// How often it is let down.
const ROUNDS: usize = 5;

/// A barrier as one process has it.
pub(crate) trait Gate: Send + Sync {
    fn set(&self, client: &Client) -> Boxed<Result<(), Error>>;
    fn remove(&self, client: &Client) -> Boxed<Result<(), Error>>;
    fn wait(&self, client: &Client) -> Boxed<Result<(), Error>>;
}

/// What was seen of the barrier on the server.
#[derive(Clone, Default)]
struct Seen {
    /// The one that is down now.
    down: Option<Zxid>,
    /// How often that has changed.
    changes: u64,
    /// How many of them were removals.
    removals: u64,
    /// Nobody sets it any more but the one who minds it.
    closing: bool,
    /// The other who sets it has stopped.
    closed: bool,
    over: bool,
}

type Shared = Arc<Mutex<Seen>>;

/// Lets processes set, remove and wait at a barrier.
pub(crate) fn pass_through(world: &Arc<World>, gate: impl Gate + 'static) {
    let (gate, seen) = (Arc::new(gate), Shared::default());
    world.watch_over(NothingLeft::but([]));
    let looking = Arc::clone(&seen);
    world.watch_over(AtEachStep(move |tree: &DataTree| {
        let mut seen = looking.lock().unwrap();
        let down = tree.node(PATH).map(|node| node.stat().czxid);
        if down != seen.down {
            seen.removals += u64::from(seen.down.is_some());
            seen.down = down;
            seen.changes += 1;
        }
        Ok(())
    }));
    for number in 0..3 {
        let (gate, seen) = (Arc::clone(&gate), Arc::clone(&seen));
        world.start(move |process| {
            let (client, gate, seen) = (process.client(), Arc::clone(&gate), Arc::clone(&seen));
            process.keep(client.clone());
            match number {
                0 => process.work(mind(process.clone(), client, gate, seen)),
                1 => process.work(set_again(process.clone(), client, gate, seen)),
                _ => process.work(come_by(process.clone(), client, gate, seen)),
            }
        });
    }
}

async fn mind(
    process: Process,
    client: Client,
    gate: Arc<dyn Gate>,
    seen: Shared,
) -> Result<(), String> {
    let mut rng = process.rng();
    for _ in 0..ROUNDS {
        process.idle(rng.u64(1..1000)).await;
        if rng.u8(..4) == 0 {
            let _ = process.abandon(rng.usize(1..8), gate.set(&client)).await;
        }
        insist(|| gate.set(&client)).await?;
        process.note(format_args!("has let it down"));
        process.idle(rng.u64(1..4000)).await;
        let abandoned = rng.u8(..4) == 0;
        if abandoned {
            let _ = process.abandon(rng.usize(1..8), gate.remove(&client)).await;
        }
        remove(&process, &client, &*gate, &seen, u64::from(abandoned)).await?;
    }
    seen.lock().unwrap().closing = true;
    while !seen.lock().unwrap().closed {
        process.idle(100).await;
    }
    remove(&process, &client, &*gate, &seen, 0).await?;
    seen.lock().unwrap().over = true;
    Ok(())
}

/// Removes the barrier, and no other that takes its place. So many calls that were given up before
/// may still be on their way.
async fn remove(
    process: &Process,
    client: &Client,
    gate: &dyn Gate,
    seen: &Mutex<Seen>,
    abandoned: u64,
) -> Result<(), String> {
    let before = seen.lock().unwrap().removals;
    let mut calls = 0;
    let removed = insist(|| {
        calls += 1;
        gate.remove(client)
    });
    removed.await?;
    process.note(format_args!("has removed it"));
    let removals = seen.lock().unwrap().removals - before;
    if removals > calls + abandoned {
        return Err(format!("{calls} calls removed {removals} barriers"));
    }
    Ok(())
}

/// Lets the barrier down whenever it is up.
async fn set_again(
    process: Process,
    client: Client,
    gate: Arc<dyn Gate>,
    seen: Shared,
) -> Result<(), String> {
    let mut rng = process.rng();
    while !seen.lock().unwrap().closing {
        insist(|| gate.set(&client)).await?;
        process.idle(rng.u64(1..20)).await;
    }
    seen.lock().unwrap().closed = true;
    Ok(())
}

async fn come_by(
    process: Process,
    client: Client,
    gate: Arc<dyn Gate>,
    seen: Shared,
) -> Result<(), String> {
    let mut rng = process.rng();
    while !seen.lock().unwrap().over {
        process.idle(rng.u64(1..600)).await;
        let before = seen.lock().unwrap().clone();
        let polls = if rng.u8(..6) == 0 { rng.usize(1..8) } else { usize::MAX };
        match process.abandon(polls, gate.wait(&client)).await {
            Ok(waited) => waited.map_err(|error| format!("waiting failed: {error}"))?,
            Err(_) => continue,
        }
        let after = seen.lock().unwrap().clone();
        if before.down.is_some() && after.changes == before.changes {
            return Err("went through while it was down".to_owned());
        }
        process.note(format_args!("is through"));
    }
    Ok(())
}
