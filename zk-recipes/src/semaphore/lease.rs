//! A lease while it is held.

use crate::cleaner::Released;
use crate::contest::{FencingToken, Held, guard};
use crate::error::Result;

/// One lease of a [`Semaphore`](super::Semaphore), held. Dropping it gives the lease back in the
/// background; call [`release`](Self::release) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the lease gives it back"]
pub struct SemaphoreLease {
    held: Held,
}

guard!(SemaphoreLease);

impl SemaphoreLease {
    pub(super) fn new(held: Held) -> Self {
        Self { held }
    }

    /// A number of this lease alone. Later leases have larger ones; but others are held at the same
    /// time, so smaller ones are no sign of a holder that has lost.
    pub fn fencing_token(&self) -> FencingToken {
        self.held.term().token()
    }

    /// Gives the lease back and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on it counts as lost. Dropped half-way, the release goes on in the background.
    /// An error (no right to delete under the semaphore's path) means that the lease stays taken
    /// until the session ends.
    pub async fn release(self) -> Result<Released> {
        self.held.release().await
    }
}
