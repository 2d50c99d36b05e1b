//! Where quotas are enforced.

use zk_proto::ErrorCode;

use super::Validator;
use crate::tree::{Quota, StatsTrack};

/// What a write adds to a subtree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    pub(super) nodes: i64,
    pub(super) bytes: i64,
}

impl Growth {
    /// By a new node.
    pub(super) fn of_node(data: Option<&[u8]>) -> Self {
        Self { nodes: 1, bytes: len(data) }
    }

    /// By other data in a node that had `len_before` bytes.
    pub(super) fn of_data(len_before: usize, data: Option<&[u8]>) -> Self {
        Self { nodes: 0, bytes: len(data) - i64::try_from(len_before).unwrap_or(i64::MAX) }
    }
}

fn len(data: Option<&[u8]>) -> i64 {
    i64::try_from(data.map_or(0, <[u8]>::len)).unwrap_or(i64::MAX)
}

/// A limit, and what a write would make of the usage.
struct Check {
    what: &'static str,
    growth: i64,
    usage: i64,
    soft: i64,
    hard: i64,
}

impl Check {
    fn of_nodes(limits: &StatsTrack, usage: &StatsTrack, growth: i64) -> Self {
        let (soft, hard) = (limits.count(), limits.count_hard_limit());
        Self { what: "nodes", growth, usage: usage.count(), soft, hard }
    }

    fn of_bytes(limits: &StatsTrack, usage: &StatsTrack, growth: i64) -> Self {
        let (soft, hard) = (limits.bytes(), limits.byte_hard_limit());
        Self { what: "bytes of data", growth, usage: usage.bytes(), soft, hard }
    }

    /// The limit that holds and the new usage, if that is above it. A hard limit takes the place of
    /// a soft one; what does not change is not looked at.
    fn exceeded(&self) -> Option<(i64, i64)> {
        let limit = if self.hard >= 0 { self.hard } else { self.soft };
        let usage = self.usage.saturating_add(self.growth);
        (self.growth != 0 && limit >= 0 && usage > limit).then_some((limit, usage))
    }
}

/// A limit that a write has passed or would have.
#[derive(Clone, Debug)]
pub(in crate::request) struct QuotaExcess {
    path: String,
    what: &'static str,
    limit: i64,
    usage: i64,
    refused: bool,
}

impl QuotaExcess {
    /// The quota's path, if its limit has refused a write; else the root, which has none.
    pub(in crate::request) fn refused_below(&self) -> &str {
        if self.refused { &self.path } else { "/" }
    }
}

impl std::fmt::Display for QuotaExcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, what, limit, usage, refused } = self;
        let outcome =
            if *refused { "a write was refused that would make" } else { "there are now" };
        write!(f, "the quota of {path:?} is {limit} {what}, and {outcome} {usage}")
    }
}

impl Validator<'_> {
    /// Whether the deepest quota above the path has room for what a write adds. Of soft limits only
    /// the log tells.
    ///
    /// By what is applied, as in Apache: writes that come while others are on their way may go
    /// beyond the limit.
    pub(super) fn check_quota(&mut self, path: &str, growth: Growth) -> Result<(), ErrorCode> {
        if !self.settings.enforce_quota {
            return Ok(());
        }
        let Some(Quota { path, limits, usage, .. }) = self.draft.quota_above(path) else {
            return Ok(());
        };
        let checks = [
            Check::of_nodes(&limits, &usage, growth.nodes),
            Check::of_bytes(&limits, &usage, growth.bytes),
        ];
        for check in checks {
            let Some((limit, usage)) = check.exceeded() else { continue };
            let refused = check.hard >= 0;
            let excess =
                QuotaExcess { path: path.clone(), what: check.what, limit, usage, refused };
            self.excess = Some(excess);
            if refused {
                return Err(ErrorCode::QuotaExceeded);
            }
        }
        Ok(())
    }
}
