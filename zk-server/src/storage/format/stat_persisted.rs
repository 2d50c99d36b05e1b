//! A node's metadata as it is on disk.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use zk_proto::{EphemeralOwner, Zxid};

/// A node's metadata as it is on disk: what is neither its path nor its data nor its ACL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatPersisted {
    /// The transaction that created it.
    pub czxid: Zxid,
    /// The transaction that set its data last.
    pub mzxid: Zxid,
    /// The transaction that created or deleted a child last.
    pub pzxid: Zxid,
    /// When it was created, in ms of wall time.
    pub ctime_ms: i64,
    /// When its data was set, in ms of wall time.
    pub mtime_ms: i64,
    /// How often its data was set.
    pub version: i32,
    /// How many children were ever created. On disk this is called `cversion`; clients see another
    /// one.
    pub create_count: i32,
    /// How often its ACL was set.
    pub acl_version: i32,
    /// What ends it, as [`EphemeralOwner::bits`].
    pub owner_bits: i64,
}

impl StatPersisted {
    /// Bytes it has in a snapshot.
    pub(super) const LEN: usize = 60;

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

    /// The last transaction that shows in it.
    pub(in crate::storage) fn newest(&self) -> Zxid {
        self.czxid.max(self.mzxid).max(self.pzxid)
    }

    /// Appends it as snapshots have it.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        for value in [self.czxid.0, self.mzxid.0, self.ctime_ms, self.mtime_ms] {
            out.put_i64(value);
        }
        for value in [self.version, self.create_count, self.acl_version] {
            out.put_i32(value);
        }
        out.put_i64(self.owner_bits);
        out.put_i64(self.pzxid.0);
    }

    /// Takes it from the front of `bytes`, of which there are [`LEN`](Self::LEN) at least.
    pub(super) fn decode(bytes: &mut Bytes) -> Self {
        Self {
            czxid: Zxid(bytes.get_i64()),
            mzxid: Zxid(bytes.get_i64()),
            ctime_ms: bytes.get_i64(),
            mtime_ms: bytes.get_i64(),
            version: bytes.get_i32(),
            create_count: bytes.get_i32(),
            acl_version: bytes.get_i32(),
            owner_bits: bytes.get_i64(),
            pzxid: Zxid(bytes.get_i64()),
        }
    }
}
