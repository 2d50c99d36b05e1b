//! Waiting for what async code awaits.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::unconstrained;

use super::background::Background;
use super::bell::Bell;
use crate::driver;

/// A wait has taken longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing came within {after:?}: wait again, or do without")]
#[non_exhaustive]
pub struct TimedOut {
    /// The limit.
    pub after: Duration,
}

/// Waiting by blocking the thread, for everything that async code awaits.
///
/// # Panics
///
/// Its methods panic in a task that runs in the background thread of the blocking clients, such as
/// one of [`spawn_cleanup`](crate::Client::spawn_cleanup): the thread would wait for itself.
pub trait Wait: IntoFuture + Sized {
    /// Waits for the output. For a request, this sends it.
    fn wait(self) -> Self::Output {
        drive(self.into_future(), None).expect("a wait without a limit ends with the output")
    }

    /// Waits for the output, but no longer than `timeout`; what is ready by then is returned also
    /// if `timeout` is zero.
    ///
    /// `self` is dropped when it takes longer. A future that is to be waited for again goes in by
    /// reference: `(&mut watch).wait_timeout(limit)`. To bound a request, rather set the
    /// [`timeout`](crate::ops::Set::timeout) of the request itself, whose error tells whether a
    /// write may still be applied; dropping one does not tell.
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    fn wait_timeout(self, timeout: Duration) -> Result<Self::Output, TimedOut> {
        drive(self.into_future(), Some(timeout))
    }
}

impl<F: IntoFuture> Wait for F {}

/// Polls `future` on this thread until it is done, with sleep in between.
pub(super) fn drive<F: Future>(
    future: F,
    timeout: Option<Duration>,
) -> Result<F::Output, TimedOut> {
    // Dropped in reverse: the future first, while there still is a runtime around it.
    let background = Background::for_waiting();
    let _context = background.as_ref().map(|background| background.enter());
    let deadline = timeout.and_then(|timeout| driver::now().checked_add(timeout));
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    // A task of a runtime may poll only so often before it has to yield, which a task that blocks
    // never does: without this, its waits would begin to spin in vain.
    let mut future = pin!(unconstrained(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        if !bell.wait(deadline) {
            return Err(TimedOut { after: timeout.unwrap_or_default() });
        }
    }
}
