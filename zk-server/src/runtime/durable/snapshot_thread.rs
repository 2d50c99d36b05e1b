//! The thread that writes snapshots, and removes what they make superfluous.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Instant;

use super::log_thread::PanicGuard;
use super::snapshot_store::{SharedStore, SnapshotStore, lock};
use crate::config::StorageConfig;
use crate::runtime::shared::Shared;
use crate::storage::format::Packing;
use crate::storage::snapshot_file::SnapshotFile;

/// Asks for snapshots.
#[derive(Clone, Debug)]
pub(super) struct SnapshotTrigger(SyncSender<()>);

impl SnapshotTrigger {
    /// Asks for a snapshot; false if one is being written.
    pub(super) fn request(&self) -> bool {
        // Without anybody to write it there is nothing to ask for again and again either.
        !matches!(self.0.try_send(()), Err(TrySendError::Full(())))
    }
}

/// What the snapshot thread works with.
pub(super) struct SnapshotThread {
    shared: Arc<Shared>,
    requests: Receiver<()>,
    store: SharedStore,
    packing: Packing,
}

impl SnapshotThread {
    pub(super) fn new(
        shared: Arc<Shared>,
        store: SharedStore,
        config: &StorageConfig,
    ) -> (Self, SnapshotTrigger) {
        // No room: a request is taken by a thread that waits for one, or refused.
        let (sender, requests) = sync_channel(0);
        let packing = config.packing;
        (Self { shared, requests, store, packing }, SnapshotTrigger(sender))
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        while self.requests.recv().is_ok() {
            let mut store = lock(&self.store);
            match self.take(&mut store) {
                Ok(true) => store.purge(),
                Ok(false) => return,
                // The log has everything that the snapshot would have had. The next one is due
                // after as many transactions again.
                Err(error) => tracing::error!(
                    "cannot write a snapshot: {error}. The server goes on, and its log grows"
                ),
            }
        }
    }

    /// Takes a snapshot while the server goes on: it has the lock for a piece at a time. False if
    /// the server stops.
    fn take(&self, store: &mut SnapshotStore) -> io::Result<bool> {
        let Some(directory) = store.directory() else { return Ok(false) };
        let begun = self.shared.act(|server, _| {
            let sessions = server.session_timeouts();
            SnapshotFile::begin(directory, self.packing, server.tree(), &sessions)
        });
        let Ok(mut snapshot) = begun else { return Ok(false) };
        let written = self.write(&mut snapshot);
        match written {
            Ok(true) => {
                store.add(snapshot.zxid(), self.packing);
                tracing::info!(zxid = %snapshot.zxid(), "wrote a snapshot");
            }
            // A disk that is full must not fill up with what is left of snapshots.
            Ok(false) | Err(_) => snapshot.discard(),
        }
        written
    }

    /// Writes all of a snapshot. False if the server stops.
    fn write(&self, snapshot: &mut SnapshotFile) -> io::Result<bool> {
        let begun = Instant::now();
        loop {
            let Ok(more) = self.shared.act(|server, _| snapshot.take(server.tree())) else {
                return Ok(false);
            };
            if self.shared.halt.is_stopping() {
                return Ok(false);
            }
            if !more {
                break;
            }
            snapshot.write()?;
        }
        snapshot.finish()?;
        let (zxid, took) = (snapshot.zxid(), begun.elapsed());
        let told =
            self.shared.act(|server, now| server.disk_stats().wrote_snapshot(zxid, now, took));
        Ok(told.is_ok())
    }
}
