//! What a participant is doing, for its owner to see.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;

use crate::contest::FencingToken;

/// Where a participant of an election stands: a latch, or a [`LeaderElection`](super::LeaderElection).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LatchState {
    /// It has no node in line yet, or not any more, and is about to make one.
    Joining,
    /// It could not join and will try again.
    NotParticipating {
        /// What went wrong.
        reason: String,
    },
    /// It stands in line.
    Waiting {
        /// How many stand ahead of it.
        ahead: usize,
    },
    /// It leads.
    Leading {
        /// The term.
        token: FencingToken,
    },
    /// It leads, but the connection is gone: nobody else can lead yet, and nothing is sure.
    Unsure {
        /// The term.
        token: FencingToken,
    },
    /// It takes part no more. Final.
    Closed,
}

impl LatchState {
    /// Whether this latch leads, surely or not.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        matches!(self, Self::Leading { .. } | Self::Unsure { .. })
    }
}

/// The states of a latch, the current one first. A slow consumer misses states, never the latest.
/// Ends after [`LatchState::Closed`].
#[must_use = "streams do nothing unless polled"]
pub struct LatchStates(BoxStream<'static, LatchState>);

impl LatchStates {
    pub(super) fn new(mut receiver: watch::Receiver<LatchState>) -> Self {
        receiver.mark_changed();
        Self(Box::pin(stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            receiver.changed().await.ok()?;
            let state = receiver.borrow_and_update().clone();
            let more = (state != LatchState::Closed).then_some(receiver);
            Some((state, more))
        })))
    }
}

impl Stream for LatchStates {
    type Item = LatchState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LatchState>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for LatchStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LatchStates")
    }
}
