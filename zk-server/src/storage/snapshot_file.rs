//! PURE: a snapshot to a file, so that there is either all of it or nothing.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::BytesMut;
use flate2::Compression;
use flate2::write::GzEncoder;
use zk_proto::txn::TxnDigest;
use zk_proto::{SessionId, Zxid};

use super::directory::{Directory, DirectoryFile};
use super::format::{FileName, Packing, SnapshotError, SnapshotReader};
use crate::tree::{DataTree, Overrun, SnapshotCursor};

/// Nodes, and bytes, that are written in one piece: what others have to wait for.
const PIECE_NODES: usize = 1000;
const PIECE_LEN: usize = 256 << 10;

/// A snapshot that is being written, under a name that nobody takes for one until it is whole.
#[derive(Debug)]
pub struct SnapshotFile {
    directory: Arc<dyn Directory>,
    cursor: SnapshotCursor,
    file: Option<Box<dyn DirectoryFile>>,
    len: u64,
    buffer: BytesMut,
    packing: Packing,
    packer: Option<GzEncoder<Vec<u8>>>,
    ended: bool,
}

impl SnapshotFile {
    /// Begins the snapshot of a tree as it is now; touches no disk. By snappy they are only read:
    /// asked for it, this one is not packed.
    #[must_use]
    pub fn begin(
        directory: Arc<dyn Directory>,
        packing: Packing,
        tree: &DataTree,
        sessions: &[(SessionId, i32)],
    ) -> Self {
        let mut buffer = BytesMut::new();
        let cursor = SnapshotCursor::begin(tree, sessions, &mut buffer);
        Self::with(directory, packing, cursor, buffer)
    }

    /// Begins a snapshot, not packed, of a tree as it is now that is whole by itself. It is taken by
    /// [`take_moment`](Self::take_moment).
    #[must_use]
    pub fn begin_moment(
        directory: Arc<dyn Directory>,
        tree: &mut DataTree,
        sessions: &[(SessionId, i32)],
    ) -> Self {
        let mut buffer = BytesMut::new();
        let cursor = SnapshotCursor::begin_moment(tree, sessions, &mut buffer);
        Self::with(directory, Packing::Plain, cursor, buffer)
    }

    /// Begins a snapshot, not packed and without sessions, of a tree that does not change until it
    /// is [closed](Self::close).
    #[must_use]
    pub fn begin_open(directory: Arc<dyn Directory>, tree: &DataTree) -> Self {
        let mut buffer = BytesMut::new();
        let cursor = SnapshotCursor::begin_open(tree, &[], &mut buffer);
        Self::with(directory, Packing::Plain, cursor, buffer)
    }

    fn with(
        directory: Arc<dyn Directory>,
        packing: Packing,
        cursor: SnapshotCursor,
        buffer: BytesMut,
    ) -> Self {
        let (packing, packer) = match packing {
            Packing::Gzip => {
                let packer = GzEncoder::new(Vec::new(), Compression::default());
                (packing, Some(packer))
            }
            Packing::Plain | Packing::Snappy => (Packing::Plain, None),
        };
        Self { directory, cursor, file: None, len: 0, buffer, packing, packer, ended: false }
    }

    /// The last transaction that all of is in the snapshot.
    #[must_use]
    pub fn zxid(&self) -> Zxid {
        self.cursor.zxid()
    }

    /// Takes the next piece of the tree; touches no disk. False if it was the last.
    pub fn take(&mut self, tree: &DataTree) -> bool {
        let room = self.buffer.len() + PIECE_LEN;
        self.ended = !self.cursor.advance(tree, PIECE_NODES, room, &mut self.buffer);
        !self.ended
    }

    /// The same of a snapshot that was [begun](Self::begin_moment) for one moment.
    ///
    /// # Errors
    ///
    /// When it has to be given up.
    pub fn take_moment(&mut self, tree: &mut DataTree) -> Result<bool, Overrun> {
        let room = self.buffer.len() + PIECE_LEN;
        let more = self.cursor.advance_moment(tree, PIECE_NODES, room, &mut self.buffer)?;
        self.ended = !more;
        Ok(more)
    }

    /// Bytes that were written.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes what was taken; touches no tree.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn write(&mut self) -> io::Result<()> {
        match &mut self.packer {
            None => {
                let mut buffer = std::mem::take(&mut self.buffer);
                let written = self.put(&buffer);
                buffer.clear();
                self.buffer = buffer;
                written
            }
            Some(packer) => {
                packer.write_all(&self.buffer)?;
                self.buffer.clear();
                let packed = std::mem::take(packer.get_mut());
                self.put(&packed)
            }
        }
    }

    /// Writes bytes as they are to be in the file.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.directory.create(&FileName::temporary(self.cursor.zxid()))?),
        };
        file.write_at(self.len, bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Gives the snapshot up, and the room it takes.
    pub fn discard(self) {
        // What is left is removed at the next start.
        let _ = self.directory.remove(&FileName::temporary(self.cursor.zxid()));
    }

    /// After the last piece: makes the snapshot durable, and then gives it its name.
    ///
    /// # Errors
    ///
    /// When the disk fails, or there are pieces left.
    pub fn finish(&mut self) -> io::Result<()> {
        self.settle()?;
        self.publish(self.cursor.zxid())
    }

    /// After the last piece: makes what there is of the snapshot durable.
    ///
    /// # Errors
    ///
    /// When the disk fails, or there are pieces left.
    pub fn settle(&mut self) -> io::Result<()> {
        self.write()?;
        if let Some(packer) = self.packer.take() {
            self.put(&packer.finish()?)?;
        }
        match &mut self.file {
            Some(file) if self.ended => file.sync(),
            _ => Err(io::Error::other("the snapshot is not complete")),
        }
    }

    /// Ends a snapshot that was [begun open](Self::begin_open), and makes it durable: it is the
    /// state after this transaction, and the tree adds up to that. It has no name yet.
    ///
    /// # Errors
    ///
    /// When the disk fails, or there are pieces left.
    pub fn close(&mut self, zxid: Zxid, digest: TxnDigest) -> io::Result<()> {
        self.cursor.close(zxid, digest, &mut self.buffer);
        self.settle()
    }

    /// Gives a snapshot that is durable its name.
    ///
    /// # Errors
    ///
    /// When the disk fails. Whether it has the name is unknown then.
    pub fn publish(&self, zxid: Zxid) -> io::Result<()> {
        let name = FileName::Snapshot(zxid, self.packing).to_string();
        self.directory.rename(&FileName::temporary(self.cursor.zxid()), &name)?;
        self.directory.sync()
    }
}

/// Whether a snapshot is whole: reads it to its end.
///
/// # Errors
///
/// Why it cannot be used.
pub fn verify_snapshot(
    directory: &dyn Directory,
    zxid: Zxid,
    packing: Packing,
) -> Result<(), SnapshotError> {
    let name = FileName::Snapshot(zxid, packing).to_string();
    let file = directory.read(&name).map_err(|error| SnapshotError::Read { at: 0, error })?;
    let mut reader = SnapshotReader::new(file, packing)?;
    while reader.next_node()?.is_some() {}
    reader.finish()?.check_name(zxid)
}

/// Writes a snapshot, not packed, of a tree that does not change meanwhile.
///
/// # Errors
///
/// When the disk fails.
pub fn write_snapshot(
    directory: &Arc<dyn Directory>,
    tree: &DataTree,
    sessions: &[(SessionId, i32)],
) -> io::Result<()> {
    let directory = Arc::clone(directory);
    let mut snapshot = SnapshotFile::begin(directory, Packing::Plain, tree, sessions);
    while snapshot.take(tree) {
        snapshot.write()?;
    }
    snapshot.finish()
}
