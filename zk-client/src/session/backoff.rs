//! How long to wait before the next attempt to connect.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use fastrand::Rng;

/// Pauses that grow while nothing works.
///
/// The first attempt at each server comes after a short random pause: a live server is found soon,
/// and the clients of a server that died do not all arrive at once. When all servers have failed
/// once, pauses double up to the maximum, each with up to as much again of jitter on top.
#[derive(Debug)]
pub(crate) struct Backoff {
    builder: ExponentialBuilder,
    min: Duration,
    hosts: usize,
    rng: Rng,
    failures: usize,
    growing: Option<ExponentialBackoff>,
}

impl Backoff {
    /// Pauses from `min` to `max`, for a list of so many servers.
    pub(crate) fn new(min: Duration, max: Duration, hosts: usize, mut rng: Rng) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(min)
            .with_max_delay(max.max(min))
            .without_max_times()
            .with_jitter_seed(rng.u64(..))
            .with_jitter();
        Self { builder, min, hosts, rng, failures: 0, growing: None }
    }

    /// There are so many servers from now on.
    pub(crate) fn set_hosts(&mut self, hosts: usize) {
        self.hosts = hosts;
    }

    /// The pause after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.failures <= self.hosts {
            return self.min.mul_f64(0.5 + self.rng.f64() / 2.0);
        }
        let growing = self.growing.get_or_insert_with(|| self.builder.build());
        growing.next().unwrap_or(self.min)
    }

    /// Starts over. Only for when a server has done something for this client: one that takes the
    /// connection, or even the session, and then fails each time, must not be hammered.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
        // The jitter goes on with fresh numbers, not with those of the last outage.
        if self.growing.take().is_some() {
            self.builder = self.builder.with_jitter_seed(self.rng.u64(..));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_millis(50);
    const MAX: Duration = Duration::from_secs(1);

    fn backoff(seed: u64) -> Backoff {
        Backoff::new(MIN, MAX, 2, Rng::with_seed(seed))
    }

    #[test]
    fn pauses_grow_after_the_first_round_up_to_a_cap() {
        let mut backoff = backoff(1);
        let pauses: Vec<_> = (0..2000).map(|_| backoff.next()).collect();
        assert!(pauses[..2].iter().all(|pause| (MIN / 2..=MIN).contains(pause)), "{pauses:?}");
        for (at, pause) in pauses[2..].iter().enumerate() {
            let base = MIN.saturating_mul(1 << at.min(10)).min(MAX);
            assert!((base..=2 * base).contains(pause), "pause {at} is {pause:?}");
        }
    }

    #[test]
    fn the_pauses_follow_from_the_seed() {
        let pauses = |seed| {
            let mut backoff = backoff(seed);
            (0..9).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(4), pauses(4));
        assert_ne!(pauses(4), pauses(5));
    }

    #[test]
    fn a_reset_starts_over() {
        let mut backoff = backoff(2);
        for _ in 0..9 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= MIN);
    }
}
