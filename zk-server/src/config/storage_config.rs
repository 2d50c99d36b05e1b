//! How data is kept on disk.

use std::time::Duration;

use crate::storage::format::Packing;
use crate::storage::log::{FlushPolicy, LogSettings};
use crate::storage::purge::RETAINED_MIN;
use crate::storage::snapshot_schedule::SnapshotLimits;

/// What a server with a disk needs to know. [`Default`] is as Apache's defaults make it, but for
/// the removal of old files, which is off there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageConfig {
    /// How the log is written (`preAllocSize`, `txnLogSizeLimitInKb`, `forceSync`).
    pub log: LogSettings,
    /// Which transactions are written together (`flushDelay`, `maxWriteQueuePollTime`,
    /// `maxBatchSize`).
    pub flush: FlushPolicy,
    /// After how much there is a snapshot (`snapCount`, `snapSizeLimitInKb`).
    pub snapshots: SnapshotLimits,
    /// How snapshots are packed (`snapshot.compression.method`, not at all).
    pub packing: Packing,
    /// A batch that takes longer is worth a warning (`fsync.warningthresholdms`, 1 s).
    pub fsync_warning_threshold: Duration,
    /// After each snapshot all but so many are removed, with the logs that only they need
    /// (`autopurge.snapRetainCount`, 3). `None`: everything is kept (`autopurge.purgeInterval=0`).
    pub snap_retain_count: Option<usize>,
    /// Whether directories that are missing are made (`datadir.autocreate`, true). Without that a
    /// server whose volume is not mounted does not begin anew beside its data.
    pub autocreate: bool,
    /// Whether logs without any snapshot are all that there ever was (`snapshot.trust.empty`, false),
    /// as a server of Apache 3.4 leaves them that ended before its first snapshot.
    pub trust_empty: bool,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            log: LogSettings::default(),
            flush: FlushPolicy::default(),
            snapshots: SnapshotLimits::default(),
            packing: Packing::Plain,
            fsync_warning_threshold: Duration::from_secs(1),
            snap_retain_count: Some(RETAINED_MIN),
            autocreate: true,
            trust_empty: false,
        }
    }
}
