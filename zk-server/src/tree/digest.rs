//! What a tree adds up to, by which servers find out that theirs are not the same.
//!
//! Each node has a CRC-32 of its path, its data and its metadata as on disk; the digest is their
//! sum, so that a change takes one number away and adds another. ACLs are not in it, nor is what
//! is below `/zookeeper`: quotas count by themselves. Apache calls this version 2, and has it since
//! 3.6.

use std::collections::VecDeque;

use crc32fast::Hasher;
use zk_proto::txn::TxnDigest;
use zk_proto::{EphemeralOwner, Zxid};

use super::node::Node;
use super::special;

/// How digests are computed.
const VERSION: i32 = 2;

/// Transactions between two digests that are kept.
const KEPT_EVERY: i64 = 128;
/// How many digests are kept.
const KEPT_MAX: usize = 1024;

/// A node's metadata as it is on disk, as far as it is in the digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DiskStat {
    pub(crate) czxid: Zxid,
    pub(crate) mzxid: Zxid,
    pub(crate) pzxid: Zxid,
    pub(crate) ctime_ms: i64,
    pub(crate) mtime_ms: i64,
    pub(crate) version: i32,
    /// Not the `cversion` that clients see.
    pub(crate) create_count: i32,
    pub(crate) acl_version: i32,
    pub(crate) owner_bits: i64,
}

impl DiskStat {
    /// Of a node that was created just now.
    pub(crate) fn fresh(zxid: Zxid, time_ms: i64, owner: EphemeralOwner) -> Self {
        Self {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime_ms: time_ms,
            mtime_ms: time_ms,
            owner_bits: owner.bits(),
            ..Self::default()
        }
    }

    const LEN: usize = 60;

    fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let longs = [self.czxid.0, self.mzxid.0, self.pzxid.0, self.ctime_ms, self.mtime_ms];
        let ints = [self.version, self.create_count, self.acl_version];
        let (first, rest) = bytes.split_at_mut(40);
        let (second, third) = rest.split_at_mut(12);
        for (place, value) in first.chunks_exact_mut(8).zip(longs) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        for (place, value) in second.chunks_exact_mut(4).zip(ints) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        third.copy_from_slice(&self.owner_bits.to_be_bytes());
        bytes
    }
}

impl From<&Node> for DiskStat {
    fn from(node: &Node) -> Self {
        Self {
            czxid: node.czxid,
            mzxid: node.mzxid,
            pzxid: node.pzxid,
            ctime_ms: node.ctime_ms,
            mtime_ms: node.mtime_ms,
            version: node.version,
            create_count: node.create_count,
            acl_version: node.acl_version,
            owner_bits: node.owner_bits,
        }
    }
}

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
    pub(crate) fn with(self, stat: &DiskStat) -> NodeDigest {
        let Some(content) = self.0 else { return NodeDigest::NONE };
        let mut crc = Hasher::new_with_initial(content);
        crc.update(&stat.bytes());
        NodeDigest(crc.finalize())
    }
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
