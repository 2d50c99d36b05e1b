//! What can go wrong in a recipe, and what to do next.

use std::time::Duration;

/// The result of everything this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a recipe failed.
///
/// Disconnects are not here: a recipe waits for the next connection, asks the server what became
/// of its requests, and goes on. What is left needs the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// ZooKeeper refused a request of the recipe, or the client is closed.
    #[error(transparent)]
    Client(#[from] zk_client::Error),
    /// It was not the caller's turn within the time allowed. Its place in line is given up.
    #[error(
        "{path} was not free within {after:?}: somebody else holds it; wait longer or try later"
    )]
    TimedOut {
        /// The path of the lock.
        path: String,
        /// The time that was allowed.
        after: Duration,
    },
    /// The session ended during the wait, and the builder said not to start over in a new one.
    #[error("the session ended while waiting at {path}, and with it the place in line: start over")]
    SessionLost {
        /// The path of the lock or election.
        path: String,
    },
    /// The parent's sequence counter is at its end, beyond which the order of contenders would be
    /// undefined. The server never resets a counter, only a new parent starts at 0.
    #[error(
        "the sequence numbers under {path} are used up (at {sequence} of {max}): delete the node \
         once it is empty (a container does that by itself), or use another path",
        max = i32::MAX
    )]
    SequenceExhausted {
        /// The parent of the contenders.
        path: String,
        /// The number the server gave.
        sequence: i64,
    },
    /// The latch was closed, or its client was.
    #[error("the latch at {path} is closed and will not lead again: start another one")]
    LatchClosed {
        /// The path of the election.
        path: String,
    },
    /// A service instance that cannot be a znode.
    #[error("the service instance cannot be registered: {reason}")]
    InvalidInstance {
        /// What is wrong with it.
        reason: String,
    },
    /// A registration was taken over: its node now belongs to another session.
    #[error(
        "{path} was taken over by another process that registered the same id: \
         give every instance its own id"
    )]
    Replaced {
        /// The path of the instance.
        path: String,
    },
    /// The registration was unregistered before.
    #[error("{path} is not registered any more: register it again")]
    Unregistered {
        /// The path of the instance.
        path: String,
    },
    /// The data of a node is not what the recipe writes there.
    #[error("the data of {path} is not a service instance: {reason}")]
    Malformed {
        /// The path of the node.
        path: String,
        /// What the parser said.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later although nothing about it changes.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Client(error) => error.is_retryable(),
            Self::TimedOut { .. } | Self::SessionLost { .. } => true,
            _ => false,
        }
    }

    /// Whether the call may have had an effect all the same.
    ///
    /// Recipes find out what became of their requests, so only a request of a failed call that the
    /// client gave up on (its own time limit, say) leaves this open.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_outcome_unknown())
    }
}
