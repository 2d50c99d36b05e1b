//! The snapshots on disk, for whoever writes one: one at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zk_proto::Zxid;

use crate::config::StorageConfig;
use crate::storage::directory::Directory;
use crate::storage::format::Packing;
use crate::storage::purge::{KnownSnapshots, purge};
use crate::storage::recovery::Directories;

/// Where snapshots are written. Whoever has the lock on it writes one, and nobody else.
#[derive(Debug)]
pub(super) struct SnapshotStore {
    directories: Directories,
    /// How many snapshots are kept; `None` is all of them.
    retain: Option<usize>,
    /// Those that are known to be whole.
    known: KnownSnapshots,
    /// Whether the directories belong to somebody else now.
    closed: bool,
}

/// The store, shared.
pub(super) type SharedStore = Arc<Mutex<SnapshotStore>>;

/// What was written stays right if somebody panics who has the lock.
pub(super) fn lock(store: &SharedStore) -> MutexGuard<'_, SnapshotStore> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SnapshotStore {
    pub(super) fn shared(directories: Directories, config: &StorageConfig) -> SharedStore {
        let (retain, known) = (config.snap_retain_count, KnownSnapshots::default());
        Arc::new(Mutex::new(Self { directories, retain, known, closed: false }))
    }

    /// Where to write; `None` if there is no writing any more.
    pub(super) fn directory(&self) -> Option<Arc<dyn Directory>> {
        (!self.closed).then(|| Arc::clone(&self.directories.snapshots))
    }

    /// Nobody writes from now on.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// One was written.
    pub(super) fn add(&mut self, zxid: Zxid, packing: Packing) {
        self.known.add(zxid, packing);
    }

    /// Removes what the newest snapshots make superfluous.
    pub(super) fn purge(&mut self) {
        let Some(retain) = self.retain else { return };
        match purge(&self.directories, retain, &mut self.known) {
            Ok(purged) => {
                for (name, error) in &purged.unusable {
                    tracing::warn!(
                        "the snapshot {name} cannot be used, and is not counted: {error}"
                    );
                }
                let removed = purged.removed;
                if !removed.is_empty() {
                    tracing::info!(?removed, "removed files that newer snapshots replace");
                }
            }
            Err(error) => tracing::warn!("cannot remove old snapshots and logs: {error}"),
        }
    }
}
