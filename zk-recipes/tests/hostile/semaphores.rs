//! A few leases, many who want them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use zk_recipes::{Semaphore, SemaphoreLease};

use super::{World, hand_overs, soon};

const PATH: &str = "/limits/x";
const LIMIT: usize = 3;

/// What the contenders of one run have in common.
struct Run {
    world: World,
    hand_overs: AtomicUsize,
    wanted: usize,
    /// Whether sessions end, so that holding in this process is no proof.
    expiring: bool,
    kazoo: bool,
    inside: AtomicUsize,
}

impl Run {
    fn is_done(&self) -> bool {
        self.hand_overs.load(Ordering::Relaxed) >= self.wanted
    }

    fn enter(&self, leases: usize) {
        let inside = self.inside.fetch_add(leases, Ordering::SeqCst) + leases;
        assert!(self.expiring || inside <= LIMIT, "{inside} of {LIMIT} leases are held");
    }

    fn leave(&self, leases: usize) {
        self.inside.fetch_sub(leases, Ordering::SeqCst);
    }

    fn semaphore(&self, number: usize) -> Semaphore {
        let client = self.world.client(number);
        if self.kazoo {
            Semaphore::kazoo(&client, PATH, LIMIT)
        } else {
            Semaphore::new(&client, PATH, LIMIT)
        }
    }

    async fn contend(self: Arc<Self>, number: usize, mut rng: Rng) {
        let semaphore = self.semaphore(number);
        while !self.is_done() {
            let wanted = rng.usize(1..=LIMIT);
            let leases: Option<Vec<SemaphoreLease>> = match rng.u8(..10) {
                0 => soon("a try", semaphore.try_acquire_many(wanted)).await.unwrap(),
                1 => {
                    let limit = Duration::from_micros(rng.u64(..20_000));
                    semaphore.clone().timeout(limit).acquire_many(wanted).await.ok()
                }
                _ => Some(soon("leases", semaphore.acquire_many(wanted)).await.unwrap()),
            };
            let Some(leases) = leases else { continue };
            assert_eq!(leases.len(), wanted);
            self.enter(wanted);
            self.hand_overs.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if self.expiring && rng.u8(..30) == 0 {
                self.world.expire(rng.usize(..3));
            }
            self.leave(wanted);
            if rng.bool() {
                drop(leases);
            } else {
                for lease in leases {
                    soon("a release", lease.release()).await.unwrap();
                }
            }
        }
    }
}

async fn run(wanted: usize, seed: u64, expiring: bool, kazoo: bool) {
    let world = World::new(seed, 3).await;
    let (hand_overs, inside) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = Arc::new(Run { world, hand_overs, wanted, expiring, kazoo, inside });
    let contenders = (0..12).map(|number| {
        let rng = Rng::with_seed(seed * 1000 + number as u64);
        tokio::spawn(Arc::clone(&run).contend(number, rng))
    });
    for contender in contenders.collect::<Vec<_>>() {
        contender.await.unwrap();
    }
    run.world.network.mend();
    let directories = if kazoo {
        [PATH.to_owned(), format!("{PATH}-__lock__")]
    } else {
        [format!("{PATH}/leases"), format!("{PATH}/locks")]
    };
    for directory in directories {
        run.world.no_orphans(&directory).await;
    }
    let (hand_overs, cuts) = (run.hand_overs.load(Ordering::Relaxed), run.world.network.cuts());
    eprintln!("{hand_overs} hand-overs, {cuts} cuts");
}

#[tokio::test]
async fn under_cuts_no_more_than_the_limit_are_held_and_nothing_stays_behind() {
    run(120, 11, false, false).await;
    run(120, 12, false, true).await;
}

#[tokio::test]
async fn under_cuts_and_expiry_nobody_waits_for_ever_and_nothing_stays_behind() {
    run(120, 13, true, false).await;
    run(120, 14, true, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: thousands of hand-overs"]
async fn endurance_of_semaphores() {
    run(hand_overs(), 15, false, false).await;
    run(hand_overs(), 16, true, true).await;
}
