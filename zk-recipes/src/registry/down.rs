//! Instances that are passed over for a while because calling them failed. Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ServiceInstance;

/// How many instances with errors are remembered; of more, those that failed first are forgotten.
const NOTED_MAX: usize = 10_000;

/// When errors hide an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownPolicy {
    errors: usize,
    within: Duration,
}

impl DownPolicy {
    /// Hides an instance on which `errors` were noted within this time (1 if 0 is given), until as
    /// much time has passed since the first of them. Then it is as good as new.
    #[must_use]
    pub fn new(errors: usize, within: Duration) -> Self {
        Self { errors: errors.max(1), within }
    }

    /// Hides nothing.
    #[must_use]
    pub fn never() -> Self {
        Self { errors: usize::MAX, within: Duration::ZERO }
    }
}

impl Default for DownPolicy {
    /// 2 errors within 30 s, as in Curator.
    fn default() -> Self {
        Self::new(2, Duration::from_secs(30))
    }
}

/// What was noted on which instance.
#[derive(Debug, Default)]
pub(super) struct DownList {
    policy: DownPolicy,
    noted: HashMap<Identity, Noted>,
}

/// What tells an instance from one that is registered under the same id later, or elsewhere.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    id: String,
    address: Option<String>,
    ports: [Option<u16>; 2],
    registration_time_ms: i64,
}

#[derive(Debug)]
struct Noted {
    first: Instant,
    errors: usize,
}

impl Identity {
    fn of(instance: &ServiceInstance) -> Self {
        Self {
            id: instance.id.clone(),
            address: instance.address.clone(),
            ports: [instance.port, instance.ssl_port],
            registration_time_ms: instance.registration_time_ms,
        }
    }
}

impl DownList {
    pub(super) fn new(policy: DownPolicy) -> Self {
        Self { policy, noted: HashMap::new() }
    }

    /// An error on `instance`.
    pub(super) fn note(&mut self, instance: &ServiceInstance, now: Instant) {
        self.forget(now);
        let fresh = || Noted { first: now, errors: 0 };
        let noted = self.noted.entry(Identity::of(instance)).or_insert_with(fresh);
        noted.errors = noted.errors.saturating_add(1);
        if self.noted.len() > NOTED_MAX
            && let Some(oldest) = self.noted.values().map(|noted| noted.first).min()
        {
            self.noted.retain(|_, noted| noted.first != oldest);
        }
    }

    /// Whether `instance` is to be passed over.
    pub(super) fn is_down(&mut self, instance: &ServiceInstance, now: Instant) -> bool {
        self.forget(now);
        !self.noted.is_empty()
            && self
                .noted
                .get(&Identity::of(instance))
                .is_some_and(|noted| noted.errors >= self.policy.errors)
    }

    fn forget(&mut self, now: Instant) {
        let within = self.policy.within;
        self.noted.retain(|_, noted| now.saturating_duration_since(noted.first) < within);
    }
}

#[cfg(test)]
#[path = "down_tests.rs"]
mod tests;
