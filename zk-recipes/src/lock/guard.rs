//! The lock while it is held.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use zk_client::SessionId;

use crate::cleaner::Released;
use crate::contest::{FencingToken, Held, HoldState, LostReason};
use crate::error::Result;

/// The lock, held. Dropping it releases the lock in the background; call
/// [`release`](Self::release) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct LockGuard {
    held: Held,
}

impl LockGuard {
    pub(super) fn new(held: Held) -> Self {
        Self { held }
    }

    /// The token to pass to what the lock protects: it grows with each holder of this lock.
    pub fn fencing_token(&self) -> FencingToken {
        self.held.term().token()
    }

    /// The path of the holder's node. A multi that begins with a check of it (any version) takes
    /// effect only if the lock is still held.
    pub fn path(&self) -> &str {
        self.held.term().path()
    }

    /// The session the lock hangs on.
    pub fn session_id(&self) -> SessionId {
        self.held.term().session_id()
    }

    /// Whether the lock is held as far as this process can know: not known to be lost, and the
    /// session was answered recently enough to be alive. Never true again once false.
    pub fn is_held(&self) -> bool {
        self.held.term().is_held()
    }

    /// Held, unsure while disconnected, or lost.
    pub fn state(&self) -> HoldState {
        self.held.term().state()
    }

    /// Resolves when the lock may be gone, or was released. The future borrows nothing, so it can
    /// be passed to the task that does the work.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        self.held.term().lost()
    }

    /// A token that is cancelled when the lock may be gone, or was released.
    pub fn cancellation(&self) -> CancellationToken {
        self.held.term().cancellation()
    }

    /// Releases the lock and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on the guard counts as lost, so nobody acts as the holder meanwhile. Dropped
    /// half-way, the release goes on in the background. An error (no right to delete under the
    /// lock's path) means that the lock stays taken until the session ends.
    pub async fn release(self) -> Result<Released> {
        self.held.release().await
    }
}
