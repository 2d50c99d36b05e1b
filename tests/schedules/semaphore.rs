//! `Semaphore`: so many and no more.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, Semaphore, SemaphoreLease};

use crate::run::{ALIKE, LONG, Scenario, explore_one_in};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend, contend_leaving};
use crate::world::{Allowed, World};

const LIMIT: usize = 2;

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

/// Of one layout or the other.
struct RealSemaphore(fn(&Client, &str, usize) -> Semaphore);

impl Mutex for RealSemaphore {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let semaphore = (self.0)(client, PATH, LIMIT);
        Box::pin(async move {
            let lease = match how {
                How::Wait => Some(semaphore.acquire().await?),
                How::WaitAtMost(limit) => Some(semaphore.timeout(limit).acquire().await?),
                How::Try => semaphore.try_acquire().await?,
            };
            Ok(lease.map(|lease| Box::new(lease) as Box<dyn Guard>))
        })
    }
}

fn curator(client: &Client, path: &str, limit: usize) -> Semaphore {
    Semaphore::new(client, path, limit)
}

fn kazoo(client: &Client, path: &str, limit: usize) -> Semaphore {
    Semaphore::kazoo(client, path, limit)
}

impl Guard for SemaphoreLease {
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
        LIMIT
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

#[test]
fn no_more_hold_than_may_whatever_happens() {
    let begin = |world: &Arc<World>| contend(world, RealSemaphore(curator), 3);
    let scenario = Scenario {
        name: "semaphore::no_more_hold_than_may_whatever",
        processes: 3,
        allowed: ALLOWED,
        begin,
    };
    explore_one_in(LONG, &scenario);
}

/// As kazoo itself does, it leaves its two directories, which are no containers.
#[test]
fn no_more_hold_than_may_in_the_layout_of_kazoo() {
    const LEFT: [&str; 3] = ["/locks", PATH, "/locks/one-__lock__"];
    let begin = |world: &Arc<World>| contend_leaving(world, RealSemaphore(kazoo), 3, &LEFT);
    let name = "semaphore::no_more_hold_than_may_in";
    explore_one_in(ALIKE, &Scenario { name, processes: 3, allowed: ALLOWED, begin });
}
