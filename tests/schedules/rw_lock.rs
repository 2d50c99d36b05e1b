//! `RwLock`: many readers or one writer.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, ReadGuard, RwLock, WriteGuard};

use crate::run::{ALIKE, LONG, Scenario, explore, explore_one_in};
use crate::scenario::crowding::{Sides, crowd};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend, contend_leaving};
use crate::world::{Allowed, World};

/// Reads, writes, or writes first and goes on reading, as it comes.
struct Either(fn(&Client, &str) -> RwLock);

impl Mutex for Either {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let lock = (self.0)(client, PATH);
        let lock = if let How::WaitAtMost(limit) = how { lock.timeout(limit) } else { lock };
        let only_try = matches!(how, How::Try);
        Box::pin(async move {
            if fastrand::bool() {
                let guard =
                    if only_try { lock.try_read().await? } else { Some(lock.read().await?) };
                return Ok(guard.map(|guard| Box::new(guard) as Box<dyn Guard>));
            }
            let guard = if only_try { lock.try_write().await? } else { Some(lock.write().await?) };
            let Some(guard) = guard else { return Ok(None) };
            if fastrand::u8(..3) > 0 {
                return Ok(Some(Box::new(guard)));
            }
            match guard.downgrade().await {
                Ok(guard) => Ok(Some(Box::new(guard))),
                // Lost since it was taken.
                Err(Error::NotHeld { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}

/// Their guards are alike, but for how many may have one.
macro_rules! guard {
    ($guard:ty, $limit:expr) => {
        impl Guard for $guard {
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

            fn limit(&self) -> usize {
                $limit
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
    };
}

guard!(ReadGuard, usize::MAX);
guard!(WriteGuard, 1);

/// A reader, or a writer.
struct OneOrTheOther;

impl Sides for OneOrTheOther {
    fn read(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>> {
        let lock = RwLock::new(client, PATH);
        Box::pin(async move { Ok(Box::new(lock.read().await?) as Box<dyn Guard>) })
    }

    fn write(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>> {
        let lock = RwLock::new(client, PATH);
        Box::pin(async move { Ok(Box::new(lock.write().await?) as Box<dyn Guard>) })
    }
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

#[test]
fn a_writer_is_alone_whatever_happens() {
    let begin = |world: &Arc<World>| contend(world, Either(RwLock::new), 3);
    explore(&Scenario { name: "rw_lock::a_writer_is", processes: 3, allowed: ALLOWED, begin });
}

/// As kazoo itself does, it leaves the directory, which is no container.
#[test]
fn a_writer_is_alone_in_the_layout_of_kazoo() {
    let begin = |world: &Arc<World>| {
        contend_leaving(world, Either(RwLock::kazoo), 3, &["/locks", PATH]);
    };
    let name = "rw_lock::a_writer_is_alone_in";
    explore_one_in(ALIKE, &Scenario { name, processes: 3, allowed: ALLOWED, begin });
}

#[test]
fn readers_who_never_end_let_a_writer_in() {
    let begin = |world: &Arc<World>| crowd(world, OneOrTheOther);
    explore_one_in(
        LONG,
        &Scenario { name: "rw_lock::readers", processes: 3, allowed: ALLOWED, begin },
    );
}
