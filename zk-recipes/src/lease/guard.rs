//! A lease while it lasts.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use zk_client::{Client, Error as ClientError, Zxid};

use super::{Lease, Setback, Written};
use crate::asking::ask;
use crate::cleaner::{Released, is_passing};
use crate::contest::{FencingToken, LostReason, Standing};
use crate::error::Result;
use crate::runtime::{self, Pauses};

/// A lease that was granted. Dropping it gives nothing back: it runs out, unless
/// [`release`](Self::release) is called.
#[derive(Debug)]
#[must_use = "a lease that is dropped stays taken until it runs out"]
pub struct LeaseGuard {
    lease: Lease,
    /// The path of the lease, or of its slot.
    slot: String,
    node: String,
    created: Zxid,
    term: Arc<Term>,
}

/// The time of a lease. It ends once.
#[derive(Debug)]
struct Term {
    until: Mutex<Instant>,
    reason: OnceLock<LostReason>,
    ended: CancellationToken,
}

impl Term {
    fn new(until: Instant) -> Self {
        let (reason, ended) = (OnceLock::new(), CancellationToken::new());
        Self { until: Mutex::new(until), reason, ended }
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extend(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Resolves when the time is up, however often it is extended.
    async fn is_up(&self) {
        while runtime::now() < self.until() {
            runtime::sleep_until(self.until()).await;
        }
    }

    fn end(&self, reason: LostReason) -> LostReason {
        let settled = *self.reason.get_or_init(|| reason);
        self.ended.cancel();
        settled
    }
}

impl LeaseGuard {
    pub(super) fn new(lease: &Lease, slot: &str, node: String, written: &Written) -> Self {
        Self {
            lease: lease.clone(),
            slot: slot.to_owned(),
            node,
            created: written.stat.czxid,
            term: Arc::new(Term::new(written.until)),
        }
    }

    /// The token to pass to what the lease protects: it grows with each grant. Renewing keeps it.
    #[must_use]
    pub fn fencing_token(&self) -> FencingToken {
        FencingToken::of(self.created)
    }

    /// The path of the node that names the holder.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.node
    }

    /// In whose name it was granted.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.lease.holder
    }

    /// How long it still counts as held: to its end, less the clock skew. By the monotonic clock,
    /// so that a wall clock that is set meanwhile changes nothing.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        if self.term.reason.get().is_some() {
            return Duration::ZERO;
        }
        self.term.until().saturating_duration_since(runtime::now())
    }

    /// Whether it is held as far as this process can know. Never true again once false. Asks the
    /// server nothing.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let is_held = !self.remaining().is_zero();
        if !is_held {
            self.term.end(LostReason::DeadlinePassed);
        }
        is_held
    }

    /// Resolves when the lease has run out, was released, or somebody took it over or deleted it,
    /// for which it watches the node. The future borrows nothing, so it can be passed to the task
    /// that does the work.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        let (client, node) = (self.lease.client.clone(), self.node.clone());
        let (created, term) = (self.created, Arc::clone(&self.term));
        async move {
            let reason = tokio::select! {
                biased;
                () = term.ended.cancelled() => LostReason::Released,
                () = term.is_up() => LostReason::DeadlinePassed,
                () = replaced(&client, &node, created) => LostReason::NodeDeleted,
            };
            term.end(reason)
        }
    }

    /// Makes it last for the whole duration from now on; false when it is not held any more, or
    /// somebody else's. Costs as much as getting it.
    pub async fn renew(&self) -> Result<bool> {
        let line = self.lease.line(&self.slot);
        let mut pauses = Pauses::new();
        while self.is_held() {
            let turn = line.stand().await?;
            match self.extend(&turn).await? {
                Ok(Some(until)) if self.is_held() => {
                    self.term.extend(until);
                    return Ok(true);
                }
                Ok(Some(_)) => break,
                Ok(None) => {
                    self.term.end(LostReason::NodeDeleted);
                    break;
                }
                Err(Setback::SessionLost) => line.start_over()?,
                Err(_) => pauses.pause().await,
            }
        }
        Ok(false)
    }

    /// The new end, or `None` when somebody else has the lease.
    async fn extend(&self, turn: &Standing) -> Result<Result<Option<Instant>, Setback>> {
        let version = match self.version().await {
            Ok(Some(version)) => version,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Err(error.into()),
        };
        let (data, until) = self.lease.record(&self.node)?;
        let guarded = self.lease.guarded(turn);
        let set = guarded.set(&self.node, &data).version(version).await;
        match self.lease.settle(set.map(drop), &self.node, &data, until).await? {
            Ok(Written { stat, until }) if stat.czxid == self.created => Ok(Ok(Some(until))),
            Ok(_) => Ok(Ok(None)),
            Err(setback) => Ok(Err(setback)),
        }
    }

    /// Gives the lease back before its end, and waits until the server has confirmed it. From the
    /// call on it counts as lost.
    pub async fn release(self) -> Result<Released> {
        self.term.end(LostReason::Released);
        let line = self.lease.line(&self.slot);
        let mut pauses = Pauses::new();
        let mut may_be_done = false;
        loop {
            let turn = line.stand().await?;
            let Some(version) = self.version().await? else {
                let gone = if may_be_done { Released::Released } else { Released::AlreadyGone };
                return Ok(gone);
            };
            let delete = self.lease.guarded(&turn).delete(&self.node).version(version);
            match delete.await {
                Ok(()) => return Ok(Released::Released),
                Err(ClientError::SessionExpired) => {
                    may_be_done = true;
                    line.start_over()?;
                }
                Err(error) if is_passing(&error) => may_be_done |= error.is_outcome_unknown(),
                Err(
                    ClientError::GuardFailed { .. }
                    | ClientError::NoNode { .. }
                    | ClientError::BadVersion { .. },
                ) => {}
                Err(error) => return Err(error.into()),
            }
            pauses.pause().await;
        }
    }

    /// The version of the own node; `None` when it is gone, or another one is in its place.
    async fn version(&self) -> Result<Option<i32>, ClientError> {
        let client = &self.lease.client;
        match ask(client, || client.get(&self.node).send()).await {
            Ok((_, stat)) if stat.czxid == self.created => Ok(Some(stat.version)),
            Ok(_) | Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Resolves when the node is gone, or another one is in its place.
async fn replaced(client: &Client, node: &str, created: Zxid) {
    loop {
        match ask(client, || client.get(node).watch().send()).await {
            Ok((_, stat, watch)) if stat.czxid == created => {
                // Whatever happened, the next read tells.
                let _ = watch.await;
            }
            Ok(_) | Err(ClientError::NoNode { .. }) => return,
            // Closed, or no right to look: the clock alone decides.
            Err(_) => return std::future::pending().await,
        }
    }
}
