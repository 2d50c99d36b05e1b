//! Trying again, where that is harmless.

use std::future::IntoFuture;
use std::time::Duration;

use crate::driver::{self, Pauses};
use crate::error::Result;

/// How often and for how long something that failed for now is tried again.
///
/// ```no_run
/// # use std::time::Duration;
/// # use zk_client::{Client, Error, Retry};
/// # async fn example(client: &Client) -> Result<(), Error> {
/// let patient = Retry::for_at_most(Duration::from_secs(30));
/// let (data, _) = patient.run(|| client.get("/config")).await?;
/// let stat = patient.run(|| client.set("/config", b"7").version(3).idempotent()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Most errors need no retry: reads are sent again by the client itself, and requests wait for a
/// connection. What is left is tried again only if the error says that it may work later
/// ([`Error::is_retryable`]) *and* that nothing was changed. A write whose outcome is unknown
/// ([`Error::is_outcome_unknown`]) is never repeated here, since only the write itself can tell
/// whether that is harmless: make it [`idempotent`](crate::ops::Set::idempotent),
/// [`protected`](crate::ops::Create::protected) or
/// [`guaranteed`](crate::ops::Delete::guaranteed).
///
/// Pauses between attempts double, with jitter, from 20 ms to 5 s unless
/// [told otherwise](Self::pauses).
///
/// [`Error::is_retryable`]: crate::Error::is_retryable
/// [`Error::is_outcome_unknown`]: crate::Error::is_outcome_unknown
#[derive(Clone, Copy, Debug)]
#[must_use = "a policy does nothing by itself"]
pub struct Retry {
    attempts: Option<usize>,
    time: Option<Duration>,
    pauses: (Duration, Duration),
}

impl Retry {
    const fn new(attempts: Option<usize>, time: Option<Duration>) -> Self {
        Self { attempts, time, pauses: (driver::PAUSE_MIN, driver::PAUSE_MAX) }
    }

    /// So many attempts in all; at least one is made.
    pub const fn times(attempts: usize) -> Self {
        Self::new(Some(attempts), None)
    }

    /// No new attempt once `time` has passed. An attempt that is on its way is not cut short: its
    /// own time limit does that.
    pub const fn for_at_most(time: Duration) -> Self {
        Self::new(None, Some(time))
    }

    /// Until it works, or fails for good. The client's end is for good, too.
    pub const fn forever() -> Self {
        Self::new(None, None)
    }

    /// As before, but no more than so many attempts in all.
    pub const fn at_most_times(self, attempts: usize) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    /// The first pause, and the longest that doubling it leads to. Equal ones are a fixed pause.
    pub const fn pauses(self, first: Duration, longest: Duration) -> Self {
        Self { pauses: (first, longest), ..self }
    }

    /// Sends what `attempt` makes, and again as often as the policy allows. The error is that of
    /// the last attempt.
    ///
    /// # Errors
    ///
    /// Those of the attempts.
    pub async fn run<T, F: IntoFuture<Output = Result<T>>>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let deadline = self.time.and_then(|time| driver::now().checked_add(time));
        let mut pauses = Pauses::between(self.pauses.0, self.pauses.1);
        let mut attempts = 1;
        loop {
            let error = match attempt().await {
                Err(error) if error.is_retryable() && !error.is_outcome_unknown() => error,
                done => return done,
            };
            if self.attempts.is_some_and(|max| attempts >= max) {
                return Err(error);
            }
            pauses.pause(deadline).await;
            if deadline.is_some_and(|deadline| deadline <= driver::now()) {
                return Err(error);
            }
            attempts += 1;
        }
    }
}
