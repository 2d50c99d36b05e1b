//! The only place that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::server::Now;

/// This moment on both clocks.
pub(super) fn now() -> Now {
    Now { instant: Instant::now(), wall_ms: wall_ms() }
}

/// Milliseconds since 1970; 0 on a machine that believes to be earlier.
fn wall_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
