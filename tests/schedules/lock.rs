//! `Lock`: one holder, tokens that grow, nobody forgotten, nothing left.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::lock::LockBuilder;
use zk_recipes::{Error, Lock, LockGuard, ReentrantGuard, ReentrantLock};

use crate::run::{ALIKE, Scenario, explore, explore_one_in, play, wanted};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend, contend_leaving};
use crate::world::{Allowed, World};

/// Of one layout or the other.
struct RealLock(fn(&'static str) -> LockBuilder);

impl Mutex for RealLock {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let (client, builder) = (client.clone(), (self.0)(PATH));
        Box::pin(async move {
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

/// Each worker is an owner of its own, and takes the lock twice.
struct Reentrant;

/// What one owner has of it.
struct Nested {
    outer: Option<ReentrantGuard>,
    inner: ReentrantGuard,
}

impl Mutex for Reentrant {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let lock = match how {
            How::WaitAtMost(limit) => ReentrantLock::of(client, Lock::builder(PATH).timeout(limit)),
            _ => ReentrantLock::new(client, PATH),
        };
        Box::pin(async move {
            let outer = match how {
                How::Try => match lock.try_acquire().await? {
                    Some(guard) => guard,
                    None => return Ok(None),
                },
                _ => lock.acquire().await?,
            };
            let inner = lock.clone().acquire().await?;
            // Where it was lost in between, the inner one is another one, and all there is.
            let outer = if inner.path() == outer.path() { Some(outer) } else { None };
            Ok(Some(Box::new(Nested { outer, inner }) as Box<dyn Guard>))
        })
    }
}

impl Guard for Nested {
    fn is_held(&self) -> bool {
        self.inner.is_held()
    }

    fn token(&self) -> i64 {
        self.inner.fencing_token().into()
    }

    fn path(&self) -> String {
        self.inner.path().to_owned()
    }

    fn session(&self) -> SessionId {
        self.inner.session_id()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.inner.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move {
            if let Some(outer) = self.outer {
                outer.release().await?;
            }
            self.inner.release().await.map(drop)
        })
    }
}

fn begin(world: &Arc<World>) {
    contend(world, RealLock(Lock::builder), 3);
}

const LOCK: Scenario =
    Scenario { name: "lock", processes: 3, allowed: Allowed { crashes: true, kills: true }, begin };

#[test]
fn there_is_one_holder_whatever_happens() {
    explore(&LOCK);
}

#[test]
fn a_seed_is_the_same_schedule_each_time() {
    let (count, _) = wanted();
    for seed in 1..=count.min(20) {
        let (one, other) = (play(&LOCK, seed, false), play(&LOCK, seed, true));
        assert_eq!(one.fingerprint, other.fingerprint, "seed {seed}");
        assert!(one.events > 100, "seed {seed}: {one:?}");
    }
}

/// As kazoo itself does, it leaves the directory, which is no container.
#[test]
fn there_is_one_holder_in_the_layout_of_kazoo() {
    let begin = |world: &Arc<World>| {
        contend_leaving(world, RealLock(Lock::kazoo), 3, &["/locks", PATH]);
    };
    explore_one_in(ALIKE, &Scenario { name: "lock::there_is_one_holder_in", begin, ..LOCK });
}

#[test]
fn an_owner_that_takes_it_twice_is_one_holder() {
    let begin = |world: &Arc<World>| contend(world, Reentrant, 3);
    explore_one_in(ALIKE, &Scenario { name: "lock::an_owner", begin, ..LOCK });
}
