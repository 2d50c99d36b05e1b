//! The one timer of a driver.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::time::{Sleep, sleep_until};

/// Goes off no later than asked for, and sometimes too early: deadlines move away with each reply,
/// and to follow them would cost more than to look again once in a while.
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// What `sleep` is set to, unless it has gone off.
    at: Option<Instant>,
}

impl Alarm {
    /// An alarm that is not set.
    pub(super) fn new(now: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(now.into())), at: None }
    }

    /// Has it go off by then.
    pub(super) fn set_by(&mut self, deadline: Option<Instant>) {
        if let Some(deadline) = deadline
            && self.at.is_none_or(|at| deadline < at)
        {
            self.sleep.as_mut().reset(deadline.into());
            self.at = Some(deadline);
        }
    }

    /// Ready when it goes off.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.at.is_none() {
            return Poll::Pending;
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.at = None;
        Poll::Ready(())
    }
}

/// Waits for a time; for ever if there is none.
pub(super) async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
