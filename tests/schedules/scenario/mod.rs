//! What processes do in a schedule, for recipes and for their faulty likes.

pub(crate) mod adding;
pub(crate) mod meeting;
pub(crate) mod mutex;
pub(crate) mod passing_on;

use zk_recipes::Error;

/// Whether it is worth another try: nothing is wrong but the moment.
pub(crate) fn may_pass(error: &Error) -> bool {
    match error {
        Error::TimedOut { .. } | Error::ClaimLost { .. } => true,
        Error::Client(error) => error.is_retryable() || error.is_outcome_unknown(),
        _ => false,
    }
}
