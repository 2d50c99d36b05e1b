//! One lock, many contenders.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use zk_client::{CreateMode, Error};
use zk_recipes::{FencingToken, Lock, LockGuard};

use super::{World, hand_overs, soon};

const PATH: &str = "/locks/x";
const RESOURCE: &str = "/resource";

/// What the contenders of one run have in common.
struct Run {
    world: World,
    hand_overs: AtomicUsize,
    wanted: usize,
    /// Whether sessions end, so that holding in this process is no proof.
    expiring: bool,
    inside: Mutex<Option<FencingToken>>,
    last: Mutex<Option<FencingToken>>,
    /// Tokens by the zxid of the write that the server took under their lock.
    writes: Mutex<BTreeMap<i64, FencingToken>>,
}

impl Run {
    fn is_done(&self) -> bool {
        self.hand_overs.load(Ordering::Relaxed) >= self.wanted
    }

    fn enter(&self, token: FencingToken) {
        if self.expiring {
            return;
        }
        let inside = self.inside.lock().unwrap().replace(token);
        assert_eq!(inside, None, "{token} comes in while another holder is inside");
        // The token is the zxid of the holder's node: growing means first come, first served.
        let last = self.last.lock().unwrap().replace(token);
        assert!(last < Some(token), "{token} comes after {last:?}");
    }

    fn leave(&self, token: FencingToken) {
        if !self.expiring {
            assert_eq!(self.inside.lock().unwrap().take(), Some(token));
        }
    }

    /// Writes in the name of the lock, as it stands in its documentation.
    async fn write(&self, guard: &LockGuard) {
        let token = guard.fencing_token();
        let data = token.to_string();
        match soon("a write under the lock", guard.writes().set(RESOURCE, data.as_bytes())).await {
            Ok(stat) => {
                self.writes.lock().unwrap().insert(stat.mzxid.0, token);
            }
            Err(Error::GuardFailed { .. } | Error::SessionExpired) => {
                assert!(self.expiring, "the lock is gone although no session ended");
            }
            Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
        }
    }

    async fn contend(self: Arc<Self>, number: usize, mut rng: Rng) {
        let client = self.world.client(number);
        while !self.is_done() {
            let guard = match rng.u8(..10) {
                0 => soon("a try", Lock::try_acquire(&client, PATH)).await.unwrap(),
                1 => {
                    let limit = Duration::from_micros(rng.u64(..20_000));
                    Lock::acquire_timeout(&client, PATH, limit).await.ok()
                }
                _ => Some(soon("the lock", Lock::acquire(&client, PATH)).await.unwrap()),
            };
            let Some(guard) = guard else { continue };
            let token = guard.fencing_token();
            self.enter(token);
            self.hand_overs.fetch_add(1, Ordering::Relaxed);
            if rng.u8(..4) == 0 {
                self.write(&guard).await;
            }
            if self.expiring && rng.u8(..30) == 0 {
                self.world.expire(rng.usize(..3));
            }
            self.leave(token);
            if rng.bool() {
                drop(guard);
            } else {
                soon("the release", guard.release()).await.unwrap();
            }
        }
    }
}

async fn run(wanted: usize, seed: u64, expiring: bool) {
    let world = World::new(seed, 3).await;
    world.control.create(RESOURCE, b"", CreateMode::Persistent).await.unwrap();
    let run = Arc::new(Run {
        world,
        hand_overs: AtomicUsize::new(0),
        wanted,
        expiring,
        inside: Mutex::default(),
        last: Mutex::default(),
        writes: Mutex::default(),
    });
    let contenders = (0..20).map(|number| {
        let rng = Rng::with_seed(seed * 1000 + number as u64);
        tokio::spawn(Arc::clone(&run).contend(number, rng))
    });
    for contender in contenders.collect::<Vec<_>>() {
        contender.await.unwrap();
    }
    run.world.network.mend();
    run.world.no_orphans(PATH).await;
    let writes = run.writes.lock().unwrap();
    assert!(writes.len() > wanted / 20);
    assert!(writes.values().is_sorted(), "an older holder wrote after a newer one");
    eprintln!(
        "{} hand-overs, {} writes, {} cuts",
        run.hand_overs.load(Ordering::Relaxed),
        writes.len(),
        run.world.network.cuts()
    );
}

#[tokio::test]
async fn under_cuts_nobody_holds_beside_another_and_nothing_stays_behind() {
    run(150, 1, false).await;
}

#[tokio::test]
async fn under_cuts_and_expiry_no_older_holder_writes_after_a_newer_one() {
    run(150, 2, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: thousands of hand-overs"]
async fn endurance_of_locks() {
    run(hand_overs(), 3, false).await;
    run(hand_overs(), 4, true).await;
}
