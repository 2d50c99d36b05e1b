//! Quotas: limits that clients set on subtrees, and what these subtrees hold.
//!
//! A node `zookeeper_limits` below `/zookeeper/quota` puts a quota on the path between the two. What
//! the subtree there holds stands in `zookeeper_stats` beside it, which each server keeps up by
//! itself: no transaction says it, and no version, time or digest shows it.
//!
//! As in Apache's server only the deepest quota above a node counts it, the root cannot have one,
//! and creating `zookeeper_stats` counts the subtree anew, as loading a snapshot does.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::path;

use super::arena::NodeId;
use super::{DataTree, special};
use crate::counted_paths::CountedPaths;

/// The name of the node with the limits of a quota.
const LIMITS: &str = "zookeeper_limits";
/// The name of the node with what a quota's subtree holds.
const STATS: &str = "zookeeper_stats";

/// What stands in the data of `zookeeper_limits` and `zookeeper_stats`: numbers by name, of which
/// -1 is none.
///
/// `count=<n>,bytes=<n>`, the soft limits or the usage; if there is more, `=` and then each
/// `;name=<n>` in the order of the names. The lone `=` is for parsers of 3.6 and older, which stop
/// there.
///
/// ```
/// use zk_server::tree::StatsTrack;
///
/// let limits = StatsTrack::parse(b"count=-1,bytes=100=;countHardLimit=10");
/// assert_eq!((limits.bytes(), limits.count_hard_limit()), (100, 10));
/// assert_eq!(limits.to_string(), "count=-1,bytes=100=;countHardLimit=10");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsTrack {
    values: BTreeMap<String, i64>,
}

impl StatsTrack {
    const COUNT: &'static str = "count";
    const BYTES: &'static str = "bytes";
    const COUNT_HARD_LIMIT: &'static str = "countHardLimit";
    const BYTE_HARD_LIMIT: &'static str = "byteHardLimit";

    /// Reads the data of a node. What cannot be read counts as not there, and so do all data that
    /// are [longer](Self::LEN_MAX) than any numbers: any client may have written it, and each write
    /// below reads it again. Apache's server stops over it.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        if data.len() > Self::LEN_MAX {
            return Self::default();
        }
        let text = String::from_utf8_lossy(data);
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').filter(|(key, _)| !key.is_empty())?;
            // The lone `=` may follow.
            let value = value.trim_end_matches('=');
            let value = if value.is_empty() { Self::NONE } else { value.parse().ok()? };
            Some((key.to_owned(), value))
        };
        Self { values: text.split([',', ';']).filter_map(pair).collect() }
    }

    const NONE: i64 = -1;

    /// Bytes of data that are read: room for a hundred numbers, of which four mean something.
    pub const LEN_MAX: usize = 4 << 10;

    fn of(count: i64, bytes: i64) -> Self {
        let values = [(Self::COUNT, count), (Self::BYTES, bytes)];
        Self { values: values.map(|(key, value)| (key.to_owned(), value)).into() }
    }

    fn get(&self, key: &str) -> i64 {
        self.values.get(key).copied().unwrap_or(Self::NONE)
    }

    /// Nodes: how many there may be before a warning, or how many there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.get(Self::COUNT)
    }

    /// Bytes of data: how many there may be before a warning, or how many there are.
    #[must_use]
    pub fn bytes(&self) -> i64 {
        self.get(Self::BYTES)
    }

    /// How many nodes there may be at all.
    #[must_use]
    pub fn count_hard_limit(&self) -> i64 {
        self.get(Self::COUNT_HARD_LIMIT)
    }

    /// How many bytes of data there may be at all.
    #[must_use]
    pub fn byte_hard_limit(&self) -> i64 {
        self.get(Self::BYTE_HARD_LIMIT)
    }

    fn add(&mut self, count: i64, bytes: i64) {
        for (key, more) in [(Self::COUNT, count), (Self::BYTES, bytes)] {
            let value = self.get(key).wrapping_add(more);
            self.values.insert(key.to_owned(), value);
        }
    }
}

impl std::fmt::Display for StatsTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "count={},bytes={}", self.count(), self.bytes())?;
        let is_first = |key: &str| [Self::COUNT, Self::BYTES].contains(&key);
        let mut others = self.values.iter().filter(|(key, _)| !is_first(key)).peekable();
        if others.peek().is_some() {
            f.write_str("=")?;
        }
        others.try_for_each(|(key, value)| write!(f, ";{key}={value}"))
    }
}

/// A quota: the subtree, its limits and its usage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// The root of the subtree.
    pub path: String,
    /// What it may hold.
    pub limits: StatsTrack,
    /// What it holds.
    pub usage: StatsTrack,
}

/// The paths that have a quota.
#[derive(Debug, Default)]
pub(super) struct QuotaPaths {
    paths: BTreeSet<Box<str>>,
    /// The same: each write asks which of them is above it.
    counted: CountedPaths,
    /// Those that are to be counted anew when the transaction is through, once however often it asks.
    awaited: BTreeSet<Box<str>>,
}

impl QuotaPaths {
    /// The deepest one that is the path or above it.
    pub(super) fn above<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.paths.is_empty() {
            return None;
        }
        let above = self.counted.above(path).into_iter().chain([path]);
        above.rev().find(|at| self.paths.contains(*at))
    }

    pub(super) fn insert(&mut self, path: &str) {
        if self.paths.insert(path.into()) {
            self.counted.add(path);
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        if self.paths.remove(path) {
            self.counted.remove(path);
        }
    }
}

/// The path whose quota has such a node, by the name of that.
fn quota_of<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let subtree = path.strip_prefix(special::QUOTA)?.strip_suffix(name)?.strip_suffix('/')?;
    // The root cannot have one.
    (subtree.starts_with('/')).then_some(subtree)
}

fn node_of(subtree: &str, name: &str) -> String {
    format!("{}{subtree}/{name}", special::QUOTA)
}

impl DataTree {
    /// The quota that a node at this path counts for.
    #[must_use]
    pub fn quota_above(&self, path: &str) -> Option<Quota> {
        let subtree = self.quotas.above(path)?;
        let track = |name| {
            let node = self.node(&node_of(subtree, name))?;
            Some(StatsTrack::parse(node.data().unwrap_or_default()))
        };
        Some(Quota { path: subtree.to_owned(), limits: track(LIMITS)?, usage: track(STATS)? })
    }

    /// All quotas, in the order of their paths.
    pub fn quotas(&self) -> impl Iterator<Item = Quota> {
        self.quotas.paths.iter().filter_map(|path| self.quota_above(path))
    }

    /// A node was created.
    pub(super) fn count_created(&mut self, path: &str, data_len: usize) {
        if let Some(subtree) = quota_of(path, LIMITS) {
            self.quotas.insert(subtree);
        } else if let Some(subtree) = quota_of(path, STATS) {
            self.quotas.awaited.insert(subtree.into());
        }
        self.charge(path, 1, signed(data_len));
    }

    /// A node was deleted.
    pub(super) fn count_deleted(&mut self, path: &str, data_len: usize) {
        if let Some(subtree) = quota_of(path, LIMITS) {
            self.quotas.remove(subtree);
        }
        self.await_no_count(path);
        self.charge(path, -1, -signed(data_len));
    }

    /// A node's data was set.
    pub(super) fn count_data_set(&mut self, path: &str, len_before: usize, len: usize) {
        self.await_no_count(path);
        self.charge(path, 0, signed(len) - signed(len_before));
    }

    /// What was to be counted was deleted, or set by a client.
    fn await_no_count(&mut self, path: &str) {
        if !self.quotas.awaited.is_empty()
            && let Some(subtree) = quota_of(path, STATS)
        {
            self.quotas.awaited.remove(subtree);
        }
    }

    /// The transaction is through: counts what it asked for. A multi of thousands that create and
    /// delete `zookeeper_stats` would walk through the subtree for each of them otherwise.
    pub(super) fn count_awaited(&mut self) {
        while let Some(subtree) = self.quotas.awaited.pop_first() {
            self.count_anew(&subtree);
        }
    }

    fn charge(&mut self, path: &str, count: i64, bytes: i64) {
        let Some(subtree) = self.quotas.above(path) else { return };
        let at = node_of(subtree, STATS);
        let Some(stats) = self.find(&at) else { return };
        let mut usage = StatsTrack::parse(self.node_ref(stats).data().unwrap_or_default());
        usage.add(count, bytes);
        self.write_usage(&at, stats, &usage);
    }

    /// Counts what a subtree holds, itself included.
    fn count_anew(&mut self, subtree: &str) {
        let at = node_of(subtree, STATS);
        let Some(stats) = self.find(&at) else { return };
        let (mut count, mut bytes) = (0, 0);
        let mut open: Vec<NodeId> = self.find(subtree).into_iter().collect();
        while let Some(id) = open.pop() {
            let node = self.nodes.get(id);
            count += 1;
            bytes += signed(node.data.as_ref().map_or(0, |data| data.len()));
            open.extend(node.children().map(|(_, child)| child));
        }
        self.write_usage(&at, stats, &StatsTrack::of(count, bytes));
    }

    /// Nothing of the node but its data changes.
    fn write_usage(&mut self, at: &str, stats: NodeId, usage: &StatsTrack) {
        self.keep_for_moment(at, stats);
        let data = usage.to_string().into_bytes().into_boxed_slice();
        let len = data.len();
        let former = self.nodes.get_mut(stats).data.replace(data);
        self.data_size = self.data_size - former.map_or(0, |former| former.len()) + len;
    }

    /// Finds the quotas of a tree that was loaded, and counts what they hold: a snapshot is taken
    /// while nodes come and go, so what it says of their number is of no time.
    pub(super) fn find_quotas(&mut self) {
        let mut open: Vec<(String, NodeId)> = self
            .find(special::QUOTA)
            .map(|id| (special::QUOTA.to_owned(), id))
            .into_iter()
            .collect();
        let mut found = QuotaPaths::default();
        while let Some((at, id)) = open.pop() {
            if let Some(subtree) = quota_of(&at, LIMITS) {
                found.insert(subtree);
            }
            let children = self.nodes.get(id).children();
            open.extend(children.map(|(name, child)| (path::join(&at, name), child)));
        }
        found.paths.iter().for_each(|subtree| self.count_anew(subtree));
        self.quotas = found;
    }
}

/// No data is longer than a frame.
fn signed(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
