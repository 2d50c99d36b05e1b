//! Rights for a time, which outlive the session of whoever got them.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use std::time::Duration;
//! use zk_recipes::Lease;
//!
//! let (duration, clock_skew) = (Duration::from_secs(3600), Duration::from_secs(5));
//! let nightly = Lease::new(&client, "/leases/nightly", "node-1", duration, clock_skew);
//! if let Some(lease) = nightly.try_acquire().await? {
//!     println!("mine for {:?}", lease.remaining());
//! }
//! # Ok(()) }
//! ```
//!
//! For work that somebody is to do once in a while, by a process that need not stay connected. Where
//! it can stay connected, a [`Lock`](crate::lock) is better: it is free as soon as its holder dies,
//! and needs no clock.
//!
//! # Znodes
//!
//! Those of kazoo's `NonBlockingLease`, with which it takes turns: the node `<path>/lease_holder`,
//! persistent, whose data is the JSON `{"version": 1, "holder": "node-1", "end":
//! "2026-01-31T23:59:59"}`, the end in UTC; and in `<path>` itself the contenders of a kazoo lock,
//! which is held while the lease is looked at. With [`slots`](Lease::slots), as kazoo's
//! `MultiNonBlockingLease`, the leases `<path>/0`, `<path>/1` and so on. Nodes stay; parents are
//! persistent unless they have to be there.
//!
//! # What it guarantees
//!
//! **As long as no two clocks differ by more than the skew given**, there is one holder at a time
//! (one a slot): another's lease is taken over only when it has ended by the own clock for so long,
//! and the own one counts as ended so long before it does. Tokens grow with each holder.
//!
//! # What it does not
//!
//! - A clock that is off by more breaks it, and nothing tells. A kazoo process allows for no skew at
//!   all; the bound covers it towards this library's holders, but not towards others of its kind.
//! - It is for a holder's *name*: whoever asks in the same name is granted it again, and the earlier
//!   [`LeaseGuard`] is [lost](LeaseGuard::lost).
//! - A process that is paused may wake up behind the end. Pass [`LeaseGuard::fencing_token`] along,
//!   as with a [lock](crate::lock#what-it-does-not).
//!
//! # When things go wrong
//!
//! | what happens | who asks | a holder |
//! | --- | --- | --- |
//! | connection breaks | waits for the next one | held until its end |
//! | session expires | starts over | held until its end |
//! | a reply is lost | looks again, and takes what it wrote for its own | - |
//! | `lease_holder` deleted or replaced | - | [lost](LeaseGuard::lost), if anybody waits for that |
//! | `lease_holder` is nonsense | [`Error::Malformed`] | - |
//! | `lease_holder` of another version | `None`, as in kazoo | - |
//! | future dropped | the lease may be granted all the same, and runs out | - |
//! | guard dropped | - | runs out |
//!
//! # Cost
//!
//! Three round trips to get it: into the line, a look, and one transaction with a read behind it;
//! two to find it taken. The turn is given back in the background.

mod guard;
mod record;

pub use guard::LeaseGuard;

use std::time::{Duration, Instant};

use zk_client::ops::Guarded;
use zk_client::{Client, CreateMode, Error as ClientError, Stat};

use self::record::Record;
use crate::asking::ask_in_session;
use crate::cleaner::is_passing;
use crate::contest::{Contest, Options, Standing};
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{self, Pauses};
use crate::sequence::Mark;

/// The name of the node that says who holds the lease.
const HOLDER: &str = "lease_holder";

/// What the format of the end cuts off.
const RESOLUTION: Duration = Duration::from_secs(1);

/// A right for a time, to be asked for in somebody's name. A cheap handle. See the
/// [module](self).
#[derive(Clone, Debug)]
#[must_use = "a lease does nothing until somebody acquires"]
pub struct Lease {
    client: Client,
    path: String,
    holder: String,
    duration: Duration,
    clock_skew: Duration,
    slots: Option<usize>,
    options: Options,
}

/// Why one turn at a lease came to nothing.
enum Setback {
    /// The turn was lost, or the outcome is unknown: nothing speaks against another look.
    Again,
    SessionLost,
}

/// The lease as a write left it.
struct Written {
    stat: Stat,
    /// When it ends for its holder.
    until: Instant,
}

impl Lease {
    /// The lease at `path`, to be asked for in the name of `holder` and for `duration`, where no two
    /// clocks differ by more than `clock_skew`.
    ///
    /// The duration must be longer than the skew and a second, to which the end is rounded down.
    pub fn new(
        client: &Client,
        path: &str,
        holder: &str,
        duration: Duration,
        clock_skew: Duration,
    ) -> Self {
        Self {
            client: client.clone(),
            path: path.to_owned(),
            holder: holder.to_owned(),
            duration,
            clock_skew,
            slots: None,
            options: Options::default(),
        }
    }

    /// Makes it `count` leases, of which each [`try_acquire`](Self::try_acquire) takes the first one
    /// that is free.
    pub fn slots(mut self, count: usize) -> Self {
        self.slots = Some(count);
        self
    }

    /// The ACL of the nodes, and what to do about missing parents.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options.nodes = options;
        self
    }

    /// Takes the lease if it is free, has ended, or is this holder's already; else `None`. Waits for
    /// those who look at it at the same moment, for nobody else.
    pub async fn try_acquire(&self) -> Result<Option<LeaseGuard>> {
        if self.duration <= self.clock_skew.saturating_add(RESOLUTION) {
            return Err(Error::Client(ClientError::InvalidRequest {
                path: self.path.clone(),
                reason: "a lease must last longer than the clock skew and a second",
            }));
        }
        let Some(slots) = self.slots else { return self.try_slot(&self.path).await };
        for slot in 0..slots {
            let granted = self.try_slot(&child(&self.path, &slot.to_string())).await?;
            if granted.is_some() {
                return Ok(granted);
            }
        }
        Ok(None)
    }

    async fn try_slot(&self, path: &str) -> Result<Option<LeaseGuard>> {
        let line = self.line(path);
        let mut pauses = Pauses::new();
        loop {
            let turn = line.stand().await?;
            match self.use_turn(&turn, path).await? {
                Ok(granted) => return Ok(granted),
                Err(Setback::Again) => pauses.pause().await,
                Err(Setback::SessionLost) => line.start_over()?,
            }
        }
    }

    fn line(&self, path: &str) -> Contest {
        Contest {
            client: self.client.clone(),
            directory: path.to_owned(),
            mark: Mark::KAZOO_LOCK,
            data: self.holder.clone().into(),
            options: self.options.lasting(),
        }
    }

    /// Looks at the lease, and takes it if it may be taken; `None` if somebody else holds it.
    async fn use_turn(
        &self,
        turn: &Standing,
        path: &str,
    ) -> Result<Result<Option<LeaseGuard>, Setback>> {
        let node = child(path, HOLDER);
        let found = match ask_in_session(|| self.client.get(&node).send()).await {
            Ok((data, stat)) => match Record::decode(&node, &data)? {
                Some(record) => Some((record, stat)),
                None => return Ok(Ok(None)),
            },
            Err(ClientError::NoNode { .. }) => None,
            Err(ClientError::SessionExpired) => return Ok(Err(Setback::SessionLost)),
            Err(error) => return Err(error.into()),
        };
        let skew_ms = i64::try_from(self.clock_skew.as_millis()).unwrap_or(i64::MAX);
        if let Some((record, _)) = &found
            && record.holder != self.holder
            && runtime::wall_ms() < record.end_ms.saturating_add(skew_ms)
        {
            return Ok(Ok(None));
        }
        let version = found.map(|(_, stat)| stat.version);
        let written = self.write(turn, &node, version).await?;
        Ok(written.map(|written| Some(LeaseGuard::new(self, path, node, &written))))
    }

    /// Puts a new node in the place of the one of the given version, if any, while the turn is ours.
    async fn write(
        &self,
        turn: &Standing,
        node: &str,
        version: Option<i32>,
    ) -> Result<Result<Written, Setback>> {
        let (data, until) = self.record(node)?;
        let mut multi = self.guarded(turn).multi();
        if let Some(version) = version {
            multi = multi.delete_version(node, version);
        }
        let multi = match &self.options.nodes.acl {
            Some(acl) => {
                multi.create_with_acl(node, &data, CreateMode::Persistent, acl.iter().cloned())
            }
            None => multi.create(node, &data, CreateMode::Persistent),
        };
        let written = multi.send();
        self.settle(written.await.map(drop), node, &data, until).await
    }

    /// The data of a grant from now on, and when it ends for its holder.
    fn record(&self, node: &str) -> Result<(Vec<u8>, Instant)> {
        // In this order: a pause in between makes it end early, not late.
        let now = runtime::now();
        let wall_ms = runtime::wall_ms();
        let duration_ms = i64::try_from(self.duration.as_millis()).unwrap_or(i64::MAX);
        let record = Record::new(&self.holder, wall_ms.saturating_add(duration_ms));
        let lasts = u64::try_from(record.end_ms.saturating_sub(wall_ms)).unwrap_or(0);
        let lasts = Duration::from_millis(lasts).saturating_sub(self.clock_skew);
        Ok((record.encode(node)?, now.checked_add(lasts).unwrap_or(now)))
    }

    /// Writes that take effect only while the turn is ours.
    fn guarded<'a>(&'a self, turn: &'a Standing) -> Guarded<'a> {
        self.client.guarded_by(turn.path()).in_session(turn.epoch())
    }

    /// What became of a write: reads the node back, which also tells its token.
    async fn settle(
        &self,
        written: Result<(), ClientError>,
        node: &str,
        data: &[u8],
        until: Instant,
    ) -> Result<Result<Written, Setback>> {
        match written {
            Ok(()) => {}
            Err(ClientError::SessionExpired) => return Ok(Err(Setback::SessionLost)),
            // The turn is lost, or somebody goes by no turns.
            Err(error) if is_of_another(&error) => return Ok(Err(Setback::Again)),
            Err(error) if is_passing(&error) => return Ok(Err(Setback::Again)),
            Err(error) => return Err(error.into()),
        }
        match ask_in_session(|| self.client.get(node).send()).await {
            Ok((found, stat)) if found == data => Ok(Ok(Written { stat, until })),
            Ok(_) | Err(ClientError::NoNode { .. }) => Ok(Err(Setback::Again)),
            Err(ClientError::SessionExpired) => Ok(Err(Setback::SessionLost)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a write was refused because somebody else has written.
fn is_of_another(error: &ClientError) -> bool {
    match error {
        ClientError::GuardFailed { source, .. } | ClientError::Multi { source, .. } => {
            is_of_another(source)
        }
        ClientError::NoNode { .. }
        | ClientError::BadVersion { .. }
        | ClientError::NodeExists { .. } => true,
        _ => false,
    }
}
