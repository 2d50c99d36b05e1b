//! Several locks at once, or none.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::MultiLock;
//!
//! let accounts = MultiLock::new(&client, ["/locks/account-7", "/locks/account-3"]);
//! let guard = accounts.acquire().await?;
//! tokio::select! {
//!     reason = guard.lost() => println!("stop: {reason}"),
//!     () = transfer() => {}
//! }
//! guard.release().await?;
//! # Ok(()) }
//! # async fn transfer() {}
//! ```
//!
//! # Znodes
//!
//! Those of each [`Lock`](crate::lock): contenders of single locks, and Curator's
//! `InterProcessMultiLock`, stand in the same lines.
//!
//! # What it guarantees
//!
//! - The locks are taken in the order of their paths, whatever the order they were given in: callers
//!   with the same paths cannot wait for each other in a circle.
//! - All or none: when one cannot be had, or one is lost while another is waited for, those taken
//!   before are given back, in reverse.
//! - One limit of time for all of them together.
//! - The [`MultiLockGuard`] is lost as soon as any of its locks is.
//!
//! # What it does not
//!
//! Order helps among those who keep to it: a Curator that takes the same locks in another order can
//! wait for this one in a circle, so give both a timeout. Each lock is a lease, as its
//! [own page](crate::lock#what-it-does-not) says.
//!
//! # When things go wrong
//!
//! | what happens | a waiter | a holder |
//! | --- | --- | --- |
//! | connection breaks | stays in line, holds what it has | unsure, still held |
//! | session expires | starts over with the first lock, in the next session | lost |
//! | one of the locks it has is lost | gives all back, starts over with the first | lost |
//! | its node in a line is deleted | gets in line there again | lost |
//! | no right to one of the paths | gives all back, fails | - |
//! | future or guard dropped | all nodes deleted in the background | the same |
//! | client closed | `Error::Client(Closed)` | lost |
//!
//! # Cost
//!
//! What each of the locks costs, one after the other: a round trip each if they are free. They are
//! given back in one round trip.

mod guard;

pub use guard::MultiLockGuard;

use std::time::Duration;

use zk_client::Client;

use crate::contest::LostReason;
use crate::error::{Error, Result};
use crate::lock::{Lock, LockBuilder, LockGuard};
use crate::runtime::{self, Pauses};

/// Several locks that are taken together. A cheap handle. See the [module](self).
#[derive(Clone, Debug)]
#[must_use = "a lock does nothing until somebody acquires"]
pub struct MultiLock {
    client: Client,
    /// In the order of their paths, each path once.
    locks: Vec<LockBuilder>,
    timeout: Option<Duration>,
}

impl MultiLock {
    /// The locks at `paths`.
    pub fn new(client: &Client, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::of(client, paths.into_iter().map(Lock::builder))
    }

    /// The given locks, each with its options. Of those with the same path the first one counts;
    /// their own timeouts play no part.
    pub fn of(client: &Client, locks: impl IntoIterator<Item = LockBuilder>) -> Self {
        let mut locks: Vec<LockBuilder> = locks.into_iter().collect();
        locks.sort_by(|one, other| one.path().cmp(other.path()));
        locks.dedup_by(|one, other| one.path() == other.path());
        Self { client: client.clone(), locks, timeout: None }
    }

    /// The longest wait of [`acquire`](Self::acquire) for all locks together, which then gives back
    /// what it has and fails with [`Error::TimedOut`]. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Waits for all locks. Cancel-safe: dropped, all is given back in the background.
    pub async fn acquire(&self) -> Result<MultiLockGuard> {
        let Some(limit) = self.timeout else { return self.win().await };
        match runtime::within(limit, self.win()).await {
            Some(guard) => guard,
            None => Err(Error::TimedOut { path: self.paths(), after: limit }),
        }
    }

    /// Takes all locks if each of them is free, else `None` and none of them.
    pub async fn try_acquire(&self) -> Result<Option<MultiLockGuard>> {
        let mut taken = MultiLockGuard::empty();
        for lock in &self.locks {
            let Some(next) = lock.try_acquire(&self.client).await? else {
                taken.release().await?;
                return Ok(None);
            };
            taken.push(next);
        }
        // Lost meanwhile: somebody else may have it by now.
        Ok(taken.is_held().then_some(taken))
    }

    async fn win(&self) -> Result<MultiLockGuard> {
        let mut pauses = Pauses::new();
        loop {
            match self.take_all().await? {
                Ok(guard) => return Ok(guard),
                Err(LostReason::NodeDeleted | LostReason::Suspended) => {}
                Err(_) => {
                    for lock in &self.locks {
                        lock.contest(&self.client).start_over()?;
                    }
                }
            }
            pauses.pause().await;
        }
    }

    /// Takes one lock after the other, unless one that was taken is lost again.
    async fn take_all(&self) -> Result<Result<MultiLockGuard, LostReason>> {
        let mut taken = MultiLockGuard::empty();
        for lock in &self.locks {
            let contest = lock.contest(&self.client);
            let next = tokio::select! {
                biased;
                next = contest.win() => next?,
                reason = taken.lost() => return Ok(Err(reason)),
            };
            taken.push(LockGuard::new(next));
        }
        match taken.lost_reason() {
            Some(reason) => Ok(Err(reason)),
            None => Ok(Ok(taken)),
        }
    }

    /// The paths, for people.
    fn paths(&self) -> String {
        let paths: Vec<&str> = self.locks.iter().map(LockBuilder::path).collect();
        paths.join(", ")
    }
}
