//! From a data directory to a running log.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::LogQueue;
use super::backup::Backup;
use super::fs_directory::FsDirectory;
use super::log_thread::LogThread;
use super::placement;
use super::snapshot_store::{SharedStore, SnapshotStore, lock};
use super::snapshot_thread::SnapshotThread;
use crate::config::{ServerConfig, StorageConfig};
use crate::runtime::StartError;
use crate::runtime::shared::Shared;
use crate::storage::format::VERSION_DIR;
use crate::storage::log::LogWriter;
use crate::storage::recovery::{Directories, Recovered, RecoverySettings, recover_telling};
use crate::storage::snapshot_file::write_snapshot;
use crate::storage::snapshot_schedule::SnapshotSchedule;

/// Data that was read, and the directories, which nobody else has until this is dropped.
#[derive(Debug)]
pub(in crate::runtime) struct Opened {
    directories: Directories,
    config: StorageConfig,
    locks: Vec<File>,
    replayed: u64,
    load_times: LoadTimes,
    queue: Arc<LogQueue>,
}

/// How long it took to read the snapshot, and the logs behind it.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime) struct LoadTimes {
    pub(in crate::runtime) snapshot: Duration,
    pub(in crate::runtime) txns: Duration,
}

/// The threads that write.
#[derive(Debug)]
pub(in crate::runtime) struct Threads {
    queue: Arc<LogQueue>,
    threads: Vec<JoinHandle<()>>,
    snapshots: SharedStore,
    _locks: Vec<File>,
}

impl Opened {
    /// Takes the directories of the configuration, and [reads](Self::read) them.
    pub(in crate::runtime) fn open(config: &ServerConfig) -> Result<(Self, Recovered), StartError> {
        for dir in [Some(&config.data_dir), config.data_log_dir.as_ref()].into_iter().flatten() {
            placement::refuse_files_of_version(dir)?;
            let path = dir.join(VERSION_DIR);
            if !config.storage.autocreate && !path.is_dir() {
                return Err(StartError::DataDirMissing { path });
            }
        }
        let (snapshots, mut locks) = take(&config.data_dir)?;
        let log_dir = config.data_log_dir.as_deref().filter(|dir| !is_same(dir, &config.data_dir));
        let logs = match log_dir {
            Some(dir) => {
                let (logs, more) = take(dir)?;
                locks.extend(more);
                Some(logs)
            }
            None => None,
        };
        let shared = logs.is_none();
        let snapshots: Arc<FsDirectory> = Arc::new(snapshots);
        let directories = match logs {
            Some(logs) => Directories { snapshots, logs: Arc::new(logs), shared },
            None => Directories { logs: Arc::clone(&snapshots) as _, snapshots, shared },
        };
        Self::read(config, directories, locks)
    }

    /// Reads what is there, and makes a first snapshot where none is.
    pub(super) fn read(
        config: &ServerConfig,
        directories: Directories,
        locks: Vec<File>,
    ) -> Result<(Self, Recovered), StartError> {
        let unreadable =
            |reason: String| StartError::Data { path: config.data_dir.clone(), reason };
        let begun = Instant::now();
        let mut loaded = begun;
        let settings = RecoverySettings::of(config);
        let recovered = recover_telling(&directories, settings, || loaded = Instant::now())
            .map_err(|error| unreadable(placement::reason(&error)))?;
        let load_times = LoadTimes { snapshot: loaded - begun, txns: loaded.elapsed() };
        if let Some(warning) = placement::missing_logs(&recovered, &*directories.logs) {
            tracing::warn!("{warning}");
        }
        for note in &recovered.notes {
            tracing::warn!("{note}");
        }
        if recovered.snapshot.is_none() {
            // Apache's server, and this one, take logs without a snapshot for a loss.
            let sessions = recovered.sessions.iter().map(|(id, timeout)| (*id, *timeout));
            let sessions: Vec<_> = sessions.collect();
            let written = write_snapshot(&directories.snapshots, &recovered.tree, &sessions);
            written.map_err(|error| failed(&config.data_dir, error))?;
        }
        let replayed = recovered.replayed;
        tracing::info!(
            zxid = %recovered.tree.last_zxid(),
            nodes = recovered.tree.node_count(),
            replayed,
            "read the data"
        );
        let queue = Arc::new(LogQueue::default());
        let config = config.storage;
        Ok((Self { directories, config, locks, replayed, load_times, queue }, recovered))
    }

    /// How long it took to read what is there.
    pub(in crate::runtime) fn load_times(&self) -> LoadTimes {
        self.load_times
    }

    /// Where the log thread takes transactions from, once it is started.
    pub(in crate::runtime) fn queue(&self) -> Arc<LogQueue> {
        Arc::clone(&self.queue)
    }

    /// Starts the threads.
    pub(in crate::runtime) fn start(
        self,
        shared: &Arc<Shared>,
        last: zk_proto::Zxid,
    ) -> io::Result<Threads> {
        let logs = Arc::clone(&self.directories.logs);
        let store = SnapshotStore::shared(self.directories, &self.config);
        let (snapshots, trigger) =
            SnapshotThread::new(Arc::clone(shared), Arc::clone(&store), &self.config);
        let rng = fastrand::Rng::new();
        let schedule = SnapshotSchedule::new(self.config.snapshots, self.replayed, rng);
        let log = LogThread {
            shared: Arc::clone(shared),
            queue: Arc::clone(&self.queue),
            writer: LogWriter::new(logs, self.config.log, last),
            config: self.config,
            snapshots: trigger,
            schedule,
        };
        let (queue, threads) = (self.queue, Vec::new());
        let mut threads = Threads { queue, threads, snapshots: store, _locks: self.locks };
        threads.threads.push(spawn("zk-log", move || log.run())?);
        threads.threads.push(spawn("zk-snapshot", move || snapshots.run())?);
        Ok(threads)
    }
}

impl Threads {
    /// What operators' snapshots are taken and restored with.
    pub(in crate::runtime) fn backup(&self) -> Backup {
        Backup { store: Arc::clone(&self.snapshots), queue: Arc::clone(&self.queue) }
    }
}

/// Lets the threads write what they have, and waits for their end. Then the directories are free.
impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // A panic has been reported by the thread itself.
            let _ = thread.join();
        }
        // Waits for whoever still writes a snapshot.
        lock(&self.snapshots).close();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Opens a directory for this process alone: two servers that append to one log destroy it.
fn take(data_dir: &Path) -> Result<(FsDirectory, Vec<File>), StartError> {
    let path = data_dir.join(VERSION_DIR);
    let directory = FsDirectory::open(&path).map_err(|error| failed(data_dir, error))?;
    match directory.lock().map_err(|error| failed(data_dir, error))? {
        Some(lock) => Ok((directory, vec![lock])),
        None => Err(StartError::DataInUse { path: data_dir.to_owned() }),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    one == other || canonical(one) == canonical(other)
}

fn failed(path: &Path, error: io::Error) -> StartError {
    StartError::DataDir { path: path.to_owned(), error }
}
