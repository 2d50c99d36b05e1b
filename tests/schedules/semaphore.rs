//! `Semaphore`: so many and no more.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, Semaphore, SemaphoreLease};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

const LIMIT: usize = 2;

struct RealSemaphore;

impl Mutex for RealSemaphore {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let semaphore = Semaphore::new(client, PATH, LIMIT);
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
    let begin = |world: &Arc<World>| contend(world, RealSemaphore, 3);
    let allowed = Allowed { crashes: true, kills: true };
    explore_one_in(LONG, &Scenario { name: "semaphore", processes: 3, allowed, begin });
}
