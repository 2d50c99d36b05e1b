//! PURE: a snapshot to a file, so that there is either all of it or nothing.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use zk_proto::{SessionId, Zxid};

use super::directory::{Directory, DirectoryFile};
use super::format::{FileName, Packing};
use crate::tree::{DataTree, SnapshotCursor};

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
    ended: bool,
}

impl SnapshotFile {
    /// Begins the snapshot of a tree as it is now; touches no disk.
    #[must_use]
    pub fn begin(
        directory: Arc<dyn Directory>,
        tree: &DataTree,
        sessions: &[(SessionId, i32)],
    ) -> Self {
        let mut buffer = BytesMut::new();
        let cursor = SnapshotCursor::begin(tree, sessions, &mut buffer);
        Self { directory, cursor, file: None, len: 0, buffer, ended: false }
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

    /// Writes what was taken; touches no tree.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.directory.create(&FileName::temporary(self.cursor.zxid()))?),
        };
        file.write_at(self.len, &self.buffer)?;
        self.len += self.buffer.len() as u64;
        self.buffer.clear();
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
        self.write()?;
        match &mut self.file {
            Some(file) if self.ended => file.sync()?,
            _ => return Err(io::Error::other("the snapshot is not complete")),
        }
        let zxid = self.cursor.zxid();
        let name = FileName::Snapshot(zxid, Packing::Plain).to_string();
        self.directory.rename(&FileName::temporary(zxid), &name)?;
        self.directory.sync()
    }
}

/// Writes a snapshot of a tree that does not change meanwhile.
///
/// # Errors
///
/// When the disk fails.
pub fn write_snapshot(
    directory: &Arc<dyn Directory>,
    tree: &DataTree,
    sessions: &[(SessionId, i32)],
) -> io::Result<()> {
    let mut snapshot = SnapshotFile::begin(Arc::clone(directory), tree, sessions);
    while snapshot.take(tree) {
        snapshot.write()?;
    }
    snapshot.finish()
}
