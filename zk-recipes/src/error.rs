//! What can go wrong in a recipe, and what to do next.

use std::time::Duration;

use zk_client::SessionId;

use crate::contest::LostReason;

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
    /// The lock was lost before it could be downgraded. What stood for it is released.
    #[error("the lock {path} is not held any more ({reason}): stop, and get in line again")]
    NotHeld {
        /// The path of the lock.
        path: String,
        /// Why it was lost.
        reason: LostReason,
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
    /// A claimed item is not this claim's any more: the claim went with its session, or somebody
    /// deleted it, and somebody else may have the item by now.
    #[error("{path} is claimed no longer: somebody else may work on it, so drop what was done")]
    ClaimLost {
        /// The path of the item.
        path: String,
    },
    /// A priority that the layout of the queue has no room for.
    #[error("the priority {priority} is not from 0 to {max}, as this layout of queues wants it")]
    InvalidPriority {
        /// The priority given.
        priority: i32,
        /// The largest one possible.
        max: u16,
    },
    /// A rendezvous whose opener is gone, or which was never open.
    #[error("nobody will meet at {path} any more: its opener is gone")]
    RendezvousOver {
        /// The path of the rendezvous.
        path: String,
    },
    /// A counter would leave its range. It was left as it is.
    #[error("{number} cannot be added to {value} in the counter {path}: the sum has no room there")]
    CounterOverflow {
        /// The path of the counter.
        path: String,
        /// The value it has.
        value: i64,
        /// What was to be added.
        number: i64,
    },
    /// More leases at once than there are: no wait would ever end.
    #[error("{wanted} leases of {path} were asked for, and there are only {limit}: ask for fewer")]
    TooManyLeases {
        /// The path of the semaphore.
        path: String,
        /// How many leases were asked for.
        wanted: usize,
        /// How many there are.
        limit: usize,
    },
    /// Two processes do not agree on how many leases there are.
    #[error(
        "{path} has {stored} leases and not {wanted}: use the same limit everywhere; to change it, \
         stop everybody and delete the node"
    )]
    LimitMismatch {
        /// The path of the semaphore.
        path: String,
        /// The limit in the data of the node.
        stored: usize,
        /// The limit of this process.
        wanted: usize,
    },
    /// Somebody else's node is where the own one was to be.
    #[error(
        "{path} is taken by the session {owner} (0: by a node of no session): wait for it to end, \
         or choose another name"
    )]
    Taken {
        /// The path of the node.
        path: String,
        /// The session that owns it; 0 if it is no ephemeral node.
        owner: SessionId,
    },
    /// The registration was unregistered before.
    #[error("{path} is not registered any more: register it again")]
    Unregistered {
        /// The path of the instance.
        path: String,
    },
    /// The servers have no nodes with a time to live.
    #[error(
        "{path} needs a time to live, which the servers do not know: they need version 3.5.3 or \
         later and extendedTypesEnabled=true, all of them"
    )]
    NoTtlNodes {
        /// The path of the node.
        path: String,
    },
    /// A transaction is not there any more, and with it the decision.
    #[error(
        "the transaction {path} is gone: all are done with it; or, if this participant is not, \
         somebody deleted it, so ask the others what they did"
    )]
    TransactionGone {
        /// The path of the transaction.
        path: String,
    },
    /// A vote is final.
    #[error("{name} has voted to commit {path} and cannot vote otherwise: wait for the decision")]
    AlreadyVoted {
        /// The path of the transaction.
        path: String,
        /// The name of the participant.
        name: String,
    },
    /// Somebody who is not asked wants to vote.
    #[error("{name} is no participant of {path}: the coordinator did not name it")]
    NotAParticipant {
        /// The path of the transaction.
        path: String,
        /// The name that was given.
        name: String,
    },
    /// The data of a node is not what the recipe writes there.
    #[error("the data of {path} is not what belongs there: {reason}")]
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
