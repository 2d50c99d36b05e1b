//! An item while this member has it.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use zk_client::ops::Guarded;

use crate::cleaner::Released;
use crate::contest::{FencingToken, HoldState, LostReason};
use crate::error::Result;
use crate::lock::LockGuard;

/// Why an item has to be let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revoked {
    /// It is planned for another member, or this one leaves. It is still held, and nobody else gets
    /// it before it is [released](Share::release).
    Moved,
    /// It is held no longer, and somebody else may have it.
    Lost(LostReason),
}

/// An item that this member has, by its lock. Dropping it releases the item in the background.
///
/// While the item is planned for this member, a share that was dropped or lost is followed by a new
/// one, from [`Partitioner::next`](super::Partitioner::next).
#[derive(Debug)]
#[must_use = "dropping the share releases the item"]
pub struct Share {
    item: String,
    guard: LockGuard,
    revoke: CancellationToken,
}

impl Share {
    pub(super) fn new(item: String, guard: LockGuard, revoke: CancellationToken) -> Self {
        Self { item, guard, revoke }
    }

    /// The item.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// The token to pass to whatever is written on behalf of the item: it grows with each holder.
    pub fn fencing_token(&self) -> FencingToken {
        self.guard.fencing_token()
    }

    /// Writes to ZooKeeper that take effect only while the item is held. See
    /// [`LockGuard::writes`].
    pub fn writes(&self) -> Guarded<'_> {
        self.guard.writes()
    }

    /// Whether the item is held as far as this process can know. Never true again once false.
    pub fn is_held(&self) -> bool {
        self.guard.is_held()
    }

    /// Held, unsure while disconnected, or lost.
    pub fn state(&self) -> HoldState {
        self.guard.state()
    }

    /// Resolves when the item is to be let go: it is planned for another member, or lost. The future
    /// borrows nothing, so it can be passed to the task that does the work.
    pub fn revoked(&self) -> impl Future<Output = Revoked> + Send + use<> {
        let (lost, revoke) = (self.guard.lost(), self.revoke.clone());
        async move {
            tokio::select! {
                biased;
                reason = lost => Revoked::Lost(reason),
                () = revoke.cancelled() => Revoked::Moved,
            }
        }
    }

    /// Lets the item go, and waits until the server has confirmed it, through disconnects: the
    /// member it is planned for gets it at once. Dropped half-way, it goes on in the background.
    pub async fn release(self) -> Result<Released> {
        self.guard.release().await
    }
}
