//! Readers who read for as long as somebody wants to write.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::Error;

use super::may_pass;
use super::mutex::{Boxed, Guard, hold};
use crate::invariant::NothingLeft;
use crate::world::{Process, World};

/// How often each process writes.
const WRITES: usize = 2;

/// Readers in each process: enough for one of them to read at any time.
const READERS: usize = 2;

/// A lock with two sides.
pub(crate) trait Sides: Send + Sync {
    fn read(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>>;
    fn write(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>>;
}

/// Processes that still have something to write.
type Wanting = Arc<Mutex<BTreeSet<usize>>>;

/// Lets three processes read all the time, and write now and then: each has to get its turn.
pub(crate) fn crowd(world: &Arc<World>, sides: impl Sides + 'static) {
    let (sides, wanting) = (Arc::new(sides), Wanting::default());
    *wanting.lock().unwrap() = (0..3).collect();
    world.watch_over(NothingLeft::but([]));
    for _ in 0..3 {
        let (sides, wanting) = (Arc::clone(&sides), Arc::clone(&wanting));
        world.start(move |process| {
            let client = process.client();
            let (writing, wants) = (Arc::clone(&sides), Arc::clone(&wanting));
            process.work(write(process.clone(), client.clone(), writing, wants));
            for _ in 0..READERS {
                let (reading, wants) = (Arc::clone(&sides), Arc::clone(&wanting));
                process.work(read(process.clone(), client.clone(), reading, wants));
            }
            process.keep(client);
        });
    }
}

async fn write(
    process: Process,
    client: Client,
    sides: Arc<dyn Sides>,
    wanting: Wanting,
) -> Result<(), String> {
    let mut rng = process.rng();
    let mut written = 0;
    while written < WRITES {
        process.idle(rng.u64(1..2000)).await;
        match sides.write(&client).await {
            Ok(guard) => hold(&process, guard, rng.u64(1..500), true).await?,
            Err(error) if may_pass(&error) => continue,
            Err(error) => return Err(format!("writing failed: {error}")),
        }
        written += 1;
    }
    wanting.lock().unwrap().remove(&process.id().number);
    Ok(())
}

async fn read(
    process: Process,
    client: Client,
    sides: Arc<dyn Sides>,
    wanting: Wanting,
) -> Result<(), String> {
    let mut rng = process.rng();
    while !wanting.lock().unwrap().is_empty() {
        match sides.read(&client).await {
            // Back in line at once.
            Ok(guard) => hold(&process, guard, rng.u64(500..1500), true).await?,
            Err(error) if may_pass(&error) => {}
            Err(error) => return Err(format!("reading failed: {error}")),
        }
    }
    Ok(())
}
