//! PURE: when the next snapshot is due.

/// After how many transactions, and bytes of them, there is a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotLimits {
    /// Between half as many transactions and as many (`snapCount`, 100 000).
    pub txns: u64,
    /// Between half as many bytes of log and as many (`snapSizeLimitInKb`, 4 GiB); 0 is no limit.
    pub log_len: u64,
}

impl Default for SnapshotLimits {
    fn default() -> Self {
        Self { txns: 100_000, log_len: 4 << 30 }
    }
}

/// Counts what was logged since the snapshot that the next start would begin with.
#[derive(Debug)]
pub struct SnapshotSchedule {
    limits: SnapshotLimits,
    /// Never the same twice, so that servers that have the same transactions do not take their
    /// snapshots at the same time.
    due_txns: u64,
    due_len: u64,
    txns: u64,
    log_len: u64,
    rng: fastrand::Rng,
}

impl SnapshotSchedule {
    /// A schedule with `replayed` transactions behind the last snapshot.
    #[must_use]
    pub fn new(limits: SnapshotLimits, replayed: u64, rng: fastrand::Rng) -> Self {
        let (due_txns, due_len) = (0, 0);
        let mut schedule = Self { limits, due_txns, due_len, txns: 0, log_len: 0, rng };
        schedule.begin();
        schedule.txns = replayed;
        schedule
    }

    /// Counts a batch.
    pub fn note(&mut self, txns: usize, log_len: u64) {
        self.txns += txns as u64;
        self.log_len = self.log_len.saturating_add(log_len);
    }

    /// Whether it is time for a snapshot.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let is_long = self.limits.log_len > 0 && self.log_len > self.due_len;
        self.txns > self.due_txns || is_long
    }

    /// A snapshot was begun: counting starts again.
    pub fn begin(&mut self) {
        let mut between = |limit: u64| limit / 2 + self.rng.u64(..=limit / 2);
        (self.due_txns, self.due_len) = (between(self.limits.txns), between(self.limits.log_len));
        (self.txns, self.log_len) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(txns: u64, log_len: u64, replayed: u64) -> SnapshotSchedule {
        let limits = SnapshotLimits { txns, log_len };
        SnapshotSchedule::new(limits, replayed, fastrand::Rng::with_seed(7))
    }

    /// How many steps there are until a snapshot is due.
    fn steps(schedule: &mut SnapshotSchedule, txns: usize, log_len: u64) -> u64 {
        schedule.begin();
        (1..)
            .find(|_| {
                schedule.note(txns, log_len);
                schedule.is_due()
            })
            .expect("it is due some time")
    }

    #[test]
    fn one_is_due_between_half_the_transactions_and_all_and_never_at_the_same() {
        let mut schedule = schedule(1000, 0, 0);
        let all: Vec<_> = (0..50).map(|_| steps(&mut schedule, 1, u64::MAX)).collect();
        assert!(all.iter().all(|steps| (501..=1001).contains(steps)), "{all:?}");
        assert!(all.iter().any(|steps| *steps != all[0]));
    }

    #[test]
    fn bytes_count_as_well() {
        let mut schedule = schedule(u64::MAX, 1000, 0);
        let all: Vec<_> = (0..50).map(|_| steps(&mut schedule, 1, 1)).collect();
        assert!(all.iter().all(|steps| (501..=1001).contains(steps)), "{all:?}");
    }

    #[test]
    fn what_was_replayed_counts() {
        assert!(schedule(100, 0, 101).is_due());
        assert!(!schedule(100, 0, 50).is_due());
    }
}
