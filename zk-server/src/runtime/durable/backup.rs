//! All data to an operator, and back.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use bytes::Bytes;
use zk_proto::{SessionId, Zxid};

use super::LogQueue;
use super::log_thread::PanicGuard;
use super::snapshot_store::{SharedStore, lock};
use crate::runtime::ServeError;
use crate::runtime::shared::{Shared, Stopped};
use crate::storage::directory::Directory;
use crate::storage::format::{FileName, Packing};
use crate::storage::log::{LogError, LogWriter};
use crate::storage::snapshot_file::SnapshotFile;
use crate::storage::whole_snapshot::{NotWhole, WholeSnapshot};
use crate::tree::{DataTree, Overrun};

/// Bytes that are read from a file at once.
const PIECE_LEN: usize = 256 << 10;

/// Takes snapshots that are whole by themselves, and puts one in the place of the data. For threads
/// that may wait for the disk.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Backup {
    pub(super) store: SharedStore,
    pub(super) queue: Arc<LogQueue>,
}

/// A snapshot that is on disk, and open: it can be read even if purging takes its name away.
pub(in crate::runtime) struct Taken {
    pub(in crate::runtime) zxid: Zxid,
    /// Its bytes.
    pub(in crate::runtime) len: u64,
    file: Box<dyn Read + Send>,
}

/// Data that were put in place of others.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime) struct Restored {
    /// Where the snapshot was taken.
    pub(in crate::runtime) from: Zxid,
    /// Where its data stand now.
    pub(in crate::runtime) zxid: Zxid,
}

/// Why there was no snapshot, or no restore.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum BackupError {
    #[error("the server stops")]
    Stops,
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
    #[error(transparent)]
    Overrun(#[from] Overrun),
    #[error("the snapshot cannot be written: {0}")]
    Disk(#[from] io::Error),
}

impl From<Stopped> for BackupError {
    fn from(_: Stopped) -> Self {
        Self::Stops
    }
}

impl Backup {
    /// Writes a snapshot of the data as they are now into `dataDir`, while clients go on.
    pub(in crate::runtime) fn snapshot(&self, shared: &Arc<Shared>) -> Result<Taken, BackupError> {
        let _guard = PanicGuard(Arc::clone(shared));
        let mut store = lock(&self.store);
        let directory = store.directory().ok_or(BackupError::Stops)?;
        let begun = Instant::now();
        let mut file = shared.act(|server, _| {
            let sessions = server.session_timeouts();
            SnapshotFile::begin_moment(Arc::clone(&directory), server.tree_mut(), &sessions)
        })?;
        let written = write_moment(shared, &mut file);
        // Whatever came of it, the tree need not keep anything for it any more.
        let _ = shared.act(|server, _| server.tree_mut().forget_moment());
        let (zxid, len) = (file.zxid(), file.len());
        if let Err(error) = written {
            file.discard();
            return Err(error);
        }
        store.add(zxid, Packing::Plain);
        // Nobody purges while the store is locked.
        let taken = Taken::open(&*directory, zxid, len)?;
        store.purge();
        let took = begun.elapsed();
        shared.act(|server, now| server.disk_stats().wrote_snapshot(zxid, now, took))?;
        tracing::info!(%zxid, "wrote a snapshot for an operator");
        Ok(taken)
    }

    /// Puts a snapshot in the place of all data. Until the last step, which is short, clients go on;
    /// if there is an error nothing has changed.
    pub(in crate::runtime) fn restore(
        &self,
        shared: &Arc<Shared>,
        source: impl Read,
    ) -> Result<Restored, BackupError> {
        let _guard = PanicGuard(Arc::clone(shared));
        let extended_types = shared.act(|server, _| server.knows_extended_types())?;
        let WholeSnapshot { tree, sessions, .. } = WholeSnapshot::read(source, extended_types)?;
        let begun = Instant::now();
        let mut store = lock(&self.store);
        let directory = store.directory().ok_or(BackupError::Stops)?;
        let mut file = SnapshotFile::begin_open(directory, &tree);
        if let Err(error) = write_open(shared, &mut file, &tree) {
            file.discard();
            return Err(error);
        }
        let (tell, told) = sync_channel(1);
        let replacement = Replacement { file, tree, sessions };
        let (server, queue) = (Arc::clone(shared), Arc::clone(&self.queue));
        self.queue.interpose(Box::new(move |writer| {
            // Who asked may have gone with the server.
            let _ = tell.send(replacement.put(&server, &queue, writer));
        }));
        let restored = told.recv().map_err(|_| BackupError::Stops)??;
        store.add(restored.zxid, Packing::Plain);
        let took = begun.elapsed();
        shared.act(|server, now| {
            server.backup_stats().restore_time.record_ms(took);
            server.disk_stats().wrote_snapshot(restored.zxid, now, took);
        })?;
        let Restored { from, zxid } = restored;
        tracing::warn!(
            %from, %zxid,
            "an operator has restored a snapshot: all data are those of it, and all sessions ended"
        );
        Ok(restored)
    }
}

impl Taken {
    pub(super) fn open(directory: &dyn Directory, zxid: Zxid, len: u64) -> io::Result<Self> {
        let file = directory.read(&FileName::Snapshot(zxid, Packing::Plain).to_string())?;
        Ok(Self { zxid, len, file })
    }

    /// Hands out the file piece by piece, until `take` wants no more.
    pub(in crate::runtime) fn read(
        mut self,
        mut take: impl FnMut(Bytes) -> bool,
    ) -> io::Result<()> {
        let mut piece = vec![0; PIECE_LEN];
        let mut left = self.len;
        while left > 0 {
            let most = usize::try_from(left).map_or(PIECE_LEN, |left| left.min(PIECE_LEN));
            match self.file.read(&mut piece[..most])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    left -= read as u64;
                    if !take(Bytes::copy_from_slice(&piece[..read])) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes all of a snapshot of one moment.
fn write_moment(shared: &Shared, file: &mut SnapshotFile) -> Result<(), BackupError> {
    loop {
        let more = shared.act(|server, _| file.take_moment(server.tree_mut()))??;
        if shared.halt.is_stopping() {
            return Err(BackupError::Stops);
        }
        if !more {
            return Ok(file.finish()?);
        }
        file.write()?;
    }
}

/// Writes all but the end of a snapshot, so that the end takes no time.
fn write_open(
    shared: &Shared,
    file: &mut SnapshotFile,
    tree: &DataTree,
) -> Result<(), BackupError> {
    loop {
        let more = file.take(tree);
        if shared.halt.is_stopping() {
            return Err(BackupError::Stops);
        }
        if !more {
            return Ok(file.settle()?);
        }
        file.write()?;
    }
}

/// Data that are on disk but for the end, and are to replace those of the server.
struct Replacement {
    file: SnapshotFile,
    tree: DataTree,
    sessions: Vec<SessionId>,
}

impl Replacement {
    /// The last step, in the log thread: so nothing is on its way to the disk. What waits for its
    /// turn was never answered, and will not be written.
    fn put(
        self,
        shared: &Shared,
        queue: &LogQueue,
        writer: &mut LogWriter,
    ) -> Result<Restored, BackupError> {
        let Self { mut file, mut tree, sessions } = self;
        let from = tree.last_zxid();
        let put = shared.act(|server, now| {
            let zxid = server.zxid_for(from);
            tree.stand_at(zxid);
            if let Err(error) = file.close(zxid, tree.digest()) {
                file.discard();
                return Err(BackupError::Disk(error));
            }
            // Behind an error here the next start may find the one or the other.
            if let Err(error) = file.publish(zxid) {
                let reason = format!("a restored snapshot could not be put in place: {error}");
                shared.fail(ServeError::Log(LogError { reason }));
                return Err(BackupError::Disk(error));
            }
            queue.discard();
            Ok((zxid, server.restore(now, tree, &sessions)))
        });
        let (zxid, former) = put??;
        writer.skip_to(zxid);
        // It may take a while, and nobody has to wait for it.
        drop(former);
        Ok(Restored { from, zxid })
    }
}
