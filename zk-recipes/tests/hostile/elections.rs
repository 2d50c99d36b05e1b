//! One election, many who stand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use zk_recipes::{FencingToken, LeaderLatch};

use super::{World, soon};

const PATH: &str = "/election";

struct Run {
    world: World,
    terms: AtomicUsize,
    wanted: usize,
    leading: Mutex<Option<FencingToken>>,
    last: Mutex<Option<FencingToken>>,
}

impl Run {
    async fn stand(self: Arc<Self>, number: usize, mut rng: Rng) {
        let client = self.world.client(number);
        let mut latch = Some(start(&client, number).await);
        while self.terms.load(Ordering::Relaxed) < self.wanted {
            let participant = latch.take().unwrap();
            let leadership = soon("a term", participant.lead()).await.unwrap();
            let token = leadership.fencing_token();
            let before = self.leading.lock().unwrap().replace(token);
            assert_eq!(before, None, "{token} leads beside another");
            let last = self.last.lock().unwrap().replace(token);
            assert!(last < Some(token), "{token} comes after {last:?}");
            self.terms.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            assert_eq!(self.leading.lock().unwrap().take(), Some(token));
            match rng.u8(..4) {
                0 => drop(leadership),
                1 => drop(soon("the resignation", participant.resign()).await.unwrap()),
                2 => {
                    soon("the close", participant.close()).await.unwrap();
                    latch = Some(start(&client, number).await);
                    continue;
                }
                _ => {
                    drop(participant);
                    latch = Some(start(&client, number).await);
                    continue;
                }
            }
            latch = Some(participant);
        }
    }
}

async fn start(client: &zk_client::Client, number: usize) -> LeaderLatch {
    let id = format!("p{number}");
    soon("the start", LeaderLatch::start(client, PATH, &id)).await.unwrap()
}

async fn run(wanted: usize, seed: u64) {
    let run = Arc::new(Run {
        world: World::new(seed, 3).await,
        terms: AtomicUsize::new(0),
        wanted,
        leading: Mutex::default(),
        last: Mutex::default(),
    });
    let standing = (0..12).map(|number| {
        let rng = Rng::with_seed(seed * 1000 + number as u64);
        tokio::spawn(Arc::clone(&run).stand(number, rng))
    });
    for participant in standing.collect::<Vec<_>>() {
        participant.await.unwrap();
    }
    run.world.network.mend();
    run.world.no_orphans(PATH).await;
    eprintln!("{} terms, {} cuts", run.terms.load(Ordering::Relaxed), run.world.network.cuts());
}

#[tokio::test]
async fn under_cuts_nobody_leads_beside_another_and_nothing_stays_behind() {
    run(80, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: thousands of terms"]
async fn endurance_of_elections() {
    run(2000, 2).await;
}
