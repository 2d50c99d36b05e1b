//! Which transaction may come behind which.

use zk_proto::Zxid;

/// Whether `next` can be the transaction behind `last`: the very next one, or the first of a later
/// epoch.
#[must_use]
pub fn follows(last: Zxid, next: Zxid) -> bool {
    next.0 == last.0.saturating_add(1) || (next.epoch() > last.epoch() && next.counter() == 1)
}
