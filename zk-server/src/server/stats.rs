//! Counters behind `srvr`, `stat` and `mntr`.

use std::time::Duration;

/// What the server has counted since it started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerStats {
    pub(crate) packets_received: u64,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) response_bytes: u64,
    pub(crate) watch_bytes: u64,
    pub(crate) connection_requests: u64,
    pub(crate) connections_rejected: u64,
    pub(crate) connections_dropped: u64,
    pub(crate) sessionless_expired: u64,
    pub(crate) sessions_expired: u64,
    pub(crate) revalidations: u64,
    pub(crate) auth_failures: u64,
    pub(crate) proposals: u64,
    pub(crate) commits: u64,
    pub(crate) latency: Latency,
}

/// How long requests took from the last byte received to the answer encoded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Latency {
    count: u64,
    total_ms: u64,
    min_ms: Option<u64>,
    max_ms: u64,
}

impl Latency {
    pub(super) fn record(&mut self, taken: Duration) {
        let ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
        self.count += 1;
        self.total_ms = self.total_ms.saturating_add(ms);
        self.min_ms = Some(self.min_ms.map_or(ms, |min| min.min(ms)));
        self.max_ms = self.max_ms.max(ms);
    }

    pub(crate) fn min_ms(&self) -> u64 {
        self.min_ms.unwrap_or(0)
    }

    pub(crate) fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// In milliseconds; 0 before the first request.
    #[expect(clippy::cast_precision_loss, reason = "an average needs no 53 bits")]
    pub(crate) fn average_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.total_ms as f64 / self.count as f64 }
    }
}

/// What one connection has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConnectionStats {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}
