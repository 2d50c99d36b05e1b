//! One term of leading.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use zk_client::SessionId;
use zk_client::ops::Guarded;

use crate::cleaner::Released;
use crate::contest::{FencingToken, Held, HoldState, LostReason, Term};
use crate::error::Result;

/// A term as the leader. Dropping it steps down in the background, after which the latch goes to
/// the tail of the line; call [`resign`](Self::resign) to know when that is done.
#[derive(Debug)]
#[must_use = "dropping the leadership steps down"]
pub struct Leadership {
    held: Held,
}

impl Leadership {
    pub(super) fn new(held: Held) -> Self {
        Self { held }
    }

    pub(super) fn term(&self) -> &Term {
        self.held.term()
    }

    /// The number of this term: it grows with each leader of this election. Pass it to whatever the
    /// leader writes to.
    pub fn fencing_token(&self) -> FencingToken {
        self.term().token()
    }

    /// The path of the leader's node.
    pub fn path(&self) -> &str {
        self.term().path()
    }

    /// Writes to ZooKeeper that take effect only while the term runs, whatever this process
    /// believes: `leadership.writes().set(path, data)`. When it is not, they fail with
    /// [`GuardFailed`](zk_client::Error::GuardFailed), or with
    /// [`SessionExpired`](zk_client::Error::SessionExpired), and change nothing. Paths are those of
    /// the client that stands for election.
    pub fn writes(&self) -> Guarded<'_> {
        self.term().writes()
    }

    /// The session the term hangs on.
    pub fn session_id(&self) -> SessionId {
        self.term().session_id()
    }

    /// Whether this is the leader as far as this process can know: not known to be lost, and the
    /// session was answered recently enough to be alive. Never true again once false.
    pub fn is_held(&self) -> bool {
        self.term().is_held()
    }

    /// Held, unsure while disconnected, or lost.
    pub fn state(&self) -> HoldState {
        self.term().state()
    }

    /// Resolves when the term may be over. The future borrows nothing.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        self.term().lost()
    }

    /// A token that is cancelled when the term may be over.
    pub fn cancellation(&self) -> CancellationToken {
        self.term().cancellation()
    }

    /// Steps down and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on the term counts as over, so nobody acts as the leader meanwhile.
    pub async fn resign(self) -> Result<Released> {
        self.held.release().await
    }
}
