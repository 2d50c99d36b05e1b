//! A snapshot, read piece by piece.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use zk_proto::{Acl, Permissions, SessionId, Zxid};

use super::snapshot::{END, MAGIC, SnapshotNode};
use super::snapshot_source::SnapshotSource;
use super::{Packing, StatPersisted};
use crate::storage::order::follows;

/// Elements that room is made for before they were seen.
const RESERVED_MAX: usize = 4096;

/// Before 3.6 the sum of the tree was a text.
const DIGEST_VERSION_AS_NUMBER: i32 = 2;

/// Bytes of a node behind its data: the key of its ACL, and its metadata.
const BEHIND_DATA_LEN: usize = 8 + StatPersisted::LEN;

/// Why a snapshot cannot be used. Offsets are those of the snapshot as it was before it was packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It cannot be read, or ends too early.
    #[error("it cannot be read behind offset {at}: {error}")]
    Read {
        /// What was read.
        at: u64,
        /// What the system, or whoever unpacks it, says.
        error: io::Error,
    },
    /// It is something else.
    #[error("it does not begin with ZKSN")]
    Magic,
    /// A length or count that nothing has.
    #[error("a length at offset {at} is {len}")]
    Length {
        /// Where it is.
        at: u64,
        /// The length.
        len: i32,
    },
    /// A seal is not where it should be.
    #[error("its checksum at offset {at} is not followed by its end")]
    NotSealed {
        /// Where the checksum is.
        at: u64,
    },
    /// What was read is not what was written.
    #[error(
        "its checksum at offset {at} is {stored:#x} and that of the bytes before it {computed:#x}"
    )]
    Checksum {
        /// Where it is.
        at: u64,
        /// In the file.
        stored: i64,
        /// As it should be.
        computed: i64,
    },
    /// The file was renamed.
    #[error(
        "it ends with transaction {last}, and its name says {named}: it was renamed. Give it the \
         name it had"
    )]
    Misnamed {
        /// Its last transaction.
        last: Zxid,
        /// The transaction of its name.
        named: Zxid,
    },
    /// A node without a parent, or twice.
    #[error("the node {path} is misplaced in it")]
    Misplaced {
        /// The node.
        path: String,
    },
}

/// What may stand behind the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotTrailer {
    /// The sum of the tree at a zxid; the version says how it was computed. One that is a text is
    /// left out.
    pub digest: Option<(Zxid, i32, i64)>,
    /// The zxid that was applied last when writing ended.
    pub last_zxid: Option<Zxid>,
    /// The last transaction that a node shows: it was made or changed by it, or had a child then.
    pub newest: Zxid,
    /// Bytes of the snapshot, before it was packed.
    pub len: u64,
}

impl SnapshotTrailer {
    /// Holds a snapshot to have all of the transactions that its name says.
    pub(in crate::storage) fn check_name(&self, named: Zxid) -> Result<(), SnapshotError> {
        match self.last_zxid.or(self.last_by_digest(named)) {
            Some(last) if last < named => Err(SnapshotError::Misnamed { last, named }),
            _ => Ok(()),
        }
    }

    /// Where a snapshot ends that does not say it, by its digest: that is the tree's behind the last
    /// transaction that was applied when writing ended.
    ///
    /// It is none where the name may be later than the digest and right. A leader names a snapshot
    /// for the beginning of its epoch, which is no transaction. Apache's servers note that a
    /// transaction was applied, and then the digest behind it; in between a small tree may be
    /// written. And in 3.9.0 the command `snapshot` may apply transactions before their turn, which
    /// the nodes show.
    fn last_by_digest(&self, named: Zxid) -> Option<Zxid> {
        let (last, ..) = self.digest.filter(|(zxid, ..)| *zxid > Zxid::ZERO)?;
        let may_be_right = named.counter() == 0 || follows(last, named) || self.newest > last;
        (!may_be_right).then_some(last)
    }
}

/// Reads a snapshot. What comes out before [`finish`](Self::finish) said that the checksum is right
/// may be wrong.
pub struct SnapshotReader<'a> {
    source: SnapshotSource<'a>,
    /// The sessions and their timeouts in ms.
    pub sessions: Vec<(SessionId, i32)>,
    /// The ACLs and their keys.
    pub acls: Vec<(i64, Vec<Acl>)>,
    newest: Zxid,
}

impl<'a> SnapshotReader<'a> {
    /// Reads everything before the nodes.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or is no snapshot.
    pub fn new(source: impl Read + 'a, packing: Packing) -> Result<Self, SnapshotError> {
        let source = SnapshotSource::new(source, packing);
        let (sessions, acls) = (Vec::new(), Vec::new());
        let mut reader = Self { source, sessions, acls, newest: Zxid::ZERO };
        if reader.source.array::<4>()? != MAGIC {
            return Err(SnapshotError::Magic);
        }
        let (_version, _database) = (reader.source.i32()?, reader.source.i64()?);
        reader.read_tables()?;
        Ok(reader)
    }

    /// How many bytes of the unpacked snapshot were read: where the next node begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    fn read_tables(&mut self) -> Result<(), SnapshotError> {
        let count = self.count()?;
        self.sessions.reserve(count.min(RESERVED_MAX));
        for _ in 0..count {
            let session = (SessionId(self.source.i64()?), self.source.i32()?);
            self.sessions.push(session);
        }
        for _ in 0..self.count()? {
            let key = self.source.i64()?;
            let mut list = Vec::new();
            for _ in 0..self.count()? {
                let perms = Permissions(self.source.i32()?);
                list.push(Acl::new(perms, self.text()?, self.text()?));
            }
            self.acls.push((key, list));
        }
        Ok(())
    }

    /// The next node; `None` behind the last.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or makes no sense.
    pub fn next_node(&mut self) -> Result<Option<SnapshotNode>, SnapshotError> {
        let path_len = self.source.len_at(0)?.unwrap_or(0);
        if path_len == END.len() {
            // Nothing else is so short but the paths of nodes without a parent.
            let path = self.text()?;
            if path == END {
                return Ok(None);
            }
            return Err(SnapshotError::Misplaced { path });
        }
        let data_len = self.source.len_at(4 + path_len)?;
        let len = 4 + path_len + 4 + data_len.unwrap_or(0) + BEHIND_DATA_LEN;
        let mut bytes = self.source.take(len)?;
        bytes.advance(4);
        let path = text_of(&bytes.split_to(path_len));
        bytes.advance(4);
        let data = data_len.map(|len| bytes.split_to(len));
        let (acl, stat) = (bytes.get_i64(), StatPersisted::decode(&mut bytes));
        self.newest = self.newest.max(stat.newest());
        Ok(Some(SnapshotNode { path, data, acl, stat }))
    }

    /// Reads what is behind the last node, and whether all that was read is right.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn finish(mut self) -> Result<SnapshotTrailer, SnapshotError> {
        self.check_seal()?;
        let (len, newest) = (self.source.offset(), self.newest);
        let mut trailer = SnapshotTrailer { len, newest, ..Default::default() };
        // The tree is sealed. A section that follows and ends too early was never needed.
        match self.sections(&mut trailer) {
            Err(error) if !is_early_end(&error) => Err(error),
            _ => Ok(trailer),
        }
    }

    /// Either of the two may be missing: Apache's servers write none that is switched off.
    fn sections(&mut self, trailer: &mut SnapshotTrailer) -> Result<(), SnapshotError> {
        let mut zxid = Zxid(self.source.i64()?);
        if !self.is_at_seal()? {
            trailer.digest = self.digest_at(zxid)?;
            trailer.len = self.source.offset();
            zxid = Zxid(self.source.i64()?);
        }
        self.check_seal()?;
        (trailer.last_zxid, trailer.len) = (Some(zxid), self.source.offset());
        Ok(())
    }

    /// The rest of a digest section.
    fn digest_at(&mut self, zxid: Zxid) -> Result<Option<(Zxid, i32, i64)>, SnapshotError> {
        let version = self.source.i32()?;
        let digest = if version < DIGEST_VERSION_AS_NUMBER {
            self.text()?;
            None
        } else {
            Some((zxid, version, self.source.i64()?))
        };
        self.check_seal()?;
        Ok(digest)
    }

    /// Whether what follows is the checksum of all that was read.
    fn is_at_seal(&mut self) -> Result<bool, SnapshotError> {
        let sum = i64::from(self.source.sum());
        Ok(self.source.peek::<8>()? == sum.to_be_bytes())
    }

    fn check_seal(&mut self) -> Result<(), SnapshotError> {
        let (at, computed) = (self.source.offset(), i64::from(self.source.sum()));
        let stored = self.source.i64()?;
        if stored != computed {
            return Err(SnapshotError::Checksum { at, stored, computed });
        }
        if self.text()? == END { Ok(()) } else { Err(SnapshotError::NotSealed { at }) }
    }

    fn count(&mut self) -> Result<usize, SnapshotError> {
        let at = self.source.offset();
        let len = self.source.i32()?;
        usize::try_from(len).map_err(|_| SnapshotError::Length { at, len })
    }

    fn text(&mut self) -> Result<String, SnapshotError> {
        Ok(text_of(&self.source.buffer()?.unwrap_or_default()))
    }
}

/// Names in ACLs may hold what Java makes of supplementary characters, which is not UTF-8: read as
/// everywhere.
fn text_of(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_early_end(error: &SnapshotError) -> bool {
    matches!(error, SnapshotError::Read { error, .. } if error.kind() == io::ErrorKind::UnexpectedEof)
}

impl std::fmt::Debug for SnapshotReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotReader")
            .field("offset", &self.source.offset())
            .finish_non_exhaustive()
    }
}
