//! How data is kept on disk.

use std::time::Duration;

use crate::storage::log::LogSettings;
use crate::storage::purge::RETAINED_MIN;

/// What a server with a disk needs to know. [`Default`] is as Apache's defaults make it, but for
/// the removal of old files, which is off there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageConfig {
    /// How the log is written (`preAllocSize`, `txnLogSizeLimitInKb`, `forceSync`).
    pub log: LogSettings,
    /// Transactions that are written and synced together at most (`maxBatchSize`, 1000).
    pub max_batch_size: usize,
    /// Between half as many transactions and as many there is a snapshot (`snapCount`, 100 000).
    pub snap_count: u64,
    /// A batch that takes longer is worth a warning (`fsync.warningthresholdms`, 1 s).
    pub fsync_warning_threshold: Duration,
    /// After each snapshot all but so many are removed, with the logs that only they need
    /// (`autopurge.snapRetainCount`, 3). `None`: everything is kept (`autopurge.purgeInterval=0`).
    pub snap_retain_count: Option<usize>,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            log: LogSettings::default(),
            max_batch_size: 1000,
            snap_count: 100_000,
            fsync_warning_threshold: Duration::from_secs(1),
            snap_retain_count: Some(RETAINED_MIN),
        }
    }
}
