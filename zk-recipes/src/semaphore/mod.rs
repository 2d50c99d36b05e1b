//! Leases of which there is a limited number: so many processes of an ensemble's world hold one at a
//! time.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::Semaphore;
//!
//! let converters = Semaphore::new(&client, "/limits/converters", 4);
//! let lease = converters.acquire().await?;
//! tokio::select! {
//!     reason = lease.lost() => println!("stop: {reason}"),
//!     () = convert() => {}
//! }
//! lease.release().await?;
//! # Ok(()) }
//! # async fn convert() {}
//! ```
//!
//! # Znodes
//!
//! | constructor | leases, ephemeral | the line of those who acquire | limit |
//! | --- | --- | --- | --- |
//! | [`new`](Semaphore::new) | `<path>/leases/_c_<uuid>-lease-<number>` | `<path>/locks`, as a [`Lock`](crate::Lock)'s | agreed on |
//! | [`mutex`](Semaphore::mutex) | the same | the same | 1 |
//! | [`shared_count`](Semaphore::shared_count) | the same | the same | a [`Counter::shared_count`](crate::Counter::shared_count), followed as it changes |
//! | [`kazoo`](Semaphore::kazoo) | `<path>/<32 hex>` | `<path>-__lock__`, as a kazoo lock's | the data of `<path>`, as decimal text |
//!
//! The first three are Curator's `InterProcessSemaphoreV2` and `InterProcessSemaphoreMutex`, the last
//! is kazoo's `Semaphore`; with those they share leases and line. *All* children of the directory of
//! leases count, so nothing else may be put there.
//!
//! Directories are containers, which the server removes when they are empty. Kazoo's two are not, and
//! stay behind, as they do with kazoo: a semaphore object of kazoo makes `<path>` once and fails with
//! `NoNodeError` from then on if it goes. Delete them when nobody uses the semaphore any more.
//!
//! # What it guarantees
//!
//! - Never more holders than the limit: a lease is created before the leases are counted, so every
//!   holder has seen a count within the limit that included its own. That does not hang on the turn
//!   being kept.
//! - First come, first served: whoever acquires stands in line, and the first one waits for leases
//!   to be free. Several leases are got together, or none.
//! - What a [`Lock`](crate::lock) guarantees of lost replies and dropped futures.
//!
//! # What it does not
//!
//! Each lease hangs on the session, as [a lock does](crate::lock#what-it-does-not). A limit that
//! shrinks takes no lease away, it only delays the next ones. What peers do on the same znodes is
//! theirs:
//!
//! - kazoo counts first and creates then, so a kazoo process that loses its lock in between exceeds
//!   the limit.
//! - Curator's `acquire(n)` takes one lease after the other and keeps what it has, so several who
//!   want more than one can wait for each other in a circle, among themselves or with
//!   [`acquire_many`](Semaphore::acquire_many): let only one kind of process ask for several.
//! - A Curator whose place in line is deleted while it waits keeps its lease there and goes on, so it
//!   and the next in line may hold each other up until one of them times out.
//!
//! # When things go wrong
//!
//! | what happens | a waiter | a holder |
//! | --- | --- | --- |
//! | connection breaks | keeps its turn and leases | [`HoldState::Unsure`](crate::HoldState), still held |
//! | it comes back in time | counts once | held again |
//! | session expires | starts over at the tail, in the next session | lost |
//! | no answer for the session timeout | starts over at the tail | lost, without being told |
//! | own lease deleted by somebody | starts over at the tail | lost |
//! | own node in the line deleted | gives its leases back, starts over at the tail | - |
//! | both directories deleted | starts over | lost |
//! | limit lowered | waits for more to go | nothing |
//! | node of the limit deleted | waits as if it were 0 (kazoo: writes its own) | nothing |
//! | future or lease dropped | nodes deleted in the background | node deleted in the background |
//! | client closed | `Error::Client(Closed)` | lost |
//!
//! Without the right to delete in the line's directory the turn stays with whoever had it first,
//! until its session ends; a warning is logged.
//!
//! # Cost
//!
//! A free lease takes two round trips, of two requests each: into the line, and the lease with a
//! count. The turn is given back in the background. Several leases take no more. A live limit is
//! read along with the count, kazoo's along with the first step; a [`try_acquire`](Semaphore::try_acquire)
//! looks once before it gets in line, and costs nothing more if all are taken. A waiter reads and watches
//! the leases each time they change while it is first in line, and only then: a lease that is given
//! back wakes one waiter.

mod acquire;
mod layout;
mod lease;
mod limit;

pub use lease::SemaphoreLease;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use zk_client::Client;

use self::layout::Layout;
use self::limit::Limit;
use crate::contest::{Held, Options};
use crate::error::{Error, Result};
use crate::lock::Contender;
use crate::lock::contenders;
use crate::options::NodeOptions;
use crate::runtime;

/// A limited number of leases. A cheap handle; each acquire stands in line by itself. See the
/// [module](self).
#[derive(Clone, Debug)]
#[must_use = "a semaphore does nothing until somebody acquires"]
pub struct Semaphore {
    client: Client,
    path: String,
    layout: Layout,
    limit: Limit,
    data: Bytes,
    options: Options,
    timeout: Option<Duration>,
}

impl Semaphore {
    /// The semaphore at `path` with `limit` leases. All who use it must agree on that number.
    pub fn new(client: &Client, path: &str, limit: usize) -> Self {
        Self::with(client, path, Layout::Curator, Limit::Fixed(limit))
    }

    /// The semaphore at `path` with as many leases as the
    /// [`Counter::shared_count`](crate::Counter::shared_count) at `count_path` says; none as long as
    /// there is no such node.
    pub fn shared_count(client: &Client, path: &str, count_path: &str) -> Self {
        Self::with(client, path, Layout::Curator, Limit::live(client, count_path))
    }

    /// The semaphore at `path` with one lease: Curator's `InterProcessSemaphoreMutex`. Do not take
    /// it for the [`Lock`](crate::Lock) of that path, whose znodes are others.
    pub fn mutex(client: &Client, path: &str) -> Self {
        Self::new(client, path, 1)
    }

    /// The semaphore at `path` in the layout of kazoo's `Semaphore`, with `limit` leases. If the
    /// node says another number, acquiring fails with [`Error::LimitMismatch`].
    pub fn kazoo(client: &Client, path: &str, limit: usize) -> Self {
        Self::with(client, path, Layout::Kazoo, Limit::Fixed(limit))
    }

    fn with(client: &Client, path: &str, layout: Layout, limit: Limit) -> Self {
        Self {
            client: client.clone(),
            path: path.to_owned(),
            layout,
            limit,
            data: Bytes::new(),
            options: Options::default(),
            timeout: None,
        }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options.nodes = options;
        self
    }

    /// The data of the own nodes, for people who look: a host name, say. Default: empty.
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// Whether a wait whose session ends starts over in the next session (default), or ends with
    /// [`Error::SessionLost`].
    pub fn across_sessions(mut self, across: bool) -> Self {
        self.options.across_sessions = across;
        self
    }

    /// Whether a lease is lost as soon as the connection breaks. Default: no, it is held until the
    /// session may be over.
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.options.let_go_when_suspended = let_go;
        self
    }

    /// The longest wait of [`acquire`](Self::acquire) and [`acquire_many`](Self::acquire_many),
    /// which then give up and fail with [`Error::TimedOut`]. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Waits for a lease. Cancel-safe: dropped, what was made for it is removed in the background.
    pub async fn acquire(&self) -> Result<SemaphoreLease> {
        loop {
            // One was asked for, so there is one.
            if let Some(lease) = self.acquire_many(1).await?.pop() {
                return Ok(lease);
            }
        }
    }

    /// Waits for `count` leases, and gets all or none. Cancel-safe, as [`acquire`](Self::acquire).
    ///
    /// More than a fixed limit are [`Error::TooManyLeases`]; a limit that may change is waited for.
    pub async fn acquire_many(&self, count: usize) -> Result<Vec<SemaphoreLease>> {
        self.check(count)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let leases = self.within_timeout(self.win(count)).await?;
        Ok(leases.into_iter().map(SemaphoreLease::new).collect())
    }

    /// Takes a lease if one is free, else `None`: never waits for one to be given back, only for
    /// those who acquire at the very moment. [`timeout`](Self::timeout) plays no part.
    pub async fn try_acquire(&self) -> Result<Option<SemaphoreLease>> {
        Ok(self.try_acquire_many(1).await?.and_then(|mut leases| leases.pop()))
    }

    /// Takes `count` leases if so many are free, else `None`. As [`try_acquire`](Self::try_acquire).
    pub async fn try_acquire_many(&self, count: usize) -> Result<Option<Vec<SemaphoreLease>>> {
        self.check(count)?;
        if count == 0 {
            return Ok(Some(Vec::new()));
        }
        let leases = self.try_win(count).await?;
        Ok(leases.map(|leases| leases.into_iter().map(SemaphoreLease::new).collect()))
    }

    /// Who holds leases, the longest-held first; also who waits for one and is first in line. A lease
    /// that goes while it is being read is left out.
    pub async fn leases(&self) -> Result<Vec<Contender>> {
        contenders::all(&self.client, &self.layout.leases(&self.path)).await
    }

    fn check(&self, wanted: usize) -> Result<()> {
        match self.limit {
            Limit::Fixed(limit) if wanted > limit => {
                Err(Error::TooManyLeases { path: self.path.clone(), wanted, limit })
            }
            _ => Ok(()),
        }
    }

    async fn within_timeout(
        &self,
        leases: impl Future<Output = Result<Vec<Held>>>,
    ) -> Result<Vec<Held>> {
        let Some(limit) = self.timeout else { return leases.await };
        match runtime::within(limit, leases).await {
            Some(leases) => leases,
            None => Err(Error::TimedOut { path: self.path.clone(), after: limit }),
        }
    }
}
