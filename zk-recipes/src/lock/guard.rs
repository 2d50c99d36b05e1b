//! The lock while it is held.

use crate::cleaner::Released;
use crate::contest::{FencingToken, Held, guard};
use crate::error::Result;

/// The lock, held. Dropping it releases the lock in the background; call
/// [`release`](Self::release) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct LockGuard {
    held: Held,
}

guard!(LockGuard);

impl LockGuard {
    pub(crate) fn new(held: Held) -> Self {
        Self { held }
    }

    /// The token to pass to what the lock protects: it grows with each holder of this lock.
    pub fn fencing_token(&self) -> FencingToken {
        self.held.term().token()
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
