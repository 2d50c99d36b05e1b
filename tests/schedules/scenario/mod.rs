//! What processes do in a schedule, for recipes and for their faulty likes.

pub(crate) mod adding;
pub(crate) mod agreeing;
pub(crate) mod copying;
pub(crate) mod crowding;
pub(crate) mod gate;
pub(crate) mod leasing;
pub(crate) mod meeting;
pub(crate) mod mutex;
pub(crate) mod observing;
pub(crate) mod passing_on;
pub(crate) mod registering;
pub(crate) mod rendezvous;
pub(crate) mod sharing;

use zk_recipes::Error;

/// Whether it is worth another try: nothing is wrong but the moment.
pub(crate) fn may_pass(error: &Error) -> bool {
    match error {
        Error::TimedOut { .. } | Error::ClaimLost { .. } => true,
        Error::Client(error) => error.is_retryable() || error.is_outcome_unknown(),
        _ => false,
    }
}

/// Runs something again as long as it may yet work.
pub(crate) async fn insist<T, F: Future<Output = Result<T, Error>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, String> {
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) if may_pass(&error) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
