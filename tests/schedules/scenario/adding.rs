//! Processes that add to one number.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::Error;
use zk_server::tree::DataTree;

use super::may_pass;
use super::mutex::Boxed;
use crate::invariant::{AtTheEnd, NothingLeft};
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/visits";

/// Something that can be added to.
pub(crate) trait Adder: Send + Sync {
    /// Adds one; the sum.
    fn add(&self, client: &Client) -> Boxed<Result<i64, Error>>;
    /// The number that is in a node.
    fn read(&self, data: &[u8]) -> i64;
}

#[derive(Default)]
struct Sums {
    /// Additions that may have been made, those of this book that were not are taken out again.
    tried: i64,
    /// Additions that were made.
    made: i64,
    told: BTreeSet<i64>,
}

/// Each process adds so many times; the sum is what was added.
pub(crate) fn add_up(world: &Arc<World>, adder: impl Adder + 'static, times: usize) {
    let (adder, sums) = (Arc::new(adder), Arc::new(Mutex::new(Sums::default())));
    world.watch_over(NothingLeft::but([PATH]));
    let (reading, of) = (Arc::clone(&adder), Arc::clone(&sums));
    world.watch_over(AtTheEnd(move |tree: &DataTree| {
        let Sums { tried, made, .. } = *of.lock().unwrap();
        let data = tree.node(PATH).and_then(|node| node.data()).unwrap_or_default();
        let sum = if data.is_empty() { 0 } else { reading.read(data) };
        if (made..=tried).contains(&sum) {
            return Ok(());
        }
        Err(format!("the sum is {sum}, but {made} additions were made, and {tried} tried"))
    }));
    for _ in 0..3 {
        let (adder, sums) = (Arc::clone(&adder), Arc::clone(&sums));
        world.start(move |process| {
            let worker = work(process.clone(), Arc::clone(&adder), Arc::clone(&sums), times);
            process.work(worker);
        });
    }
}

async fn work(
    process: Process,
    adder: Arc<impl Adder>,
    sums: Arc<Mutex<Sums>>,
    times: usize,
) -> Result<(), String> {
    let (client, mut rng) = (process.client(), process.rng());
    for _ in 0..times {
        process.idle(rng.u64(1..1000)).await;
        let polls = if rng.u8(..6) == 0 { rng.usize(1..8) } else { usize::MAX };
        sums.lock().unwrap().tried += 1;
        let added = process.abandon(polls, adder.add(&client)).await;
        let mut sums = sums.lock().unwrap();
        match added {
            Err(_) => {}
            Ok(Ok(sum)) => {
                process.note(format_args!("it is {sum} now"));
                sums.made += 1;
                if !sums.told.insert(sum) {
                    return Err(format!("the sum was {sum} twice"));
                }
            }
            Ok(Err(error)) if error.is_outcome_unknown() => {}
            Ok(Err(error)) if may_pass(&error) => sums.tried -= 1,
            Ok(Err(error)) => return Err(format!("adding failed: {error}")),
        }
    }
    process.keep(client);
    Ok(())
}
