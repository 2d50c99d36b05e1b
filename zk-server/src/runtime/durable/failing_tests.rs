//! The log thread on a disk that fails once, and works again when it is asked a second time.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{
    ConnectRequest, GetDataRequest, Password, Request, RequestHeader, SessionId, SetDataRequest,
    Zxid,
};

use super::Opened;
use super::fs_directory::FsDirectory;
use crate::config::ServerConfig;
use crate::runtime::instance::Data;
use crate::runtime::{Instance, ServeError};
use crate::storage::directory::{Directory, DirectoryFile};
use crate::storage::recovery::{Directories, RecoverySettings, recover};

const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a framed connect response without the read-only byte.
const CONNECTED_LEN: usize = 4 + 36;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What the log does to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Create,
    Extend,
    Write,
    Sync,
    SyncNames,
}

/// Which step fails next, and what came after it.
#[derive(Clone, Debug, Default)]
struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    armed: Option<(Step, i32)>,
    failed: bool,
    steps_after: Vec<Step>,
}

impl Faults {
    fn arm(&self, step: Step, errno: i32) {
        self.0.lock().unwrap().armed = Some((step, errno));
    }

    fn check(&self, step: Step) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        if plan.failed {
            plan.steps_after.push(step);
        }
        match plan.armed {
            Some((armed, errno)) if armed == step => {
                plan.armed = None;
                plan.failed = true;
                Err(io::Error::from_raw_os_error(errno))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct FailingDirectory {
    inner: Arc<FsDirectory>,
    faults: Faults,
}

impl Directory for FailingDirectory {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.inner.read(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        self.faults.check(Step::Create)?;
        let (inner, faults) = (self.inner.create(name)?, self.faults.clone());
        Ok(Box::new(FailingFile { inner, faults }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        self.inner.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.check(Step::SyncNames)?;
        self.inner.sync()
    }
}

#[derive(Debug)]
struct FailingFile {
    inner: Box<dyn DirectoryFile>,
    faults: Faults,
}

impl DirectoryFile for FailingFile {
    /// A write that fails has written half.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let checked = self.faults.check(Step::Write);
        let len = if checked.is_ok() { bytes.len() } else { bytes.len() / 2 };
        self.inner.write_at(offset, &bytes[..len])?;
        checked
    }

    fn extend(&mut self, len: u64) -> io::Result<()> {
        self.faults.check(Step::Extend)?;
        self.inner.extend(len)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.inner.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.check(Step::Sync)?;
        self.inner.sync()
    }
}

fn directories(path: &Path, faults: &Faults) -> Directories {
    let inner = Arc::new(FsDirectory::open(&path.join("version-2")).unwrap());
    let logs = FailingDirectory { inner: Arc::clone(&inner), faults: faults.clone() };
    Directories { snapshots: inner, logs: Arc::new(logs), shared: true }
}

fn connect_request() -> BytesMut {
    let connect = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid::ZERO,
        timeout_ms: 60_000,
        session_id: SessionId::NONE,
        password: Password::NONE,
        read_only: None,
    };
    let mut out = BytesMut::new();
    encode_frame(&mut out, |out| connect.encode(out));
    out
}

/// A write, and a read behind it that would show it.
fn requests() -> BytesMut {
    let mut out = BytesMut::new();
    let set = SetDataRequest { path: "/", data: Some(b"new"), version: -1 };
    let get = GetDataRequest { path: "/", watch: false };
    for (xid, request) in [(1, Request::SetData(set)), (2, Request::GetData(get))] {
        encode_frame(&mut out, |out| {
            RequestHeader { xid, op: request.op().code() }.encode(out);
            request.encode(out);
        });
    }
    out
}

/// Runs a server on a disk of which one step fails: the first of that kind, or the first behind the
/// opening of a session. Gives what it said.
async fn run_to_failure(step: Step, errno: i32, behind_session: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::for_development(0, dir.path());
    config.storage.log.preallocation = 64 << 10;
    let faults = Faults::default();
    let opened = Opened::read(&config, directories(dir.path(), &faults), Vec::new());
    let (opened, recovered) = opened.unwrap();
    let data = Data::OnDisk(Box::new(opened), Box::new(recovered));
    let instance = Instance::assemble(config, data).await.unwrap();
    let mut client = TcpStream::connect(instance.address().unwrap()).await.unwrap();
    let running = tokio::spawn(instance.run(CancellationToken::new()));
    let mut acknowledged = Zxid::ZERO;
    if behind_session {
        client.write_all(&connect_request()).await.unwrap();
        client.read_exact(&mut [0; CONNECTED_LEN]).await.unwrap();
        acknowledged = Zxid(1);
        faults.arm(step, errno);
    } else {
        faults.arm(step, errno);
        client.write_all(&connect_request()).await.unwrap();
    }
    // The server may be gone before it has read them.
    let _ = client.write_all(&requests()).await;
    let mut answers = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, client.read_to_end(&mut answers)).await.unwrap();
    assert_eq!(answers, b"", "nothing that is not durable is answered");
    let ended = tokio::time::timeout(PATIENCE, running).await.expect("it ends by itself").unwrap();
    let error = ended.unwrap_err();
    assert!(matches!(error, ServeError::Log(_)), "{error}");
    let plan = faults.0.lock().unwrap();
    assert!(plan.failed && plan.steps_after.is_empty(), "tried again: {:?}", plan.steps_after);
    drop(plan);
    let settings = RecoverySettings::of(&ServerConfig::for_development(0, dir.path()));
    let again = recover(&directories(dir.path(), &Faults::default()), settings).unwrap();
    assert!(again.tree.last_zxid() >= acknowledged, "what was acknowledged is there");
    error.to_string()
}

#[tokio::test]
async fn a_step_that_fails_stops_the_server_which_names_the_file_and_never_tries_again() {
    for (step, errno, complaint) in [
        (Step::Create, ENOSPC, "cannot create log.1: No space left on device (os error 28)"),
        (Step::Extend, ENOSPC, "cannot extend log.1: No space left on device (os error 28)"),
        (Step::Write, EIO, "cannot write to log.1: Input/output error (os error 5)"),
        (Step::Sync, EIO, "cannot sync log.1: Input/output error (os error 5)"),
        (Step::SyncNames, EIO, "cannot keep the name of log.1: Input/output error (os error 5)"),
    ] {
        let error = run_to_failure(step, errno, false).await;
        assert!(error.contains(complaint), "{error}");
    }
}

#[tokio::test]
async fn a_session_that_is_open_learns_nothing_of_a_write_that_failed() {
    for (step, errno, complaint) in [
        (Step::Write, ENOSPC, "cannot write to log.1: No space left on device (os error 28)"),
        (Step::Sync, EIO, "cannot sync log.1: Input/output error (os error 5)"),
    ] {
        let error = run_to_failure(step, errno, true).await;
        assert!(error.contains(complaint), "{error}");
    }
}
