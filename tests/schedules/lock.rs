//! `Lock`: one holder, tokens that grow, nobody forgotten, nothing left.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, Lock, LockGuard};

use crate::run::{Scenario, explore, play};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

struct RealLock;

impl Mutex for RealLock {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            let builder = Lock::builder(PATH);
            let guard = match how {
                How::Wait => Some(builder.acquire(&client).await?),
                How::WaitAtMost(limit) => Some(builder.timeout(limit).acquire(&client).await?),
                How::Try => builder.try_acquire(&client).await?,
            };
            Ok(guard.map(|guard| Box::new(guard) as Box<dyn Guard>))
        })
    }
}

impl Guard for LockGuard {
    fn is_held(&self) -> bool {
        self.is_held()
    }

    fn token(&self) -> i64 {
        self.fencing_token().into()
    }

    fn path(&self) -> String {
        self.path().to_owned()
    }

    fn session(&self) -> SessionId {
        self.session_id()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).release().await.map(drop) })
    }
}

fn begin(world: &Arc<World>) {
    contend(world, RealLock, 3);
}

const LOCK: Scenario =
    Scenario { name: "lock", processes: 3, allowed: Allowed { crashes: true, kills: true }, begin };

#[test]
fn there_is_one_holder_whatever_happens() {
    explore(&LOCK);
}

#[test]
fn a_seed_is_the_same_schedule_each_time() {
    for seed in 1..=20 {
        let (one, other) = (play(&LOCK, seed, false), play(&LOCK, seed, true));
        assert_eq!(one.fingerprint, other.fingerprint, "seed {seed}");
        assert!(one.events > 100, "seed {seed}: {one:?}");
    }
}
