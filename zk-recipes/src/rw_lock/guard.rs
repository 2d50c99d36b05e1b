//! The lock while it is held, for reading or for writing.

use crate::cleaner::Released;
use crate::contest::{Contest, FencingToken, Held, guard};
use crate::error::Result;

/// The lock, held for reading. Dropping it releases the lock in the background; call
/// [`release`](Self::release) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct ReadGuard {
    held: Held,
}

/// The lock, held for writing. Dropping it releases the lock in the background; call
/// [`release`](Self::release) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct WriteGuard {
    held: Held,
    /// What this becomes by a downgrade.
    reader: Contest,
}

/// What readers and writers have in common beyond that.
macro_rules! lock_guard {
    ($name:ident) => {
        impl $name {
            /// The token to pass to what the lock protects. Those of writers grow from each to the
            /// next; a reader's is larger than those of the writers before it, and smaller than
            /// those of the writers behind it.
            pub fn fencing_token(&self) -> FencingToken {
                self.held.term().token()
            }

            /// Releases the lock and waits until the server has confirmed it, through disconnects.
            ///
            /// From the call on the guard counts as lost, so nobody acts as the holder meanwhile.
            /// Dropped half-way, the release goes on in the background. An error (no right to
            /// delete under the lock's path) means that the lock stays taken until the session
            /// ends.
            pub async fn release(self) -> Result<Released> {
                self.held.release().await
            }
        }
    };
}

guard!(ReadGuard);
guard!(WriteGuard);
lock_guard!(ReadGuard);
lock_guard!(WriteGuard);

impl ReadGuard {
    pub(super) fn new(held: Held) -> Self {
        Self { held }
    }
}

impl WriteGuard {
    pub(super) fn new(held: Held, reader: Contest) -> Self {
        Self { held, reader }
    }

    /// Goes on as a reader: other readers may come in, and no writer gets in between.
    ///
    /// The reader stands where the writer stood, and has its fencing token. From the call on this
    /// guard counts as lost ([`LostReason::Released`](crate::LostReason::Released)), so nobody acts as the writer meanwhile.
    ///
    /// One round trip, and through disconnects as many as it takes. Fails with
    /// [`Error::NotHeld`](crate::Error::NotHeld) if the lock was lost before. Whatever it fails
    /// for, and when it is dropped half-way, the lock is released.
    pub async fn downgrade(self) -> Result<ReadGuard> {
        Ok(ReadGuard::new(self.held.continue_as(&self.reader).await?))
    }
}
