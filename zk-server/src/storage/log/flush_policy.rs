//! How long transactions wait for others to be written with them.

use std::time::{Duration, Instant};

/// When a batch is written. [`Default`] is as Apache's defaults make it: at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushPolicy {
    /// How long after a batch was written the next one may be gathered (`flushDelay`, 0). More
    /// transactions share a sync then, and each takes longer.
    pub delay: Duration,
    /// A batch that no transaction joined for so long is written before that
    /// (`maxWriteQueuePollTime`). `None`: a third of the delay.
    pub poll_time: Option<Duration>,
    /// A batch of so many transactions waits for no more, and none is longer (`maxBatchSize`, 1000).
    pub batch_len_max: usize,
}

impl Default for FlushPolicy {
    fn default() -> Self {
        Self { delay: Duration::ZERO, poll_time: None, batch_len_max: 1000 }
    }
}

impl FlushPolicy {
    /// How long to wait for another transaction, with `gathered` of them there and the last batch
    /// written at `flushed`. `None`: write them now.
    #[must_use]
    pub fn wait(&self, now: Instant, flushed: Instant, gathered: usize) -> Option<Duration> {
        if gathered >= self.batch_len_max {
            return None;
        }
        let remaining = self.delay.checked_sub(now.saturating_duration_since(flushed))?;
        let wait = remaining.min(self.poll_time.unwrap_or(self.delay / 3));
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[allow(clippy::disallowed_methods, reason = "one origin for a clock that the test moves")]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn without_a_delay_nothing_waits() {
        let now = origin();
        assert_eq!(FlushPolicy::default().wait(now, now, 1), None);
        let polls = FlushPolicy { poll_time: Some(MS), ..FlushPolicy::default() };
        assert_eq!(polls.wait(now, now, 1), None);
    }

    #[test]
    fn a_batch_waits_a_third_of_the_delay_for_another_and_never_beyond_it() {
        let policy = FlushPolicy { delay: 30 * MS, batch_len_max: 5, ..FlushPolicy::default() };
        let flushed = origin();
        for (since, gathered, wait) in [
            (0, 1, Some(10)),
            (19, 4, Some(10)),
            (25, 1, Some(5)),
            (30, 1, None),
            (1000, 1, None),
            (0, 5, None),
            (0, 6, None),
        ] {
            let found = policy.wait(flushed + since * MS, flushed, gathered);
            assert_eq!(found, wait.map(|wait| wait * MS), "{since} ms, {gathered}");
        }
        // A clock that stands behind the last batch's is taken for its moment.
        assert_eq!(policy.wait(flushed, flushed + MS, 1), Some(10 * MS));
    }

    #[test]
    fn the_time_to_wait_for_another_can_be_set() {
        let now = origin();
        let policy = FlushPolicy { delay: 30 * MS, poll_time: Some(MS), ..FlushPolicy::default() };
        assert_eq!(policy.wait(now, now, 1), Some(MS));
        let never = FlushPolicy { poll_time: Some(Duration::ZERO), ..policy };
        assert_eq!(never.wait(now, now, 1), None);
    }
}
