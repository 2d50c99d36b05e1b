//! The term as the work of an election sees it.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use zk_client::SessionId;
use zk_client::ops::Guarded;

use crate::contest::{FencingToken, HoldState, LostReason, Term as HeldTerm};

/// One term of leading, for the work that is done in it. A cheap handle that owns nothing: the term
/// ends when the [election](super::LeaderElection) ends it or loses it, whoever has a clone of this.
#[derive(Clone, Debug)]
pub struct Term {
    term: HeldTerm,
    cancellation: CancellationToken,
}

impl Term {
    pub(super) fn new(term: &HeldTerm) -> Self {
        Self { term: term.clone(), cancellation: term.cancellation() }
    }

    /// The number of this term: it grows with each leader of this election. Pass it to whatever the
    /// leader writes to.
    #[must_use]
    pub fn fencing_token(&self) -> FencingToken {
        self.term.token()
    }

    /// The path of the leader's node.
    #[must_use]
    pub fn path(&self) -> &str {
        self.term.path()
    }

    /// Writes to ZooKeeper that take effect only while the term runs, whatever this process
    /// believes. See [`Leadership::writes`](super::Leadership::writes).
    pub fn writes(&self) -> Guarded<'_> {
        self.term.writes()
    }

    /// The session the term hangs on.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.term.session_id()
    }

    /// Whether this is the leader as far as this process can know. Never true again once false.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.term.is_held()
    }

    /// Held, unsure while disconnected, or lost.
    #[must_use]
    pub fn state(&self) -> HoldState {
        self.term.state()
    }

    /// Resolves when the term may be over. The future borrows nothing.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        self.term.lost()
    }

    /// Cancelled when the work is to end: the term may be over, or the election is stopped or
    /// resigns, and then this process leads until the work has ended.
    ///
    /// After that the work has as long as the
    /// [grace period](super::ElectionBuilder::grace) says, and is dropped then.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancellation.clone()
    }
}
