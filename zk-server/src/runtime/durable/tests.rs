//! The log and snapshot threads on a real disk.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{OpCode, SessionId, Zxid};

use super::fs_directory::FsDirectory;
use super::snapshot_store::SnapshotStore;
use super::*;
use crate::config::ServerConfig;
use crate::runtime::{Instance, StartError};
use crate::storage::directory::Directory;
use crate::storage::format::{FileName, Packing, test_record};
use crate::storage::log::{
    FlushPolicy, LastBatch, LogSettings, LogWriter, MemoryTxnLog, TxnRecord,
};
use crate::storage::recovery::Directories;
use crate::storage::snapshot_file::write_snapshot;
use crate::tree::DataTree;

fn record(zxid: i64) -> std::sync::Arc<TxnRecord> {
    let op = OpCode::Delete.code();
    let header = TxnHeader { session: SessionId(1), cxid: 1, zxid: Zxid(zxid), time_ms: 0, op };
    std::sync::Arc::new(TxnRecord { header, txn: Txn::Delete { path: "/a".into() }, digest: None })
}

/// A batch of one that was written just now.
fn alone() -> LastBatch {
    LastBatch { flushed: Instant::now(), took: Duration::ZERO, len: 1 }
}

#[test]
fn the_queue_gives_batches_in_order_until_it_is_closed_and_empty() {
    let queue = LogQueue::default();
    queue.push(&mut (1..=5).map(record).collect());
    queue.push(&mut (6..=7).map(record).collect());
    queue.close();
    let (mut batch, mut batches) = (Vec::new(), Vec::new());
    let policy = FlushPolicy { batch_len_max: 3, ..FlushPolicy::default() };
    while queue.take(&mut batch, &policy, &alone()) {
        batches.push(batch.iter().map(|record| record.header.zxid.0).collect::<Vec<_>>());
    }
    assert_eq!(batches, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
}

/// A batch that waits for others is written when it is full, or nothing more comes, and at the
/// latest when the server stops.
#[test]
fn a_batch_that_waits_ends_when_it_is_full_and_when_the_queue_is_closed() {
    let queue = LogQueue::default();
    let ages = Duration::from_secs(3000);
    let policy = FlushPolicy { delay: ages, poll_time: Some(ages), batch_len_max: 4 };
    let mut batch = Vec::new();
    std::thread::scope(|scope| {
        let taken = scope.spawn(|| {
            let mut lens = Vec::new();
            while queue.take(&mut batch, &policy, &alone()) {
                lens.push(batch.len());
            }
            lens
        });
        for zxid in 1..=6 {
            queue.push(&mut vec![record(zxid)]);
        }
        queue.close();
        assert_eq!(taken.join().unwrap(), [4, 2]);
    });
    let open = LogQueue::default();
    open.push(&mut vec![record(1)]);
    let policy = FlushPolicy { poll_time: Some(Duration::from_millis(1)), ..policy };
    assert!(open.take(&mut batch, &policy, &alone()), "nothing more comes");
}

/// Who wrote together last time is waited for, and not for ever.
#[test]
fn a_batch_waits_for_as_many_as_the_last_one_had() {
    let queue = LogQueue::default();
    let last = LastBatch { flushed: Instant::now(), took: Duration::from_millis(1), len: 3 };
    let mut batch = Vec::new();
    queue.push(&mut vec![record(1)]);
    assert!(queue.take(&mut batch, &FlushPolicy::default(), &last));
    assert_eq!(batch.len(), 1, "nobody came");
    let ages = Duration::from_secs(3000);
    let last = LastBatch { flushed: Instant::now() + ages, took: ages, len: 3 };
    queue.push(&mut (2..=4).map(record).collect());
    assert!(queue.take(&mut batch, &FlushPolicy::default(), &last));
    assert_eq!(batch.len(), 3);
}

/// A job comes between two batches, and takes nothing from either.
#[test]
fn a_job_is_done_before_the_next_batch_and_dropped_with_the_queue() {
    let queue = LogQueue::default();
    let ages = Duration::from_secs(3000);
    let policy = FlushPolicy { delay: ages, poll_time: Some(ages), batch_len_max: 4 };
    let mut batch = vec![record(1)];
    queue.push(&mut vec![record(2)]);
    queue.interpose(Box::new(|_| ()));
    assert!(queue.take(&mut batch, &policy, &alone()), "it waits for nothing");
    assert!(batch.is_empty() && queue.take_job().is_some() && queue.take_job().is_none());
    queue.discard();
    std::thread::scope(|scope| {
        let taken = scope.spawn(|| queue.take(&mut batch, &policy, &alone()));
        queue.push(&mut vec![record(3)]);
        queue.interpose(Box::new(|_| ()));
        // Whether it has taken the first before or not: it goes on, and loses none.
        assert!(taken.join().unwrap());
    });
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let dropped = tell.clone();
    queue.interpose(Box::new(move |_| drop(dropped)));
    queue.close();
    queue.interpose(Box::new(move |_| drop(tell)));
    assert!(told.recv().is_err(), "whoever waits for it is told");
}

#[test]
fn a_real_directory_does_what_storage_needs() {
    let dir = tempfile::tempdir().unwrap();
    let directory = FsDirectory::open(&dir.path().join("a/b")).unwrap();
    let mut file = directory.create("x").unwrap();
    file.extend(100).unwrap();
    file.write_at(3, b"abc").unwrap();
    file.write_at(1, b"z").unwrap();
    file.sync().unwrap();
    directory.sync().unwrap();
    let read = |name: &str| {
        let mut bytes = Vec::new();
        directory.read(name).unwrap().read_to_end(&mut bytes).unwrap();
        Bytes::from(bytes)
    };
    let bytes = read("x");
    assert_eq!((bytes.len(), &bytes[..7]), (100, &b"\0z\0abc\0"[..]));
    directory.open("x").unwrap().truncate(4).unwrap();
    directory.rename("x", "y").unwrap();
    assert_eq!((directory.list().unwrap(), &read("y")[..]), (vec!["y".to_owned()], &b"\0z\0a"[..]));
    assert!(directory.create("y").is_ok() && read("y").is_empty());
    directory.remove("y").unwrap();
    assert!(directory.list().unwrap().is_empty());
    assert!(directory.open("y").is_err());
}

#[test]
fn a_snapshot_for_an_operator_outlives_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let directory = FsDirectory::open(dir.path()).unwrap();
    let name = FileName::Snapshot(Zxid(7), Packing::Plain).to_string();
    directory.create(&name).unwrap().write_at(0, b"all of it").unwrap();
    let taken = Taken::open(&directory, Zxid(7), 9).unwrap();
    // As purging does once the store is anybody's again.
    directory.remove(&name).unwrap();
    let mut read = Vec::new();
    let all = taken.read(|piece| {
        read.extend_from_slice(&piece);
        true
    });
    assert!(all.is_ok(), "{all:?}");
    assert_eq!(read, b"all of it");
}

fn config(data_dir: &Path) -> ServerConfig {
    ServerConfig::for_development(0, data_dir)
}

async fn run(data_dir: &Path) -> Result<(), StartError> {
    let instance = Instance::open(config(data_dir)).await?;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    instance.run(shutdown).await.unwrap();
    Ok(())
}

#[tokio::test]
async fn a_first_start_leaves_a_snapshot_and_no_second_server_gets_in() {
    let dir = tempfile::tempdir().unwrap();
    let instance = Instance::open(config(dir.path())).await.unwrap();
    assert!(dir.path().join("version-2/snapshot.0").exists());
    let second = run(dir.path()).await.unwrap_err();
    assert!(matches!(second, StartError::DataInUse { .. }), "{second}");
    drop(instance);
    run(dir.path()).await.unwrap();
}

#[tokio::test]
async fn damage_is_named_with_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path()).await.unwrap();
    let log = dir.path().join("version-2/log.1");
    std::fs::write(&log, b"not a log at all").unwrap();
    let refused = run(dir.path()).await.unwrap_err().to_string();
    assert!(refused.contains("log.1 is damaged at offset 0"), "{refused}");
    assert!(refused.contains(&dir.path().display().to_string()), "{refused}");
    assert!(log.exists(), "evidence stays");
}

#[tokio::test]
async fn logs_that_are_trusted_once_have_a_snapshot_with_their_sessions_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let version = dir.path().join("version-2");
    let logs = Arc::new(FsDirectory::open(&version).unwrap());
    let settings = LogSettings { preallocation: 8192, ..LogSettings::default() };
    let mut writer = LogWriter::new(logs, settings, Zxid::ZERO);
    writer.append(&[test_record(1, Txn::CreateSession { timeout_ms: 4000 })]).unwrap();
    drop(writer);
    let refused = run(dir.path()).await.unwrap_err().to_string();
    assert!(refused.contains("`snapshot.trust.empty=true`"), "{refused}");
    let mut trusting = config(dir.path());
    trusting.storage.trust_empty = true;
    let (opened, recovered) = Opened::open(&trusting).unwrap();
    assert_eq!((recovered.snapshot, recovered.sessions.len()), (None, 1));
    drop(opened);
    let (_opened, recovered) = Opened::open(&config(dir.path())).unwrap();
    assert_eq!((recovered.snapshot, recovered.sessions.len()), (Some(Zxid(1)), 1));
}

/// A disk that dies under an old log stops nobody who does not need it.
#[test]
fn a_log_that_is_not_needed_and_cannot_be_read_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let version = dir.path().join("version-2");
    let directory: Arc<dyn Directory> = Arc::new(FsDirectory::open(&version).unwrap());
    let mut tree = DataTree::new(true);
    tree.stand_at(Zxid(9));
    write_snapshot(&directory, &tree, &[]).unwrap();
    let mut writer = LogWriter::new(directory, LogSettings::default(), Zxid(4));
    let delete = |zxid| test_record(zxid, Txn::Delete { path: "/a".into() });
    writer.append(&(5..=10).map(delete).collect::<Vec<_>>()).unwrap();
    // Nothing else of a name can be opened and not read.
    std::fs::create_dir(version.join("log.1")).unwrap();
    let (_opened, recovered) = Opened::open(&config(dir.path())).unwrap();
    assert_eq!((recovered.tree.last_zxid(), recovered.replayed), (Zxid(10), 1));
    let [note] = &recovered.notes[..] else { panic!("one note: {:?}", recovered.notes) };
    assert!(
        note.starts_with("log.1 cannot be read: ") && note.ends_with("not needed now"),
        "{note}"
    );
}

#[test]
fn settings_of_the_disk_have_apaches_defaults() {
    let storage = config(Path::new("/data")).storage;
    assert_eq!(storage.log.preallocation, 64 << 20);
    assert_eq!((storage.flush.batch_len_max, storage.flush.delay), (1000, Duration::ZERO));
    assert_eq!((storage.snapshots.txns, storage.snapshots.log_len), (100_000, 4 << 30));
    assert_eq!(storage.packing, Packing::Plain);
    assert_eq!(storage.fsync_warning_threshold, Duration::from_secs(1));
}

/// Reads nothing, and panics over it.
struct Panics;

impl std::io::Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        panic!("planted")
    }
}

/// Whatever an operator's thread was in the middle of is not served on.
#[tokio::test]
async fn a_backup_that_panics_stops_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let config = ServerConfig::for_development(0, Path::new(""));
    let log = Box::new(MemoryTxnLog::default());
    let shared = Instance::bind(config.clone(), log).await.unwrap().controls().shared;
    let directory = Arc::new(FsDirectory::open(dir.path()).unwrap());
    let directories =
        Directories { snapshots: Arc::clone(&directory) as _, logs: directory, shared: true };
    let store = SnapshotStore::shared(directories, &config.storage);
    let backup = Backup { store, queue: Arc::default() };
    let server = Arc::clone(&shared);
    let restoring = tokio::task::spawn_blocking(move || backup.restore(&server, Panics).map(drop));
    assert!(restoring.await.unwrap_err().is_panic());
    let failure = shared.failure().expect("it stops").to_string();
    assert!(failure.contains("storage panicked"), "{failure}");
}
