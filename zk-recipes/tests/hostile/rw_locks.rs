//! One read-write lock, many readers and writers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use zk_client::{CreateMode, Error};
use zk_recipes::{Error as RecipeError, FencingToken, ReadGuard, Result, RwLock, WriteGuard};

use super::{World, hand_overs, soon};

const PATH: &str = "/locks/rw";
const RESOURCE: &str = "/resource";

/// Who is in.
#[derive(Debug, Default)]
struct Inside {
    readers: usize,
    writer: Option<FencingToken>,
    last: Option<FencingToken>,
}

/// What the contenders of one run have in common.
struct Run {
    world: World,
    kazoo: bool,
    entries: AtomicUsize,
    wanted: usize,
    /// Whether sessions end, so that holding in this process is no proof.
    expiring: bool,
    inside: Mutex<Inside>,
    /// Tokens by the zxid of the write that the server took under their lock.
    writes: Mutex<BTreeMap<i64, FencingToken>>,
}

impl Run {
    fn is_done(&self) -> bool {
        self.entries.load(Ordering::Relaxed) >= self.wanted
    }

    fn check(&self, change: impl FnOnce(&mut Inside)) {
        if !self.expiring {
            change(&mut self.inside.lock().unwrap());
        }
    }

    fn read(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.check(|inside| {
            assert_eq!(inside.writer, None, "a reader comes in while a writer is inside");
            inside.readers += 1;
        });
    }

    fn write(&self, token: FencingToken) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.check(|inside| {
            assert!(inside.readers == 0 && inside.writer.is_none(), "{token} in with {inside:?}");
            assert!(inside.last < Some(token), "{token} comes after {:?}", inside.last);
            (inside.writer, inside.last) = (Some(token), Some(token));
        });
    }

    fn downgrade(&self) {
        self.check(|inside| {
            inside.writer = None;
            inside.readers += 1;
        });
    }

    fn leave(&self) {
        self.check(|inside| match inside.writer.take() {
            Some(_) => {}
            None => inside.readers -= 1,
        });
    }

    /// Writes in the name of the lock.
    async fn note(&self, guard: &WriteGuard) {
        let token = guard.fencing_token();
        match soon("a write", guard.writes().set(RESOURCE, token.to_string().as_bytes())).await {
            Ok(stat) => drop(self.writes.lock().unwrap().insert(stat.mzxid.0, token)),
            Err(Error::GuardFailed { .. } | Error::SessionExpired) => {
                assert!(self.expiring, "the lock is gone although no session ended");
            }
            Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
        }
    }

    fn lock(&self, number: usize) -> RwLock {
        let client = self.world.client(number);
        if self.kazoo { RwLock::kazoo(&client, PATH) } else { RwLock::new(&client, PATH) }
    }

    async fn one_reader(&self, lock: &RwLock, rng: &mut Rng) -> Result<()> {
        let guard = match rng.u8(..6) {
            0 => soon("a try", lock.try_read()).await?,
            1 => {
                let limit = Duration::from_micros(rng.u64(..20_000));
                lock.clone().timeout(limit).read().await.ok()
            }
            _ => Some(soon("reading", lock.read()).await?),
        };
        let Some(guard) = guard else { return Ok(()) };
        self.read();
        self.leave_as_reader(guard, rng).await
    }

    async fn leave_as_reader(&self, guard: ReadGuard, rng: &mut Rng) -> Result<()> {
        tokio::task::yield_now().await;
        self.leave();
        if rng.bool() {
            soon("the release", guard.release()).await?;
        }
        Ok(())
    }

    async fn one_writer(&self, lock: &RwLock, rng: &mut Rng) -> Result<()> {
        let guard = match rng.u8(..6) {
            0 => soon("a try", lock.try_write()).await?,
            _ => Some(soon("writing", lock.write()).await?),
        };
        let Some(guard) = guard else { return Ok(()) };
        self.write(guard.fencing_token());
        if rng.u8(..3) == 0 {
            self.note(&guard).await;
        }
        if self.expiring && rng.u8(..20) == 0 {
            self.world.expire(rng.usize(..3));
        }
        self.downgrade_or_leave(guard, rng).await
    }

    async fn downgrade_or_leave(&self, guard: WriteGuard, rng: &mut Rng) -> Result<()> {
        if rng.bool() {
            self.leave();
            return if rng.bool() { guard.release().await.map(drop) } else { Ok(()) };
        }
        self.downgrade();
        if rng.u8(..4) == 0 {
            // Gives up in the middle.
            self.leave();
            let limit = Duration::from_micros(rng.u64(..5_000));
            let _ = tokio::time::timeout(limit, guard.downgrade()).await;
            return Ok(());
        }
        match soon("the downgrade", guard.downgrade()).await {
            Ok(guard) => self.leave_as_reader(guard, rng).await,
            Err(RecipeError::NotHeld { .. }) if self.expiring => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn contend(self: Arc<Self>, number: usize, mut rng: Rng) {
        let lock = self.lock(number);
        while !self.is_done() {
            let served = if rng.u8(..3) == 0 {
                self.one_writer(&lock, &mut rng).await
            } else {
                self.one_reader(&lock, &mut rng).await
            };
            served.unwrap();
        }
    }
}

async fn run(wanted: usize, seed: u64, expiring: bool, kazoo: bool) {
    let world = World::new(seed, 3).await;
    world.control.create(RESOURCE, b"", CreateMode::Persistent).await.unwrap();
    let run = Arc::new(Run {
        world,
        kazoo,
        entries: AtomicUsize::new(0),
        wanted,
        expiring,
        inside: Mutex::default(),
        writes: Mutex::default(),
    });
    let contenders = (0..15).map(|number| {
        let rng = Rng::with_seed(seed * 1000 + number as u64);
        tokio::spawn(Arc::clone(&run).contend(number, rng))
    });
    for contender in contenders.collect::<Vec<_>>() {
        contender.await.unwrap();
    }
    run.world.network.mend();
    run.world.no_orphans(PATH).await;
    let writes = run.writes.lock().unwrap();
    assert!(writes.values().is_sorted(), "an older writer wrote after a newer one");
    eprintln!(
        "{} entries, {} writes, {} cuts",
        run.entries.load(Ordering::Relaxed),
        writes.len(),
        run.world.network.cuts()
    );
}

#[tokio::test]
async fn under_cuts_a_writer_is_never_in_with_anybody_and_nothing_stays_behind() {
    run(150, 11, false, false).await;
    run(150, 12, false, true).await;
}

#[tokio::test]
async fn under_cuts_and_expiry_no_older_writer_writes_after_a_newer_one() {
    run(150, 13, true, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: thousands of entries"]
async fn endurance_of_read_write_locks() {
    for kazoo in [false, true] {
        run(hand_overs(), 14, false, kazoo).await;
        run(hand_overs(), 15, true, kazoo).await;
    }
}
