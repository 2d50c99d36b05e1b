//! A lock that one process in a whole ensemble's world holds at a time.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::Lock;
//!
//! let guard = Lock::acquire(&client, "/locks/invoices").await?;
//! tokio::select! {
//!     reason = guard.lost() => println!("stop: {reason}"),
//!     () = write_invoices(guard.fencing_token()) => {}
//! }
//! guard.release().await?;
//! # Ok(()) }
//! # async fn write_invoices(token: zk_recipes::FencingToken) {}
//! ```
//!
//! # Znodes
//!
//! The path given is the directory (a container, made on demand). Each contender has one ephemeral
//! sequential child `_c_<uuid>-lock-<number>`; the lowest number holds. This is the layout of
//! Curator's `InterProcessMutex` and of Go's lock, and contenders of all three stand in one line.
//! Other children block nobody. Do not point other recipes at the same path.
//!
//! # What it guarantees
//!
//! - First come, first served, in the order in which the server created the nodes.
//! - While a [`LockGuard`] is held *and the session lives*, nobody else's is.
//! - A create whose reply is lost is found again or removed; a waiter or guard that is dropped at
//!   any point leaves no node behind for longer than the client needs to tell the server.
//!
//! # What it does not
//!
//! **A lock is a lease.** The server gives it away when it has not heard from the session for the
//! session timeout. A process that was paused (by the scheduler, a debugger, SIGSTOP) can wake up in
//! the middle of a write after that. [`LockGuard::is_held`] notices as soon as it is asked, but
//! nobody can ask and write in one step: pass [`LockGuard::fencing_token`] with every write to what
//! the lock protects, and have it refuse smaller tokens than it has seen. For writes to ZooKeeper
//! itself, begin a multi with a check of [`LockGuard::path`]. Where the whole machine sleeps (a
//! closed laptop, a suspended virtual machine) its monotonic clock may sleep too: after that only
//! the server's word or the token tells.
//!
//! Locks are not re-entrant: a second acquire waits for the first guard, also in the same task.
//!
//! # When things go wrong
//!
//! | what happens | a waiter | a holder |
//! | --- | --- | --- |
//! | connection breaks | stays in line | [`HoldState::Unsure`](crate::HoldState), still held |
//! | it comes back in time | looks at the line once | held again |
//! | session expires | starts over at the tail, in the next session | lost |
//! | no answer for the session timeout | keeps waiting | lost, without being told |
//! | own node deleted by somebody | starts over at the tail | lost |
//! | future or guard dropped | node deleted in the background | node deleted in the background |
//! | client closed | `Error::Client(Closed)` | lost |
//!
//! Lost is final: a guard never comes back, and a guard of an earlier session never passes as held.
//! If the runtime is gone before the client could tell the server, the session timeout frees the
//! lock.
//!
//! # Cost
//!
//! A free lock takes one round trip (a create with a list right behind it) and one to release. The
//! first time costs two more, to find out that there is no directory and to make it. Each wait adds
//! two: watching the predecessor, and looking at the line when it goes. A release wakes exactly one
//! waiter. The holder reads and watches its own node, off the caller's path.

mod builder;
mod guard;

pub use builder::LockBuilder;
pub use guard::LockGuard;

use std::time::Duration;

use zk_client::Client;

use crate::error::Result;

/// Takes locks. See the [module](self) for what that means.
#[derive(Debug)]
pub struct Lock;

impl Lock {
    /// Waits until the lock at `path` is this caller's.
    ///
    /// Without a limit: disconnects and expired sessions do not end the wait. Drop the future to
    /// give up.
    pub async fn acquire(client: &Client, path: &str) -> Result<LockGuard> {
        Self::builder(path).acquire(client).await
    }

    /// Takes the lock if nobody holds it or waits for it, else `None`.
    pub async fn try_acquire(client: &Client, path: &str) -> Result<Option<LockGuard>> {
        Self::builder(path).try_acquire(client).await
    }

    /// Waits for the lock, but no longer than `limit`: then
    /// [`Error::TimedOut`](crate::Error::TimedOut).
    pub async fn acquire_timeout(
        client: &Client,
        path: &str,
        limit: Duration,
    ) -> Result<LockGuard> {
        Self::builder(path).timeout(limit).acquire(client).await
    }

    /// Options for the lock at `path`.
    pub fn builder(path: impl Into<String>) -> LockBuilder {
        LockBuilder::new(path.into())
    }
}
