//! Counters behind `srvr`, `stat`, `mntr` and the metrics.

use std::time::{Duration, Instant};

use zk_proto::txn::Txn;
use zk_proto::{EventType, OpCode, Zxid};

use super::Now;
use super::summary::{Distribution, Summary};
use crate::by_namespace::ByNamespace;
use crate::tree::{Change, ChangeKind};

/// How long a value counts in quantiles: at least so long, and at most twice.
const QUANTILE_WINDOW: Duration = Duration::from_secs(300);

/// What the server has counted since it started, or since an operator had it begin anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerStats {
    pub(crate) packets_received: u64,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) response_bytes: u64,
    pub(crate) watch_bytes: u64,
    pub(crate) connection_requests: u64,
    pub(crate) connections_rejected: u64,
    /// Those that a client left without a goodbye.
    pub(crate) connections_dropped: u64,
    /// Those in the clear, from this machine and from others.
    pub(crate) plain_local: u64,
    pub(crate) plain_remote: u64,
    /// TLS handshakes that failed, and those for which there was no place.
    pub(crate) handshakes_failed: u64,
    pub(crate) handshakes_exceeded: u64,
    /// Requests for which there was no room beside other large ones.
    pub(crate) large_requests_rejected: u64,
    pub(crate) sessionless_expired: u64,
    pub(crate) sessions_expired: u64,
    pub(crate) revalidations: u64,
    pub(crate) auth_failures: u64,
    pub(crate) proposals: u64,
    pub(crate) commits: u64,
    /// Writes that were done when nobody was there any more to be told.
    pub(crate) stale_replies: u64,
    /// How many transactions waited for the log or were in it when it had written some.
    pub(crate) log_queue: Distribution,
    /// How many tokens were missing in the bucket at each connect request.
    pub(crate) token_deficit: Distribution,
    /// Bytes of paths and data that were read and written.
    pub(crate) reads: ByNamespace<Distribution>,
    pub(crate) writes: ByNamespace<Distribution>,
    /// Transactions after which the tree was not what they said.
    pub(crate) digest_mismatches: u64,
    /// Bytes of the frames to clients; the last of them, too.
    pub(crate) response_size: Summary,
    pub(crate) last_response_size: Option<u64>,
    /// In ms, from the last byte received to the answer encoded: all requests, reads, writes.
    pub(crate) latency: Summary,
    pub(crate) read_latency: Distribution,
    pub(crate) update_latency: Distribution,
    /// In ms, from the proposal of a transaction until it is applied.
    pub(crate) propagation_latency: Distribution,
    pub(crate) watches_fired: WatchesFired,
    pub(crate) disk: DiskStats,
    pub(crate) backup: BackupStats,
    rotated: Option<Instant>,
}

/// How many watches each change has fired, by what happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct WatchesFired {
    pub(crate) created: Distribution,
    pub(crate) deleted: Distribution,
    pub(crate) changed: Distribution,
    pub(crate) children: Distribution,
}

/// What the threads of the storage report. Times in ms.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiskStats {
    /// Batches written and synced.
    pub(crate) fsync_time: Distribution,
    /// Batches that took longer than `fsync.warningthresholdms`.
    pub(crate) slow_fsyncs: u64,
    pub(crate) batch_size: Distribution,
    pub(crate) snapshot_time: Distribution,
    /// Reading everything, at the start: the snapshot, and the logs behind it.
    pub(crate) init_time: Distribution,
    pub(crate) snapshot_load_time: Distribution,
    pub(crate) txns_load_time: Distribution,
    pub(crate) startup_txns: Distribution,
    pub(crate) last_snapshot: Option<LastSnapshot>,
}

/// What became of operators' `snapshot` and `restore`.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackupStats {
    /// Those that could not be taken, and those that were asked for too soon.
    pub(crate) snapshot_errors: u64,
    pub(crate) snapshots_limited: u64,
    pub(crate) restore_errors: u64,
    pub(crate) restores_limited: u64,
    /// In ms.
    pub(crate) restore_time: Distribution,
}

/// The newest snapshot there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastSnapshot {
    pub(crate) zxid: Zxid,
    /// When it was done, in seconds since the epoch.
    pub(crate) at_s: i64,
}

impl DiskStats {
    pub(crate) fn wrote_batch(&mut self, took: Duration, len: usize, was_slow: bool) {
        self.fsync_time.record_ms(took);
        self.batch_size.record(len as u64);
        self.slow_fsyncs += u64::from(was_slow);
    }

    pub(crate) fn wrote_snapshot(&mut self, zxid: Zxid, now: Now, took: Duration) {
        self.snapshot_time.record_ms(took);
        self.last_snapshot = Some(LastSnapshot { zxid, at_s: now.wall_ms / 1000 });
    }

    pub(crate) fn began(&mut self, took: Duration, replayed: u64, snapshot: LastSnapshot) {
        self.init_time.record_ms(took);
        self.startup_txns.record(replayed);
        self.last_snapshot = Some(snapshot);
    }

    pub(crate) fn loaded(&mut self, snapshot: Duration, txns: Duration) {
        self.snapshot_load_time.record_ms(snapshot);
        self.txns_load_time.record_ms(txns);
    }
}

impl ServerStats {
    /// Counts from zero again, as `srst` wants.
    pub(super) fn reset(&mut self) {
        let (rotated, last_snapshot) = (self.rotated, self.disk.last_snapshot);
        *self = Self { rotated, ..Self::default() };
        self.disk.last_snapshot = last_snapshot;
    }

    pub(super) fn response(&mut self, len: usize) {
        let len = len as u64;
        self.packets_sent += 1;
        self.response_bytes += len;
        self.response_size.record(len);
        self.last_response_size = Some(len);
    }

    pub(super) fn read(&mut self, taken: Duration) {
        self.latency.record_ms(taken);
        self.read_latency.record_ms(taken);
    }

    pub(super) fn update(&mut self, taken: Duration) {
        self.latency.record_ms(taken);
        self.update_latency.record_ms(taken);
    }

    pub(super) fn propagated(&mut self, taken_ms: i64) {
        // The wall clock may go back.
        self.propagation_latency.record(u64::try_from(taken_ms).unwrap_or(0));
    }

    /// Counts what a transaction that was carried out has written, by namespace, as Apache does: the
    /// paths and the data. `changes` says whether it changed anything, and which nodes went with a
    /// session.
    pub(super) fn wrote(&mut self, txn: &Txn, changes: &[Change<'_>]) {
        let data_len = |data: &Option<bytes::Bytes>| data.as_ref().map_or(0, bytes::Bytes::len);
        match txn {
            _ if changes.is_empty() => {}
            Txn::Create { path, data, .. }
            | Txn::CreateContainer { path, data, .. }
            | Txn::CreateTtl { path, data, .. }
            | Txn::SetData { path, data, .. } => self.count_write(path, data_len(data)),
            Txn::Delete { path } | Txn::DeleteContainer { path } => self.count_write(path, 0),
            Txn::Multi(parts) => parts.iter().for_each(|part| self.wrote(part, changes)),
            Txn::CloseSession { .. } => {
                for gone in changes.iter().filter(|change| change.kind == ChangeKind::Deleted) {
                    self.count_write(&gone.path, 0);
                }
            }
            _ => {}
        }
    }

    fn count_write(&mut self, path: &str, bytes: usize) {
        if let Some(writes) = self.writes.of(path) {
            writes.record((path.len() + bytes) as u64);
        }
    }

    pub(super) fn fired(&mut self, kind: EventType, watches: usize) {
        let fired = &mut self.watches_fired;
        match kind {
            EventType::NodeCreated => fired.created.record(watches as u64),
            EventType::NodeDeleted => fired.deleted.record(watches as u64),
            EventType::NodeDataChanged => fired.changed.record(watches as u64),
            EventType::NodeChildrenChanged => fired.children.record(watches as u64),
            _ => {}
        }
    }

    /// Lets what is old leave the quantiles. Call it about once a minute.
    pub(super) fn rotate(&mut self, now: Instant) {
        let since = *self.rotated.get_or_insert(now);
        if now.saturating_duration_since(since) >= QUANTILE_WINDOW {
            self.rotated = Some(now);
            self.distributions().for_each(Distribution::rotate);
        }
    }

    fn distributions(&mut self) -> impl Iterator<Item = &mut Distribution> {
        let (fired, disk) = (&mut self.watches_fired, &mut self.disk);
        let all = [
            &mut self.read_latency,
            &mut self.update_latency,
            &mut self.propagation_latency,
            &mut self.log_queue,
            &mut self.token_deficit,
            &mut fired.created,
            &mut fired.deleted,
            &mut fired.changed,
            &mut fired.children,
            &mut disk.fsync_time,
            &mut disk.batch_size,
            &mut disk.snapshot_time,
            &mut disk.init_time,
            &mut disk.snapshot_load_time,
            &mut disk.txns_load_time,
            &mut disk.startup_txns,
            &mut self.backup.restore_time,
        ];
        all.into_iter().chain(self.reads.values_mut()).chain(self.writes.values_mut())
    }
}

/// What one connection has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConnectionStats {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Of the last request that was answered.
    pub(crate) last: Option<LastAnswer>,
    /// In ms.
    pub(crate) latency: Summary,
}

/// The last request of a connection that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastAnswer {
    pub(crate) op: OpCode,
    pub(crate) xid: i32,
    pub(crate) zxid: Zxid,
    /// In ms of the wall clock.
    pub(crate) at_ms: i64,
    pub(crate) latency: Duration,
}

impl ConnectionStats {
    /// Pings and the like have no number of their own, and leave the last one standing.
    pub(super) fn answered(&mut self, mut answer: LastAnswer) {
        self.latency.record_ms(answer.latency);
        if answer.xid < 0 {
            answer.xid = self.last.map_or(answer.xid, |last| last.xid);
        }
        self.last = Some(answer);
    }
}
