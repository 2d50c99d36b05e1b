//! Containers that emptied and TTL nodes that aged out.

use zk_proto::EphemeralOwner;

use super::{DataTree, NodeRef};

impl DataTree {
    /// The nodes that the server itself should delete now, at most `limit` of them.
    ///
    /// A container ends when it has no children but had some, or, with `never_used_ms` above 0, when
    /// it has been without any for longer than that. A TTL node ends when it has no children and its
    /// data was not set for longer than its time to live. `now_ms` is wall time, as `mtime` is.
    ///
    /// These are candidates: a request on its way may use the node, so each deletion is proposed
    /// like any other and judged against what is pending.
    #[must_use]
    pub fn sweep_candidates(&self, now_ms: i64, never_used_ms: i64, limit: usize) -> Vec<String> {
        let empty = |path: &&str| self.node(path).is_some_and(|node| node.child_count() == 0);
        let containers = self.owners.containers().filter(empty).filter(|path| {
            self.node(path).is_some_and(|node| is_used_up(node, now_ms, never_used_ms))
        });
        let ttls = self.owners.ttls().filter(empty).filter(|path| {
            self.node(path).is_some_and(|node| match node.owner() {
                EphemeralOwner::Ttl(ttl_ms) => age_ms(node, now_ms) > ttl_ms,
                _ => false,
            })
        });
        containers.chain(ttls).take(limit).map(str::to_owned).collect()
    }
}

fn is_used_up(container: NodeRef<'_>, now_ms: i64, never_used_ms: i64) -> bool {
    container.create_count() > 0 || (never_used_ms > 0 && age_ms(container, now_ms) > never_used_ms)
}

/// Since the data was set. A clock that was set back makes nodes younger, never older.
fn age_ms(node: NodeRef<'_>, now_ms: i64) -> i64 {
    now_ms.saturating_sub(node.node.mtime_ms)
}
