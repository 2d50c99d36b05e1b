//! A snapshot, read piece by piece.

use std::io::{self, BufReader, Read};

use bytes::Bytes;
use zk_proto::{Acl, Permissions, SessionId, Zxid};

use super::Packing;
use super::adler32::Adler32;
use super::snappy::SnappyReader;
use super::snapshot::{END, MAGIC, SnapshotNode};

/// Bytes that are taken from the file at once.
const BUFFER_LEN: usize = 256 << 10;

/// Elements that room is made for before they were seen.
const RESERVED_MAX: usize = 4096;

/// Before 3.6 the sum of the tree was a text.
const DIGEST_VERSION_AS_NUMBER: i32 = 2;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It cannot be read, or ends too early.
    #[error("it cannot be read to its end: {0}")]
    Read(#[from] io::Error),
    /// It is something else.
    #[error("it does not begin with ZKSN")]
    Magic,
    /// It is packed in a way that this version does not know.
    #[error("it is packed by gzip, which this version cannot unpack: `gunzip` it")]
    Gzip,
    /// A length or count below zero.
    #[error("a length in it is {0}")]
    Length(i32),
    /// A seal is not where it should be.
    #[error("its checksum is not followed by its end")]
    NotSealed,
    /// What was read is not what was written.
    #[error("its checksum is {stored:#x} and that of its bytes {computed:#x}")]
    Checksum {
        /// In the file.
        stored: i64,
        /// As it should be.
        computed: i64,
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
}

/// Reads a snapshot. What comes out before [`finish`](Self::finish) said that the checksum is right
/// may be wrong.
pub struct SnapshotReader<'a> {
    source: Box<dyn Read + 'a>,
    sum: Adler32,
    offset: u64,
    /// The sessions and their timeouts in ms.
    pub sessions: Vec<(SessionId, i32)>,
    /// The ACLs and their keys.
    pub acls: Vec<(i64, Vec<Acl>)>,
}

impl<'a> SnapshotReader<'a> {
    /// Reads everything before the nodes.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or is no snapshot.
    pub fn new(source: impl Read + 'a, packing: Packing) -> Result<Self, SnapshotError> {
        let source = BufReader::with_capacity(BUFFER_LEN, source);
        let source: Box<dyn Read + 'a> = match packing {
            Packing::Plain => Box::new(source),
            Packing::Snappy => Box::new(BufReader::new(SnappyReader::new(source))),
            Packing::Gzip => return Err(SnapshotError::Gzip),
        };
        let (sessions, acls) = (Vec::new(), Vec::new());
        let mut reader = Self { source, sum: Adler32::default(), offset: 0, sessions, acls };
        if reader.array::<4>()? != MAGIC {
            return Err(SnapshotError::Magic);
        }
        let (_version, _database) = (reader.i32()?, reader.i64()?);
        reader.read_tables()?;
        Ok(reader)
    }

    /// How many bytes of the unpacked snapshot were read: where the next node begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn read_tables(&mut self) -> Result<(), SnapshotError> {
        let count = self.count()?;
        self.sessions.reserve(count.min(RESERVED_MAX));
        for _ in 0..count {
            let session = (SessionId(self.i64()?), self.i32()?);
            self.sessions.push(session);
        }
        for _ in 0..self.count()? {
            let key = self.i64()?;
            let mut list = Vec::new();
            for _ in 0..self.count()? {
                let perms = Permissions(self.i32()?);
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
        let path = self.text()?;
        if path == END {
            return Ok(None);
        }
        Ok(Some(SnapshotNode {
            path,
            data: self.buffer()?.map(Bytes::from),
            acl: self.i64()?,
            czxid: Zxid(self.i64()?),
            mzxid: Zxid(self.i64()?),
            ctime_ms: self.i64()?,
            mtime_ms: self.i64()?,
            version: self.i32()?,
            create_count: self.i32()?,
            acl_version: self.i32()?,
            owner_bits: self.i64()?,
            pzxid: Zxid(self.i64()?),
        }))
    }

    /// Reads what is behind the last node, and whether all that was read is right.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn finish(mut self) -> Result<SnapshotTrailer, SnapshotError> {
        self.check_seal()?;
        let mut trailer = SnapshotTrailer::default();
        // The tree is sealed. A section that follows and ends too early was never needed.
        match self.digest() {
            Ok(digest) => trailer.digest = digest,
            Err(error) => return if is_early_end(&error) { Ok(trailer) } else { Err(error) },
        }
        match self.last_zxid() {
            Ok(zxid) => trailer.last_zxid = Some(zxid),
            Err(error) => return if is_early_end(&error) { Ok(trailer) } else { Err(error) },
        }
        Ok(trailer)
    }

    fn digest(&mut self) -> Result<Option<(Zxid, i32, i64)>, SnapshotError> {
        let (zxid, version) = (Zxid(self.i64()?), self.i32()?);
        let digest = if version < DIGEST_VERSION_AS_NUMBER {
            self.text()?;
            None
        } else {
            Some((zxid, version, self.i64()?))
        };
        self.check_seal()?;
        Ok(digest)
    }

    fn last_zxid(&mut self) -> Result<Zxid, SnapshotError> {
        let zxid = Zxid(self.i64()?);
        self.check_seal()?;
        Ok(zxid)
    }

    fn check_seal(&mut self) -> Result<(), SnapshotError> {
        let computed = i64::from(self.sum.value());
        let stored = self.i64()?;
        if stored != computed {
            return Err(SnapshotError::Checksum { stored, computed });
        }
        if self.text()? == END { Ok(()) } else { Err(SnapshotError::NotSealed) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.take_into_account(&bytes);
        Ok(bytes)
    }

    fn take_into_account(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.offset += bytes.len() as u64;
    }

    fn i32(&mut self) -> Result<i32, SnapshotError> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_be_bytes)
    }

    fn count(&mut self) -> Result<usize, SnapshotError> {
        let count = self.i32()?;
        usize::try_from(count).map_err(|_| SnapshotError::Length(count))
    }

    /// Takes no more memory than there are bytes in the file.
    fn buffer(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        let len = match self.i32()? {
            -1 => return Ok(None),
            len => usize::try_from(len).map_err(|_| SnapshotError::Length(len))?,
        };
        let mut bytes = Vec::with_capacity(len.min(BUFFER_LEN));
        let taken = (&mut self.source).take(len as u64).read_to_end(&mut bytes)?;
        if taken < len {
            return Err(SnapshotError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        self.take_into_account(&bytes);
        Ok(Some(bytes))
    }

    /// Names in ACLs may hold what Java makes of supplementary characters, which is not UTF-8: read
    /// as everywhere.
    fn text(&mut self) -> Result<String, SnapshotError> {
        let bytes = self.buffer()?.unwrap_or_default();
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }
}

fn is_early_end(error: &SnapshotError) -> bool {
    matches!(error, SnapshotError::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

impl std::fmt::Debug for SnapshotReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotReader").field("sum", &self.sum).finish_non_exhaustive()
    }
}
