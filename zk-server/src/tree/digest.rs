//! What a tree adds up to, by which servers find out that theirs are not the same.
//!
//! Each node has a CRC-32 of its path, its data and its metadata as on disk; the digest is their
//! sum, so that a change takes one number away and adds another. ACLs are not in it, nor is what
//! is below `/zookeeper`: quotas count by themselves. Apache calls this version 2, and has it since
//! 3.6.

use std::collections::VecDeque;

use crc32fast::Hasher;
use zk_proto::Zxid;
use zk_proto::txn::TxnDigest;

use super::special;
use crate::storage::format::StatPersisted;

/// How digests are computed.
const VERSION: i32 = 2;

/// Transactions between two digests that are kept.
const KEPT_EVERY: i64 = 128;
/// How many digests are kept.
const KEPT_MAX: usize = 1024;

/// Bytes of metadata that are summed up.
const STAT_LEN: usize = 60;

/// Path and data of a node, as far as its digest goes: what stays the same while only metadata
/// changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentSum(Option<u32>);

impl ContentSum {
    pub(crate) fn of(path: &str, data: Option<&[u8]>) -> Self {
        if path.strip_prefix(special::ZOOKEEPER).is_some_and(|below| below.starts_with('/')) {
            return Self(None);
        }
        let mut crc = Hasher::new();
        crc.update(if path == special::ROOT { b"" } else { path.as_bytes() });
        crc.update(data.unwrap_or_default());
        Self(Some(crc.finalize()))
    }

    /// What the node adds to the tree's digest.
    pub(crate) fn with(self, stat: &StatPersisted) -> NodeDigest {
        let Some(content) = self.0 else { return NodeDigest::NONE };
        let mut crc = Hasher::new_with_initial(content);
        crc.update(&bytes_of(stat));
        NodeDigest(crc.finalize())
    }
}

/// Metadata in the order in which it is summed up, which is not that of snapshots.
fn bytes_of(stat: &StatPersisted) -> [u8; STAT_LEN] {
    let mut bytes = [0; STAT_LEN];
    let longs = [stat.czxid.0, stat.mzxid.0, stat.pzxid.0, stat.ctime_ms, stat.mtime_ms];
    let ints = [stat.version, stat.create_count, stat.acl_version];
    let (first, rest) = bytes.split_at_mut(40);
    let (second, third) = rest.split_at_mut(12);
    for (place, value) in first.chunks_exact_mut(8).zip(longs) {
        place.copy_from_slice(&value.to_be_bytes());
    }
    for (place, value) in second.chunks_exact_mut(4).zip(ints) {
        place.copy_from_slice(&value.to_be_bytes());
    }
    third.copy_from_slice(&stat.owner_bits.to_be_bytes());
    bytes
}

/// What one node adds to the digest of its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeDigest(u32);

impl NodeDigest {
    /// Of no node, or of one that does not count.
    pub(crate) const NONE: Self = Self(0);
}

/// The digest of a tree, changed along with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TreeDigest(u64);

impl TreeDigest {
    pub(crate) fn add(&mut self, node: NodeDigest) {
        self.0 = self.0.wrapping_add(node.0.into());
    }

    pub(crate) fn subtract(&mut self, node: NodeDigest) {
        self.0 = self.0.wrapping_sub(node.0.into());
    }
}

impl From<TreeDigest> for TxnDigest {
    fn from(digest: TreeDigest) -> Self {
        Self { version: VERSION, tree: digest.0.cast_signed() }
    }
}

/// The digests of some transactions past, for operators who compare servers.
#[derive(Debug, Default)]
pub(super) struct DigestLog(VecDeque<(Zxid, TxnDigest)>);

impl DigestLog {
    /// Notes what the tree adds up to after a transaction, if it is one of those that are kept.
    pub(super) fn note(&mut self, zxid: Zxid, digest: TreeDigest) {
        if zxid.0 % KEPT_EVERY != 0 {
            return;
        }
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((zxid, digest.into()));
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Zxid, TxnDigest)> {
        self.0.iter().copied()
    }
}
