//! How long transactions wait for others to be written with them.

use std::time::{Duration, Instant};

/// The longest wait for company that the last batch had. A disk that takes long is not made to take
/// twice as long.
const COMPANY_WAIT_MAX: Duration = Duration::from_millis(1);

/// The batch that was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "filled in by who writes")]
pub struct LastBatch {
    /// When it was durable.
    pub flushed: Instant,
    /// How long it took to write it.
    pub took: Duration,
    /// Its transactions.
    pub len: usize,
}

/// How long a batch waits for how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "who gathers has to heed both")]
pub struct Patience {
    /// So many transactions are enough.
    pub len: usize,
    /// It waits no longer than this.
    pub time: Duration,
}

/// When a batch is written. By [`Default`] no transaction waits long for others, as in Apache: if
/// the last batch had several, as many and a quarter more are waited for, up to half the time that
/// the last one took to be written. Clients that write in turns would otherwise have the first of
/// them written alone, and all others wait for that; and without the quarter a batch that was small
/// once would stay small.
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
    /// What to wait for, with `gathered` transactions there. `None`: write them now.
    #[must_use]
    pub fn wait(&self, now: Instant, last: &LastBatch, gathered: usize) -> Option<Patience> {
        if gathered >= self.batch_len_max {
            return None;
        }
        let since = now.saturating_duration_since(last.flushed);
        let patience = if self.delay.is_zero() {
            let company = (last.took / 2).min(COMPANY_WAIT_MAX);
            let len = (last.len + last.len / 4).min(self.batch_len_max);
            Patience { len, time: company.saturating_sub(since) }
        } else {
            let poll_time = self.poll_time.unwrap_or(self.delay / 3);
            Patience { len: gathered + 1, time: self.delay.saturating_sub(since).min(poll_time) }
        };
        (gathered < patience.len && !patience.time.is_zero()).then_some(patience)
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

    fn batch(flushed: Instant, took: Duration, len: usize) -> LastBatch {
        LastBatch { flushed, took, len }
    }

    fn patience(len: usize, time: Duration) -> Option<Patience> {
        Some(Patience { len, time })
    }

    #[test]
    fn without_a_delay_only_the_company_of_last_time_is_waited_for() {
        let now = origin();
        let policy = FlushPolicy::default();
        assert_eq!(policy.wait(now, &batch(now, MS, 1), 1), None, "a client on its own");
        assert_eq!(policy.wait(now, &batch(now, MS, 3), 1), patience(3, MS / 2));
        assert_eq!(policy.wait(now, &batch(now, MS, 3), 3), None);
        assert_eq!(policy.wait(now + MS / 4, &batch(now, MS, 3), 2), patience(3, MS / 4));
        assert_eq!(policy.wait(now + MS, &batch(now, MS, 3), 1), None, "it was idle meanwhile");
        assert_eq!(policy.wait(now, &batch(now, 100 * MS, 3), 1), patience(3, COMPANY_WAIT_MAX));
        assert_eq!(policy.wait(now, &batch(now, MS, 9), 9), patience(11, MS / 2), "and a quarter");
        let short = FlushPolicy { batch_len_max: 2, ..policy };
        assert_eq!(short.wait(now, &batch(now, MS, 2), 1), patience(2, MS / 2));
        let polls = FlushPolicy { poll_time: Some(MS), ..policy };
        assert_eq!(polls.wait(now, &batch(now, MS, 1), 1), None);
    }

    #[test]
    fn a_batch_waits_a_third_of_the_delay_for_another_and_never_beyond_it() {
        let policy = FlushPolicy { delay: 30 * MS, batch_len_max: 5, ..FlushPolicy::default() };
        let flushed = origin();
        let last = batch(flushed, MS, 1);
        for (since, gathered, wait) in [
            (0, 1, Some(10)),
            (19, 4, Some(10)),
            (25, 1, Some(5)),
            (30, 1, None),
            (1000, 1, None),
            (0, 5, None),
            (0, 6, None),
        ] {
            let found = policy.wait(flushed + since * MS, &last, gathered);
            let expected = wait.and_then(|wait| patience(gathered + 1, wait * MS));
            assert_eq!(found, expected, "{since} ms, {gathered}");
        }
        // A clock that stands behind the last batch's is taken for its moment.
        let later = batch(flushed + MS, MS, 1);
        assert_eq!(policy.wait(flushed, &later, 1), patience(2, 10 * MS));
    }

    #[test]
    fn the_time_to_wait_for_another_can_be_set() {
        let now = origin();
        let last = batch(now, MS, 1);
        let policy = FlushPolicy { delay: 30 * MS, poll_time: Some(MS), ..FlushPolicy::default() };
        assert_eq!(policy.wait(now, &last, 1), patience(2, MS));
        let never = FlushPolicy { poll_time: Some(Duration::ZERO), ..policy };
        assert_eq!(never.wait(now, &last, 1), None);
    }
}
