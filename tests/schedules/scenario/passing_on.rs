//! Processes that put items into a queue, and processes that take them out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use tokio::sync::watch;
use zk_client::{Client, SessionId};
use zk_recipes::Error;

use super::may_pass;
use super::mutex::Boxed;
use crate::invariant::NothingLeft;
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/queues/mail";

/// Items that each process puts.
const ITEMS: usize = 6;

/// A queue as one process has it.
pub(crate) trait Pipe: Send + Sync {
    fn put(&self, item: String) -> Boxed<Result<(), Error>>;
    /// Takes an item, and does what is to be done with it: tells the book.
    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>>;
    fn count(&self) -> Boxed<Result<usize, Error>>;
    /// Whether an item is lost whose taker is gone, and whose session ends in the moment of taking.
    fn takes_for_good(&self) -> bool {
        false
    }
}

/// How a process comes by its queue.
pub(crate) type Open = fn(&Client) -> Arc<dyn Pipe>;

/// What became of each item.
#[derive(Clone)]
pub(crate) struct Book {
    items: Arc<Mutex<Items>>,
    over: watch::Sender<bool>,
}

#[derive(Default)]
struct Items {
    /// Whether it is certain that it was put, and how often it was done with.
    items: BTreeMap<String, (bool, usize)>,
    /// Those that are on their way, by whoever puts them.
    next: BTreeMap<usize, usize>,
    /// What somebody was about to be done with.
    ending: BTreeSet<String>,
    /// How many may be lost, as errors have said.
    lost: usize,
    /// Clients that did not wait for what they had begun, with their sessions then. If such a session
    /// has ended since, an item may be lost, and nobody was there to hear the error.
    abandoned: Vec<(Client, Option<SessionId>)>,
    producers: usize,
}

impl Book {
    /// An item was done with, for certain and for the only time.
    pub(crate) fn done(&self, item: &str) -> Result<(), String> {
        let mut book = self.items.lock().unwrap();
        let Some((_, times)) = book.items.get_mut(name(item)) else {
            return Err(format!("{item} was never put"));
        };
        *times += 1;
        if *times > 1 { Err(format!("{item} was taken twice")) } else { Ok(()) }
    }

    /// Whether it was.
    pub(crate) fn is_done(&self, item: &str) -> bool {
        self.items.lock().unwrap().items.get(name(item)).is_some_and(|(_, times)| *times > 0)
    }

    /// Somebody is about to say that it is.
    pub(crate) fn may_be_done(&self, item: &str) {
        self.items.lock().unwrap().ending.insert(name(item).to_owned());
    }

    /// Nobody knows what became of one.
    pub(crate) fn one_may_be_lost(&self) {
        self.items.lock().unwrap().lost += 1;
    }

    /// Somebody has begun to take an item, and did not wait for it.
    pub(crate) fn abandoned(&self, client: &Client, session: Option<SessionId>) {
        self.items.lock().unwrap().abandoned.push((client.clone(), session));
    }

    /// Items that were put and not seen again.
    fn missing(&self) -> (Vec<String>, usize) {
        let book = self.items.lock().unwrap();
        let missing = book
            .items
            .iter()
            .filter(|(item, (put, times))| *put && *times == 0 && !book.ending.contains(*item));
        let has_ended =
            |(client, session): &&(Client, Option<SessionId>)| client.session_id() != *session;
        let unheard = book.abandoned.iter().filter(has_ended).count();
        (missing.map(|(item, _)| item.clone()).collect(), book.lost + unheard)
    }
}

fn wall_ms() -> u64 {
    let since = zk_client::simulation::wall_time().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// An item that is not to be taken before some time, which stands in it; and that time, in ms since
/// the epoch.
pub(crate) fn with_due(item: &str) -> (String, u64) {
    let due_ms = wall_ms() + fastrand::u64(..3000);
    (format!("{item}@{due_ms}"), due_ms)
}

/// Whether the time of an item has come.
pub(crate) fn is_due(item: &str) -> Result<(), String> {
    let due_ms = item.split_once('@').and_then(|(_, due_ms)| due_ms.parse::<u64>().ok());
    match due_ms {
        Some(due_ms) if wall_ms() < due_ms => Err(format!("{item} was taken before its time")),
        _ => Ok(()),
    }
}

/// The name of an item, whatever else stands in it.
fn name(item: &str) -> &str {
    item.split_once('@').map_or(item, |(name, _)| name)
}

/// Lets three processes pass items on to each other.
pub(crate) fn pass_on(world: &Arc<World>, open: Open) {
    pass_on_leaving(world, open, &["/queues", PATH, "/queues/mail-claims"]);
}

/// As [`pass_on`], for queues that leave these nodes behind.
pub(crate) fn pass_on_leaving(world: &Arc<World>, open: Open, left: &[&'static str]) {
    let items = Arc::new(Mutex::new(Items { producers: 3, ..Items::default() }));
    let book = Book { items, over: watch::Sender::new(false) };
    world.watch_over(NothingLeft::but(left.iter().copied()));
    for _ in 0..3 {
        let book = book.clone();
        world.start(move |process| {
            let client = process.client();
            process.work(produce(process.clone(), open(&client), book.clone()));
            process.work(consume(process.clone(), client.clone(), open(&client), book.clone()));
            if process.id().number == 0 {
                process.work(supervise(process.clone(), open(&client), book.clone()));
            }
            process.keep(client);
        });
    }
}

async fn produce(process: Process, pipe: Arc<dyn Pipe>, book: Book) -> Result<(), String> {
    let mut rng = process.rng();
    let own = process.id().number;
    loop {
        process.idle(rng.u64(1..1000)).await;
        let next = {
            let mut items = book.items.lock().unwrap();
            let next = items.next.entry(own).or_default();
            *next += 1;
            *next
        };
        if next > ITEMS {
            // A process that crashed in between does not count twice.
            if next == ITEMS + 1 {
                book.items.lock().unwrap().producers -= 1;
            }
            return Ok(());
        }
        let item = format!("item-{own}-{next}");
        book.items.lock().unwrap().items.insert(item.clone(), (false, 0));
        let polls = if rng.u8(..8) == 0 { rng.usize(1..8) } else { usize::MAX };
        match process.abandon(polls, pipe.put(item.clone())).await {
            Ok(Ok(())) => {
                if let Some((put, _)) = book.items.lock().unwrap().items.get_mut(&item) {
                    *put = true;
                }
            }
            Err(_) => {}
            Ok(Err(error)) if may_pass(&error) => {}
            Ok(Err(error)) => return Err(format!("putting failed: {error}")),
        }
    }
}

async fn consume(
    process: Process,
    client: Client,
    pipe: Arc<dyn Pipe>,
    book: Book,
) -> Result<(), String> {
    let mut rng = process.rng();
    let mut over = book.over.subscribe();
    while !*over.borrow_and_update() {
        let polls = if rng.u8(..8) == 0 { rng.usize(1..20) } else { usize::MAX };
        let session = client.session_id();
        let working = pipe.work_on_one(process.clone(), book.clone());
        let worked = tokio::select! {
            biased;
            _ = over.changed() => return Ok(()),
            worked = process.abandon(polls, working) => worked,
        };
        match worked {
            Ok(Ok(())) => {}
            Err(_) if pipe.takes_for_good() => book.abandoned(&client, session),
            Err(_) => {}
            Ok(Err(error)) if may_pass(&error) => {
                if error.is_outcome_unknown() {
                    book.one_may_be_lost();
                }
            }
            Ok(Err(error)) => return Err(format!("taking failed: {error}")),
        }
        process.idle(rng.u64(1..300)).await;
    }
    Ok(())
}

/// Waits until all that was put has been done with, and sends everybody home.
async fn supervise(process: Process, pipe: Arc<dyn Pipe>, book: Book) -> Result<(), String> {
    loop {
        process.idle(500).await;
        if book.items.lock().unwrap().producers > 0 {
            continue;
        }
        let Ok(0) = pipe.count().await else { continue };
        // An item that was taken may be on its way to who has asked for it, who may be paused or cut
        // off for a while yet.
        process.idle(60_000).await;
        let Ok(0) = pipe.count().await else { continue };
        let (missing, lost) = book.missing();
        if missing.len() > lost {
            return Err(format!("lost without a word: {missing:?}, {lost} with one"));
        }
        book.over.send_replace(true);
        return Ok(());
    }
}
