//! Limits on how fast sessions are asked for, and on what large requests hold.

use std::time::Instant;

use super::Server;
use crate::ConnectionId;
use crate::config::ConnectionThrottle;
use zk_proto::codec::FRAME_PREFIX_LEN;

/// Tokens, of which each connect request takes one. Full at first.
#[derive(Debug)]
pub(super) struct TokenBucket {
    limits: ConnectionThrottle,
    left: u32,
    filled: Instant,
}

impl TokenBucket {
    pub(super) fn new(limits: ConnectionThrottle, now: Instant) -> Self {
        Self { limits, left: limits.tokens, filled: now }
    }

    /// Takes a token. False if there is none.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let ConnectionThrottle { tokens, fill_time, fill_count } = self.limits;
        if tokens == 0 {
            return true;
        }
        let passed = now.saturating_duration_since(self.filled).as_nanos();
        let times = passed / fill_time.as_nanos().max(1);
        if times > 0 {
            let more = u128::from(fill_count).saturating_mul(times);
            let left = u128::from(self.left).saturating_add(more).min(tokens.into());
            self.left = u32::try_from(left).unwrap_or(tokens);
            self.filled = now;
        }
        let is_there = self.left > 0;
        self.left -= u32::from(is_there);
        is_there
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
        let limits = ConnectionThrottle { tokens: 3, fill_time, fill_count: 2 };
        let start = Instant::now();
        let mut bucket = TokenBucket::new(limits, start);
        let mut taken =
            |ms| (0..5).filter(|_| bucket.take(start + Duration::from_millis(ms))).count();
        assert_eq!([0, 9, 10, 11, 60_000].map(&mut taken), [3, 0, 2, 0, 3]);
        let mut off = TokenBucket::new(ConnectionThrottle::default(), start);
        assert!((0..1000).all(|_| off.take(start)));
    }
}
