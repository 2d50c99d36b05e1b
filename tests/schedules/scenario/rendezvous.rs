//! One process that says where to meet, and two who want to know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::Error;

use super::mutex::Boxed;
use super::{insist, may_pass};
use crate::invariant::NothingLeft;
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/jobs/17";

const ROUNDS: usize = 4;

/// Those who come.
const GUESTS: usize = 2;

/// A place to meet, as its opener has it. Dropped, it is closed.
pub(crate) trait Place: Send + Sync {
    fn path(&self) -> String;
    fn close(self: Box<Self>) -> Boxed<Result<(), Error>>;
}

pub(crate) trait Rendezvous: Send + Sync {
    fn open(&self, client: &Client) -> Boxed<Result<Box<dyn Place>, Error>>;
    fn announce(&self, client: &Client, path: String, data: String) -> Boxed<Result<(), Error>>;
    /// What was announced.
    fn meet(&self, client: &Client, path: String) -> Boxed<Result<Vec<u8>, Error>>;
}

/// The path of each round, and who has come to it.
#[derive(Default)]
struct Book {
    paths: BTreeMap<usize, String>,
    came: BTreeMap<usize, usize>,
}

type Shared = Arc<Mutex<Book>>;

/// Lets them meet some times.
pub(crate) fn gather(world: &Arc<World>, rendezvous: impl Rendezvous + 'static) {
    let (rendezvous, book) = (Arc::new(rendezvous), Shared::default());
    world.watch_over(NothingLeft::but([]));
    for number in 0..=GUESTS {
        let (rendezvous, book) = (Arc::clone(&rendezvous), Arc::clone(&book));
        world.start(move |process| {
            let (rendezvous, book, client) =
                (Arc::clone(&rendezvous), Arc::clone(&book), process.client());
            process.keep(client.clone());
            match number {
                0 => process.work(host(process.clone(), client, rendezvous, book)),
                _ => process.work(come(process.clone(), client, rendezvous, book)),
            }
        });
    }
}

async fn host(
    process: Process,
    client: Client,
    rendezvous: Arc<dyn Rendezvous>,
    book: Shared,
) -> Result<(), String> {
    let mut rng = process.rng();
    for round in 0..ROUNDS {
        process.idle(rng.u64(1..500)).await;
        if rng.u8(..4) == 0 {
            let _ = process.abandon(rng.usize(1..8), rendezvous.open(&client)).await;
        }
        let place = insist(|| rendezvous.open(&client)).await?;
        book.lock().unwrap().paths.insert(round, place.path());
        process.idle(rng.u64(1..3000)).await;
        // Some are called off.
        let calls_off = rng.u8(..6) == 0;
        if !calls_off {
            let said = rendezvous.announce(&client, place.path(), place.path()).await;
            match said {
                Err(Error::RendezvousOver { .. }) => {}
                Err(error) if !may_pass(&error) => {
                    return Err(format!("announcing failed: {error}"));
                }
                _ => {}
            }
            while book.lock().unwrap().came.get(&round).copied().unwrap_or(0) < GUESTS {
                process.idle(50).await;
            }
        }
        if rng.bool() {
            let closed = place.close().await;
            closed.map_err(|error| format!("closing failed: {error}"))?;
        }
    }
    Ok(())
}

async fn come(
    process: Process,
    client: Client,
    rendezvous: Arc<dyn Rendezvous>,
    book: Shared,
) -> Result<(), String> {
    let mut rng = process.rng();
    for round in 0..ROUNDS {
        let path = loop {
            process.idle(rng.u64(1..300)).await;
            if let Some(path) = book.lock().unwrap().paths.get(&round) {
                break path.clone();
            }
        };
        if rng.u8(..4) == 0 {
            let meeting = rendezvous.meet(&client, path.clone());
            let _ = process.abandon(rng.usize(1..8), meeting).await;
        }
        let is_open = || process.look(|tree| tree.node(&path).is_some());
        match rendezvous.meet(&client, path.clone()).await {
            Ok(data) if data == path.as_bytes() => {}
            Ok(data) => {
                let data = String::from_utf8_lossy(&data).into_owned();
                return Err(format!("met at {data:?} instead of {path}"));
            }
            Err(Error::RendezvousOver { .. }) if !is_open() => {}
            Err(error) => return Err(format!("meeting at {path} failed: {error}")),
        }
        process.note(format_args!("has come, round {round}"));
        *book.lock().unwrap().came.entry(round).or_default() += 1;
    }
    Ok(())
}
