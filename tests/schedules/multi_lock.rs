//! `MultiLock`: all of them or none, and nobody waits in a circle.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, LockGuard, MultiLock, MultiLockGuard};

use crate::run::{LONG, Scenario, explore_one_in};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

struct Both;

impl Mutex for Both {
    fn acquire(&self, client: &Client, how: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let mut paths = [PATH, "/locks/two"];
        if fastrand::bool() {
            paths.reverse();
        }
        let lock = MultiLock::new(client, paths);
        Box::pin(async move {
            let guard = match how {
                How::Wait => Some(lock.acquire().await?),
                How::WaitAtMost(limit) => Some(lock.timeout(limit).acquire().await?),
                How::Try => lock.try_acquire().await?,
            };
            Ok(guard.map(|guard| Box::new(guard) as Box<dyn Guard>))
        })
    }
}

fn one(guard: &MultiLockGuard) -> &LockGuard {
    guard.get(PATH).expect("it was asked for")
}

impl Guard for MultiLockGuard {
    fn is_held(&self) -> bool {
        self.is_held()
    }

    fn token(&self) -> i64 {
        one(self).fencing_token().into()
    }

    fn path(&self) -> String {
        one(self).path().to_owned()
    }

    fn session(&self) -> SessionId {
        one(self).session_id()
    }

    fn lost(&self) -> Boxed<()> {
        let lost = self.lost();
        Box::pin(async move {
            lost.await;
        })
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async move { (*self).release().await })
    }
}

fn begin(world: &Arc<World>) {
    contend(world, Both, 3);
}

#[test]
fn two_locks_have_one_holder_whatever_happens() {
    let allowed = Allowed { crashes: true, kills: true };
    explore_one_in(LONG, &Scenario { name: "multi_lock", processes: 3, allowed, begin });
}
