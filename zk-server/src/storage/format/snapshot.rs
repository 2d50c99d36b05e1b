//! A snapshot, written piece by piece.
//!
//! ```text
//! header    "ZKSN", i32 version, i64 database
//! sessions  i32 count; each i64 id, i32 timeout
//! ACLs      i32 count; each i64 key, vector of ACL
//! nodes     each path, data, i64 ACL key, stat; parents first, the root is ""; then "/"
//! seal      i64 Adler-32 of everything before, "/"
//! digest    i64 zxid, i32 version, i64 sum over the tree; seal     (since 3.6, may be absent)
//! last      i64 zxid; seal                                         (since 3.9, may be absent)
//!
//! Apache's servers before 3.9 pass over the last section.
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::codec::Encode;
use zk_proto::{Acl, SessionId, Zxid};

use super::StatPersisted;
use super::adler32::Adler32;

pub(super) const MAGIC: [u8; 4] = *b"ZKSN";
pub(super) const VERSION: i32 = 2;
pub(super) const DATABASE: i64 = -1;
/// Ends the nodes, and each seal.
pub(super) const END: &str = "/";

/// The ACL key that stands for everybody's, which is in no table.
pub const OPEN_ACL: i64 = -1;

/// A node as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotNode<P = String, D = Bytes> {
    /// The path; the root's is empty.
    pub path: P,
    /// The data; `None` is null.
    pub data: Option<D>,
    /// Which ACL of the table; [`OPEN_ACL`] for everybody's.
    pub acl: i64,
    /// Its metadata.
    pub stat: StatPersisted,
}

impl<P, D> SnapshotNode<P, D> {
    /// The same node, with its path and its data in other hands.
    pub fn map<Q, E>(
        self,
        path: impl FnOnce(P) -> Q,
        data: impl FnOnce(D) -> E,
    ) -> SnapshotNode<Q, E> {
        SnapshotNode {
            path: path(self.path),
            data: self.data.map(data),
            acl: self.acl,
            stat: self.stat,
        }
    }
}

/// Writes a snapshot, and sums it up on the way.
#[derive(Debug, Default)]
pub struct SnapshotEncoder {
    sum: Adler32,
}

impl SnapshotEncoder {
    /// Appends everything before the nodes.
    pub fn begin<'a>(
        &mut self,
        sessions: &[(SessionId, i32)],
        acls: impl ExactSizeIterator<Item = (i64, &'a [Acl])>,
        out: &mut BytesMut,
    ) {
        let start = out.len();
        out.put_slice(&MAGIC);
        out.put_i32(VERSION);
        out.put_i64(DATABASE);
        put_count(out, sessions.len());
        for (session, timeout_ms) in sessions {
            out.put_i64(session.0);
            out.put_i32(*timeout_ms);
        }
        put_count(out, acls.len());
        for (key, acl) in acls {
            out.put_i64(key);
            put_count(out, acl.len());
            acl.iter().for_each(|entry| entry.encode(out));
        }
        self.sum.update(&out[start..]);
    }

    /// Appends a node, whose parent was appended before.
    pub fn node<P: AsRef<str>, D: AsRef<[u8]>>(
        &mut self,
        node: &SnapshotNode<P, D>,
        out: &mut BytesMut,
    ) {
        let start = out.len();
        node.path.as_ref().encode(out);
        node.data.as_ref().map(AsRef::as_ref).encode(out);
        out.put_i64(node.acl);
        node.stat.encode(out);
        self.sum.update(&out[start..]);
    }

    /// Appends the end of the nodes and the seal.
    pub fn end_nodes(&mut self, out: &mut BytesMut) {
        let start = out.len();
        END.encode(out);
        self.sum.update(&out[start..]);
        self.seal(out);
    }

    /// Appends the sum of the tree at `zxid`, as it was when writing ended.
    pub fn digest(&mut self, zxid: Zxid, version: i32, tree: i64, out: &mut BytesMut) {
        let start = out.len();
        out.put_i64(zxid.0);
        out.put_i32(version);
        out.put_i64(tree);
        self.sum.update(&out[start..]);
        self.seal(out);
    }

    /// Appends the zxid that was applied last when writing ended. Only behind a
    /// [digest](Self::digest).
    pub fn last_zxid(&mut self, zxid: Zxid, out: &mut BytesMut) {
        out.put_i64(zxid.0);
        self.sum.update(&zxid.0.to_be_bytes());
        self.seal(out);
    }

    fn seal(&mut self, out: &mut BytesMut) {
        let start = out.len();
        out.put_i64(i64::from(self.sum.value()));
        END.encode(out);
        self.sum.update(&out[start..]);
    }
}

fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).expect("nobody has two billion sessions or ACLs"));
}
