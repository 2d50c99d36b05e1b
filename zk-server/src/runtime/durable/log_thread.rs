//! The thread that writes the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LogQueue;
use super::snapshot_thread::SnapshotTrigger;
use crate::config::StorageConfig;
use crate::runtime::ServeError;
use crate::runtime::shared::Shared;
use crate::server::Event;
use crate::storage::log::LogWriter;

/// What the log thread works with.
pub(super) struct LogThread {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<LogQueue>,
    pub(super) writer: LogWriter,
    pub(super) config: StorageConfig,
    pub(super) snapshots: SnapshotTrigger,
    /// Transactions since the snapshot that the next start would begin with.
    pub(super) unsnapshotted: u64,
    pub(super) rng: fastrand::Rng,
}

impl LogThread {
    /// Writes until the queue is closed, or something fails: then nothing more is acknowledged and
    /// the server stops.
    pub(super) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.shared));
        let mut batch = Vec::new();
        let mut due = self.next_snapshot();
        while self.queue.take(&mut batch, self.config.max_batch_size) {
            let begun = Instant::now();
            if let Err(error) = self.writer.append(&batch) {
                self.shared.fail(ServeError::Log(error));
                return;
            }
            let (took, threshold) = (begun.elapsed(), self.config.fsync_warning_threshold);
            warn_if_slow(took, threshold);
            let zxid = self.writer.last();
            let told = self.shared.act(|server, now| {
                server.disk_stats().wrote_batch(took, batch.len(), took > threshold);
                server.handle(now, Event::Durable { zxid });
            });
            if told.is_err() {
                return;
            }
            self.unsnapshotted += batch.len() as u64;
            batch.clear();
            // One at a time; while it is written the log goes on in the same file.
            if self.unsnapshotted > due && self.snapshots.request() {
                self.writer.roll();
                self.unsnapshotted = 0;
                due = self.next_snapshot();
            }
        }
    }

    /// After how many transactions the next snapshot is due: never the same, so that servers that
    /// have the same transactions do not take theirs at the same time.
    fn next_snapshot(&mut self) -> u64 {
        let half = self.config.snap_count / 2;
        half + self.rng.u64(..=half)
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

/// A thread of the storage that panics takes the server down: nobody would be answered any more.
pub(super) struct PanicGuard(pub(super) Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(ServeError::Fault { reason: "its storage panicked".to_owned() });
        }
    }
}
