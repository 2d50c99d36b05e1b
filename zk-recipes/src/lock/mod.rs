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
//! [`Lock::kazoo`] writes `<32 hex>__lock__<number>`, as kazoo's `Lock` and `Election` do, and
//! stands in line with those. Its directory is no container, and stays behind: delete it when nobody
//! uses the lock any more. No name fits both layouts, so all who use one path must agree on one,
//! but for this: kazoo waits for others if it is given `extra_lock_patterns`, and so does
//! [`LockBuilder::extra_marks`]. A lock of Curator's layout with the extra mark `__lock__` and
//! kazoo's with the extra pattern `-lock-` exclude each other. Curator has nothing of the kind: it
//! takes kazoo's nodes for the last in line.
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
//! itself there is [`LockGuard::writes`]. Where the whole machine sleeps (a
//! closed laptop, a suspended virtual machine) its monotonic clock may sleep too: after that only
//! the server's word or the token tells.
//!
//! Locks are not re-entrant: a second acquire waits for the first guard, also in the same task.
//! [`ReentrantLock`] is.
//!
//! # Asking the holder to let go
//!
//! [`Lock::contenders`] tells who holds the lock, and [`Contender::revoke`] asks that one to release
//! it, as Curator's `Revoker` does: by writing `__REVOKE__` into its node. The holder hears of it by
//! [`LockGuard::revoke_requested`] (the word `unlock`, of ZooKeeper's page of recipes, will do as
//! well), and is free not to care.
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
//! waiter. Who holds for longer than 10 ms reads and watches its own node, off the caller's path;
//! that is also how it hears that it is asked to let go. Listing contenders takes two round trips.
//!
//! The line is looked at twice by each who waits, and the answer names all who wait: about 60 bytes
//! each, looked through in one pass and without a copy. With a thousand of them a hand-over costs
//! about one and a half times the CPU of one among two. The layout allows no fewer looks. That the
//! one before has gone does not say that it was first: it may have given up, or its session may have
//! ended, while others before it wait on. A name that was seen before one got in line proves nothing
//! until it is known to be gone, and no answer of ZooKeeper's but the list tells that of more than
//! one name at a time; the counters in the stat of the directory do not tell those who left before
//! from those who left behind. Whoever sees just one before it would be first when that one goes,
//! but to ask whether its own node is still there takes as long as to list.

mod builder;
pub(crate) mod contenders;
mod guard;
mod reentrant;

pub use builder::LockBuilder;
pub use contenders::Contender;
pub use guard::LockGuard;
pub use reentrant::{ReentrantGuard, ReentrantLock};

use std::time::Duration;

use zk_client::Client;

use crate::contest::revoke;
use crate::error::Result;
use crate::sequence::Mark;

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

    /// Who holds the lock at `path` and who waits for it: the holder first, then the others in the
    /// order in which they will get it. One who goes while it is being read is left out, so the
    /// first one is the holder only if it still was when its node was read.
    pub async fn contenders(client: &Client, path: &str) -> Result<Vec<Contender>> {
        Self::builder(path).contenders(client).await
    }

    /// Asks the holder or waiter whose node is at `node` (see [`Contender::path`]) to let go; false
    /// when it is gone already. Takes the right to write to that node.
    ///
    /// A holder hears of it by [`LockGuard::revoke_requested`], one who waits as soon as it holds.
    pub async fn revoke(client: &Client, node: &str) -> Result<bool> {
        revoke::ask_for(client, node).await
    }

    /// Options for the lock at `path`.
    pub fn builder(path: impl Into<String>) -> LockBuilder {
        LockBuilder::new(path.into(), Mark::LOCK)
    }

    /// The lock at `path` in the layout of kazoo's `Lock`. The directory is made to stay, since an
    /// object of kazoo's makes it once in its life, and fails for good if the server sweeps it away.
    pub fn kazoo(path: impl Into<String>) -> LockBuilder {
        LockBuilder::new(path.into(), Mark::KAZOO_LOCK)
    }
}
