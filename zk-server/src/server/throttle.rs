//! Limits on how fast sessions are asked for, and on what large requests hold.

use std::time::Instant;

use fastrand::Rng;

use super::Server;
use crate::ConnectionId;
use crate::config::ConnectionThrottle;
use zk_proto::codec::FRAME_PREFIX_LEN;

/// What shares are counted in.
const MILLION: u32 = 1_000_000;

/// Tokens, of which each connect request takes one. Full at first.
#[derive(Debug)]
pub(super) struct TokenBucket {
    limits: ConnectionThrottle,
    left: u32,
    filled: Instant,
    /// The share of requests, in millionths, that are turned away whatever there is.
    drop: u32,
    /// When that was last looked at.
    frozen: Instant,
    rng: Rng,
}

impl TokenBucket {
    pub(super) fn new(limits: ConnectionThrottle, seed: u64, now: Instant) -> Self {
        let rng = Rng::with_seed(seed);
        Self { limits, left: limits.tokens, filled: now, drop: 0, frozen: now, rng }
    }

    /// Takes a token. False if there is none, or by chance where there are too few.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.limits.tokens == 0 {
            return true;
        }
        self.fill(now);
        if self.is_dropped(now) || self.left == 0 {
            return false;
        }
        self.left -= 1;
        true
    }

    /// How many are missing.
    pub(super) fn deficit(&self) -> u32 {
        self.limits.tokens - self.left
    }

    /// The share of requests that are turned away whatever there is, from 0 to 1.
    pub(super) fn drop_probability(&self) -> f64 {
        f64::from(self.drop) / f64::from(MILLION)
    }

    fn fill(&mut self, now: Instant) {
        let ConnectionThrottle { tokens, fill_time, fill_count, .. } = self.limits;
        let passed = now.saturating_duration_since(self.filled).as_nanos();
        let times = passed / fill_time.as_nanos().max(1);
        if times > 0 {
            let more = u128::from(fill_count).saturating_mul(times);
            let left = u128::from(self.left).saturating_add(more).min(tokens.into());
            self.left = u32::try_from(left).unwrap_or(tokens);
            self.filled = now;
        }
    }

    /// Apache's `BlueThrottle`, after "BLUE: A New Class of Active Queue Management Algorithms".
    fn is_dropped(&mut self, now: Instant) -> bool {
        let ConnectionThrottle { tokens, freeze_time, decrease_ratio, .. } = self.limits;
        let Some(freeze_time) = freeze_time else { return false };
        if now.saturating_duration_since(self.frozen) > freeze_time {
            let missing = u64::from(self.deficit()) * u64::from(MILLION);
            if self.left == 0 {
                self.drop = self.drop.saturating_add(self.limits.drop_increase).min(MILLION);
            } else if missing <= u64::from(tokens) * u64::from(decrease_ratio) {
                self.drop = self.drop.saturating_sub(self.limits.drop_decrease);
            }
            self.frozen = now;
        }
        self.rng.u32(0..MILLION) < self.drop
    }
}

impl Server {
    /// What a request of so many bytes counts towards `largeRequestMaxBytes`: nothing, unless it is
    /// a large one.
    pub(super) fn large(&self, len: usize) -> usize {
        let threshold = self.config.limits.large_request_threshold;
        if threshold.is_some_and(|threshold| len > threshold) { len } else { 0 }
    }

    /// Whether the next frame is announced as one for which there is no room beside the large
    /// requests that are being worked on.
    pub(super) fn is_too_much(&self, conn: ConnectionId, bytes: &[u8]) -> bool {
        let has_session = self.connections.get(&conn).is_some_and(|it| it.session().is_some());
        let prefix = bytes.first_chunk::<FRAME_PREFIX_LEN>();
        let len = prefix.map_or(0, |prefix| u32::from_be_bytes(*prefix) as usize);
        let large = self.large(len);
        has_session
            && large > 0
            && self.large_in_flight.saturating_add(large)
                > self.config.limits.large_request_max_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the origin of a clock that the test moves")]
    fn a_bucket_is_full_at_first_and_fills_again_with_time() {
        let fill_time = Duration::from_millis(10);
        let limits =
            ConnectionThrottle { tokens: 3, fill_time, fill_count: 2, ..Default::default() };
        let start = Instant::now();
        let mut bucket = TokenBucket::new(limits, 1, start);
        let mut taken =
            |ms| (0..5).filter(|_| bucket.take(start + Duration::from_millis(ms))).count();
        assert_eq!([0, 9, 10, 11, 60_000].map(&mut taken), [3, 0, 2, 0, 3]);
        let mut off = TokenBucket::new(ConnectionThrottle::default(), 1, start);
        assert!((0..1000).all(|_| off.take(start)));
    }

    /// Ten tokens a second, of which each second `offered` requests want one, evenly.
    struct Load {
        bucket: TokenBucket,
        at: Instant,
    }

    impl Load {
        #[allow(clippy::disallowed_methods, reason = "the origin of a clock that the test moves")]
        fn on(freeze_time: Option<Duration>, decrease_ratio: u32) -> Self {
            let limits = ConnectionThrottle {
                tokens: 10,
                fill_time: Duration::from_millis(1000),
                fill_count: 10,
                freeze_time,
                drop_increase: 20_000,
                drop_decrease: 2_000,
                decrease_ratio,
            };
            let at = Instant::now();
            Self { bucket: TokenBucket::new(limits, 7, at), at }
        }

        /// Which of the requests of a second are let in. The last comes with new tokens.
        fn second(&mut self, offered: u32) -> Vec<bool> {
            let step = Duration::from_secs(1) / offered;
            let mut one = || {
                self.at += step;
                self.bucket.take(self.at)
            };
            (0..offered).map(|_| one()).collect()
        }
    }

    #[test]
    fn without_chance_those_who_are_late_are_never_let_in() {
        let mut load = Load::on(None, 0);
        load.second(40);
        for _ in 0..20 {
            let let_in = load.second(40);
            let late = let_in[15..39].iter().filter(|let_in| **let_in).count();
            assert_eq!((late, load.bucket.drop), (0, 0));
        }
    }

    #[test]
    fn under_constant_load_chance_lets_in_late_ones_too_and_ends_with_the_load() {
        let mut load = Load::on(Some(Duration::from_millis(100)), 500_000);
        let (mut late, mut all) = (0, 0);
        for _ in 0..60 {
            let let_in = load.second(40);
            late += let_in[15..39].iter().filter(|let_in| **let_in).count();
            all += let_in.iter().filter(|let_in| **let_in).count();
        }
        // A quarter of them fits: three quarters are turned away, give or take.
        let drop = load.bucket.drop;
        assert!((400_000..950_000).contains(&drop), "{drop}");
        assert!(late > 60 && (300..=610).contains(&all), "{late} of {all}");
        // Two a second leave more than half of the bucket.
        let mut quiet = 0;
        while load.bucket.drop > 0 {
            load.second(2);
            quiet += 1;
            assert!(quiet < 1000, "{}", load.bucket.drop);
        }
        assert!(load.second(2).iter().all(|let_in| *let_in));
    }

    #[test]
    fn the_share_changes_once_in_a_while_and_stays_within_bounds() {
        let mut load = Load::on(Some(Duration::from_millis(100)), 0);
        load.bucket.limits.fill_count = 0;
        load.bucket.limits.drop_increase = 400_000;
        // Ten take what there is; the share is looked at with each that comes more than 100 ms later.
        let mut seen = Vec::new();
        for _ in 0..14 {
            load.at += Duration::from_millis(101);
            load.bucket.take(load.at);
            load.bucket.take(load.at);
            seen.push(load.bucket.drop);
        }
        assert_eq!(seen[..5], [0; 5]);
        assert_eq!(seen[5..9], [400_000, 800_000, 1_000_000, 1_000_000]);
        // It shrinks only where the bucket is as full as the ratio says, here to the brim.
        load.bucket.left = 9;
        load.at += Duration::from_millis(101);
        assert!(!load.bucket.take(load.at) && load.bucket.drop == 1_000_000);
        load.bucket.left = 10;
        load.at += Duration::from_millis(101);
        load.bucket.take(load.at);
        assert_eq!(load.bucket.drop, 998_000);
    }
}
