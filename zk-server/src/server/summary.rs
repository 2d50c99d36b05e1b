//! What is counted of values that come one by one: their number, sum and extremes, and for some
//! how they are spread.
//!
//! Adding a value to a [`Summary`] is four additions and comparisons, to a [`Distribution`] two
//! more and a shift. Neither allocates.

use std::time::Duration;

/// Number, sum, least and greatest of whole numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
}

impl Summary {
    pub(crate) fn record(&mut self, value: u64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// Whole milliseconds, as Apache counts.
    pub(crate) fn record_ms(&mut self, taken: Duration) {
        self.record(whole_ms(taken));
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum(&self) -> u64 {
        self.sum
    }

    /// 0 before the first value.
    pub(crate) fn min(&self) -> u64 {
        self.min
    }

    /// 0 before the first value.
    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// 0 before the first value.
    #[expect(clippy::cast_precision_loss, reason = "an average needs no 53 bits")]
    pub(crate) fn average(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }
}

/// Values up to here have a bucket each.
const EXACT: u64 = 16;

/// Buckets for each doubling above: a quantile is at most an eighth too large.
const PER_DOUBLING: u64 = 8;

/// Up to 2³²; what is larger is counted as that.
const DOUBLINGS: u64 = 28;

#[expect(clippy::cast_possible_truncation, reason = "it is 240")]
const BUCKETS: usize = (EXACT + DOUBLINGS * PER_DOUBLING) as usize;

/// A summary that knows quantiles too, of the values since the last rotation but one.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    pub(crate) all: Summary,
    /// What is counted now, and what was before the last rotation.
    recent: [Box<[u32; BUCKETS]>; 2],
}

impl Default for Distribution {
    fn default() -> Self {
        let empty = || Box::new([0; BUCKETS]);
        Self { all: Summary::default(), recent: [empty(), empty()] }
    }
}

impl Distribution {
    pub(crate) fn record(&mut self, value: u64) {
        self.all.record(value);
        let bucket = &mut self.recent[0][bucket_of(value)];
        *bucket = bucket.saturating_add(1);
    }

    /// Whole milliseconds, as Apache counts.
    pub(crate) fn record_ms(&mut self, taken: Duration) {
        self.record(whole_ms(taken));
    }

    /// The value that a share of `per_mille` of the values does not exceed; `None` without values.
    pub(crate) fn quantile(&self, per_mille: u64) -> Option<u64> {
        let [now, before] = &self.recent;
        let counts = || now.iter().zip(before.iter()).map(|(a, b)| u64::from(*a) + u64::from(*b));
        let total: u64 = counts().sum();
        if total == 0 {
            return None;
        }
        let rank = (total.saturating_mul(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0;
        let bucket = counts().position(|count| {
            seen += count;
            seen >= rank
        });
        bucket.map(|bucket| last_of(bucket).clamp(self.all.min, self.all.max))
    }

    /// Begins to forget: what was counted before the rotation before this one is gone.
    pub(crate) fn rotate(&mut self) {
        self.recent.swap(0, 1);
        self.recent[0].fill(0);
    }
}

fn bucket_of(value: u64) -> usize {
    let bucket = if value < EXACT {
        value
    } else {
        let exponent = u64::from(value.ilog2());
        let eighth = (value >> (exponent - 3)) % PER_DOUBLING;
        EXACT + (exponent - 4) * PER_DOUBLING + eighth
    };
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn last_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (doubling, eighth) = ((bucket - EXACT) / PER_DOUBLING, (bucket - EXACT) % PER_DOUBLING);
    ((PER_DOUBLING + eighth + 1) << (doubling + 1)) - 1
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_in_its_bucket_and_in_no_larger_one() {
        for value in (0..5000).chain([1 << 20, (1 << 20) - 1, (1 << 32) - 1]) {
            let bucket = bucket_of(value);
            assert!(value <= last_of(bucket), "{value}");
            assert!(bucket == 0 || value > last_of(bucket - 1), "{value}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_at_most_an_eighth_too_large() {
        let mut distribution = Distribution::default();
        assert_eq!(distribution.quantile(500), None);
        for value in 1..=1000 {
            distribution.record(value);
        }
        for (per_mille, exact) in [(500, 500), (950, 950), (990, 990), (999, 999)] {
            let found = distribution.quantile(per_mille).unwrap();
            assert!(found >= exact && found <= exact + exact / 8, "{per_mille}: {found}");
        }
        assert_eq!((distribution.all.count(), distribution.all.sum()), (1000, 500_500));
        assert_eq!(distribution.quantile(1000), Some(1000), "never above the greatest");
    }

    #[test]
    fn what_is_old_leaves_the_quantiles_and_stays_in_the_sums() {
        let mut distribution = Distribution::default();
        distribution.record(100);
        distribution.rotate();
        distribution.record(1);
        assert_eq!(distribution.quantile(990), Some(100));
        distribution.rotate();
        assert_eq!(distribution.quantile(990), Some(1));
        distribution.rotate();
        assert_eq!(distribution.quantile(990), None);
        assert_eq!((distribution.all.count(), distribution.all.max()), (2, 100));
    }
}
