//! The thread that writes the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LogQueue;
use super::snapshot_thread::SnapshotTrigger;
use crate::config::StorageConfig;
use crate::runtime::ServeError;
use crate::runtime::committer::{Flush, commit};
use crate::runtime::shared::Shared;
use crate::storage::log::{LastBatch, LogWriter};
use crate::storage::snapshot_schedule::SnapshotSchedule;

/// What the log thread works with.
pub(super) struct LogThread {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<LogQueue>,
    pub(super) writer: LogWriter,
    pub(super) config: StorageConfig,
    pub(super) snapshots: SnapshotTrigger,
    pub(super) schedule: SnapshotSchedule,
}

impl LogThread {
    /// Writes until the queue is closed, or something fails: then nothing more is acknowledged and
    /// the server stops.
    pub(super) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        let mut batch = Vec::new();
        let mut last = LastBatch { flushed: Instant::now(), took: Duration::ZERO, len: 0 };
        while self.queue.take(&mut batch, &self.config.flush, &last) {
            if batch.is_empty() {
                // A job finds the server with all that is on the disk.
                if commit(&self.shared).is_err() {
                    return;
                }
                if let Some(job) = self.queue.take_job() {
                    job(&mut self.writer);
                }
                continue;
            }
            let begun = Instant::now();
            let written = match self.writer.append(&batch) {
                Ok(written) => written,
                Err(error) => {
                    self.shared.fail(ServeError::Log(error));
                    return;
                }
            };
            let flushed = Instant::now();
            let (took, threshold) = (flushed - begun, self.config.fsync_warning_threshold);
            last = LastBatch { flushed, took, len: batch.len() };
            warn_if_slow(took, threshold);
            let flush = Flush {
                zxid: self.writer.last(),
                len: batch.len(),
                took,
                is_slow: took > threshold,
            };
            self.shared.flushes.note(flush);
            if self.shared.failure().is_some() {
                return;
            }
            self.schedule.note(batch.len(), written);
            batch.clear();
            // One at a time; while it is written the log goes on in the same file.
            if self.schedule.is_due() && self.snapshots.request() {
                self.writer.roll();
                self.schedule.begin();
            }
        }
    }
}

fn warn_if_slow(took: Duration, threshold: Duration) {
    if took > threshold {
        tracing::warn!(
            took_ms = took.as_millis(),
            "the disk took long to keep a batch of transactions; clients wait for it meanwhile"
        );
    }
}

/// Whatever works on the storage and panics takes the server down: nobody would be answered any
/// more, or what was left half done would be served.
pub(super) struct PanicGuard(pub(super) Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(ServeError::Fault { reason: "its storage panicked".to_owned() });
        }
    }
}
