//! What only real sockets and real failures show.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio_util::sync::CancellationToken;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{
    Acl, ConnectRequest, CreateMode, CreateRequest, GetDataRequest, Password, Request,
    RequestHeader, SessionId, Zxid,
};

use super::*;
use crate::config::ServerConfig;
use crate::storage::log::{LogError, MemoryTxnLog, TxnLog, TxnRecord};

const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a framed connect request without the read-only byte, and of its response.
const CONNECT_LEN: usize = 4 + 44;
const CONNECTED_LEN: usize = 4 + 36;

fn config() -> ServerConfig {
    ServerConfig { max_client_cnxns: 2, ..ServerConfig::for_development(0, Path::new("")) }
}

/// Fails, or panics, at the second record.
struct BadLog {
    records: usize,
    panics: bool,
}

impl TxnLog for BadLog {
    fn append(&mut self, _: Arc<TxnRecord>) -> Result<(), LogError> {
        self.records += 1;
        assert!(!self.panics || self.records < 2, "planted");
        Ok(())
    }

    fn sync(&mut self) -> Result<Zxid, LogError> {
        match self.records {
            0 | 1 => Ok(Zxid(1)),
            _ => Err(LogError { reason: "no space left".to_owned() }),
        }
    }

    fn replay(&self) -> Box<dyn Iterator<Item = Result<Arc<TxnRecord>, LogError>> + '_> {
        Box::new(std::iter::empty())
    }
}

fn dial(instance: &Instance) -> TcpStream {
    let stream = TcpStream::connect(instance.address().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connect request, a create of 512 KiB, and `reads` reads of it.
fn conversation(reads: i32) -> BytesMut {
    let mut out = BytesMut::new();
    let connect = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid::ZERO,
        timeout_ms: 60_000,
        session_id: SessionId::NONE,
        password: Password::NONE,
        read_only: None,
    };
    encode_frame(&mut out, |out| connect.encode(out));
    let data = vec![7; 512 << 10];
    let flags = CreateMode::Persistent.flags();
    let create = CreateRequest { path: "/a", data: Some(&data), acl: Acl::open(), flags };
    let mut request = |xid, request: Request<'_>| {
        encode_frame(&mut out, |out| {
            RequestHeader { xid, op: request.op().code() }.encode(out);
            request.encode(out);
        });
    };
    request(1, Request::Create(create));
    for xid in 2..2 + reads {
        request(xid, Request::GetData(GetDataRequest { path: "/a", watch: false }));
    }
    out
}

/// Runs a server with this log until it ends by itself, and gives how many bytes its client saw
/// behind the session.
fn run_to_failure(panics: bool) -> (ServeError, usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = BadLog { records: 0, panics };
        let instance = Instance::bind(config(), Box::new(log)).await.unwrap();
        let mut client = dial(&instance);
        let client = tokio::task::spawn_blocking(move || {
            let mut conversation = conversation(0);
            client.write_all(&conversation.split_to(CONNECT_LEN)).unwrap();
            client.read_exact(&mut [0; CONNECTED_LEN]).unwrap();
            // The server may be gone before it has read everything.
            let _ = client.write_all(&conversation);
            let mut seen = Vec::new();
            let _ = client.read_to_end(&mut seen);
            seen.len()
        });
        let running = tokio::time::timeout(PATIENCE, instance.run(CancellationToken::new()));
        let error = running.await.expect("it ends by itself").unwrap_err();
        (error, client.await.unwrap())
    })
}

#[test]
fn a_log_that_fails_stops_the_server_before_anything_is_acknowledged() {
    let (error, seen) = run_to_failure(false);
    assert!(matches!(error, ServeError::Log(_)), "{error}");
    assert!(error.to_string().contains("no space left"), "{error}");
    assert_eq!(seen, 0, "no reply to the create");
}

#[test]
fn a_panic_takes_the_server_down() {
    let (error, seen) = run_to_failure(true);
    assert!(matches!(error, ServeError::Fault { .. }), "{error}");
    assert_eq!(seen, 0);
}

#[tokio::test]
async fn one_address_gets_so_many_connections_and_the_next_is_closed_at_once() {
    let instance = Instance::bind(config(), Box::new(MemoryTxnLog::default())).await.unwrap();
    let streams = [dial(&instance), dial(&instance), dial(&instance)];
    let stop = CancellationToken::new();
    let running = tokio::spawn(instance.run(stop.clone()));
    let closed = tokio::task::spawn_blocking(move || {
        let [mut first, second, mut third] = streams;
        let mut byte = [0];
        let refused = matches!(third.read(&mut byte), Ok(0) | Err(_));
        first.write_all(b"ruok").unwrap();
        let mut answer = String::new();
        first.read_to_string(&mut answer).unwrap();
        drop(second);
        (refused, answer)
    });
    assert_eq!(closed.await.unwrap(), (true, "imok".to_owned()));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let mut config = config();
    config.limits.write_stall_timeout = Duration::from_millis(100);
    let instance = Instance::bind(config, Box::new(MemoryTxnLog::default())).await.unwrap();
    let controls = instance.controls();
    let mut client = dial(&instance);
    let stop = CancellationToken::new();
    let running = tokio::spawn(instance.run(stop.clone()));
    let client = tokio::task::spawn_blocking(move || {
        // It may be cut off before it has written everything.
        let _ = client.write_all(&conversation(64));
        client
    });
    let client = client.await.unwrap();
    // The socket takes some of the 32 MiB; then nothing moves, and the time runs.
    let cut = async {
        let mut turn = tokio::time::interval(Duration::from_millis(5));
        while controls.connection_count() > 0 {
            turn.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, cut).await.expect("it is cut off");
    drop(client);
    stop.cancel();
    running.await.unwrap().unwrap();
}
