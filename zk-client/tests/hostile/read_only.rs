//! Servers that are read-only, or refuse for now, by a script: the embedded one does neither.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::{Client, CreateMode, Error, SessionState};
use zk_server::testing::TestServer;

use super::within;

const NOT_READ_ONLY: i32 = -119;
const THROTTLED: i32 = -127;

/// A server that takes every client in, and answers every request but pings with this code.
struct Script {
    read_only: bool,
    code: i32,
    /// Whether it has become one that takes writes: then it says so, and serves no more.
    retired: AtomicBool,
    requests: AtomicUsize,
    questions: AtomicUsize,
}

async fn serve(read_only: bool, code: i32) -> (SocketAddr, Arc<Script>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (retired, requests, questions) = Default::default();
    let script = Arc::new(Script { read_only, code, retired, requests, questions });
    let shared = Arc::clone(&script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&shared)));
        }
    });
    (address, script)
}

/// Ends with the connection.
async fn converse(mut stream: TcpStream, script: Arc<Script>) -> Option<()> {
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.ok()?;
    if &word == b"isro" {
        script.questions.fetch_add(1, Ordering::Relaxed);
        return stream.write_all(if script.read_only { b"ro" } else { b"rw" }).await.ok();
    }
    let mut frame = body(&mut stream, word).await?;
    let accepts_read_only = frame.last() == Some(&1);
    if script.retired.load(Ordering::Relaxed) || script.read_only && !accepts_read_only {
        return None;
    }
    stream.write_all(&granted(script.read_only)).await.ok()?;
    loop {
        stream.read_exact(&mut word).await.ok()?;
        frame = body(&mut stream, word).await?;
        let (xid, op) = (&frame[..4], &frame[4..8]);
        let ping = op == 11_i32.to_be_bytes();
        let code = if ping { 0 } else { script.code };
        script.requests.fetch_add(usize::from(!ping), Ordering::Relaxed);
        let mut reply = 16_i32.to_be_bytes().to_vec();
        reply.extend_from_slice(xid);
        reply.extend_from_slice(&0_i64.to_be_bytes());
        reply.extend_from_slice(&code.to_be_bytes());
        stream.write_all(&reply).await.ok()?;
    }
}

async fn body(stream: &mut TcpStream, len: [u8; 4]) -> Option<Vec<u8>> {
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(len)).ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// A connect response that grants a session of 40 s, which no stall of a busy machine ends.
fn granted(read_only: bool) -> Vec<u8> {
    let mut frame = 37_i32.to_be_bytes().to_vec();
    frame.extend_from_slice(&0_i32.to_be_bytes());
    frame.extend_from_slice(&40_000_i32.to_be_bytes());
    frame.extend_from_slice(&77_i64.to_be_bytes());
    frame.extend_from_slice(&16_i32.to_be_bytes());
    frame.extend_from_slice(&[7; 16]);
    frame.push(read_only.into());
    frame
}

#[tokio::test]
async fn a_client_finds_its_way_from_a_read_only_server_to_one_that_takes_writes() {
    let (read_only, _) = serve(true, NOT_READ_ONLY).await;
    let mut good = TestServer::start().await.unwrap();
    let servers = format!("{read_only},{}", good.connect_string());
    good.stop().await;
    let client = Client::builder(&servers).read_only(true).seed(2).connect();
    let client = within("the connect", client).await.unwrap();
    assert_eq!(client.state(), SessionState::ConnectedReadOnly);
    assert_eq!((client.session_id(), client.session_deadline()), (None, None));
    let refused = client.create("/a", b"", CreateMode::Persistent).await.unwrap_err();
    assert!(matches!(refused, Error::NotReadOnly { .. }), "{refused}");
    assert!(!refused.is_outcome_unknown());
    let mut states = client.states();
    assert_eq!(states.next().await, Some(SessionState::ConnectedReadOnly));
    good.restart().await.unwrap();
    within("a server that takes writes", async {
        while states.next().await != Some(SessionState::Connected) {}
    })
    .await;
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    assert_eq!(client.session_epoch(), 1, "the read-only session was nothing to lose");
    assert_eq!(good.session_ids(), [client.session_id().unwrap()]);
    within("the close", client.close()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_says_it_takes_writes_is_gone_to() {
    let (read_only, asked_first) = serve(true, NOT_READ_ONLY).await;
    let (writable, asked) = serve(false, 0).await;
    // Until the client has gone to the read-only one, the other does not take it in.
    asked.retired.store(true, Ordering::Relaxed);
    let client = Client::builder(&format!("{read_only},{writable}")).read_only(true).connect();
    let client = within("the connect", client).await.unwrap();
    let mut states = client.states();
    assert_eq!(states.next().await, Some(SessionState::ConnectedReadOnly));
    asked.retired.store(false, Ordering::Relaxed);
    within("the other server", async {
        while states.next().await != Some(SessionState::Connected) {}
    })
    .await;
    assert!(asked.questions.load(Ordering::Relaxed) >= 1, "it was asked first");
    assert_eq!(asked_first.questions.load(Ordering::Relaxed), 0, "the one in use was not");
}

#[tokio::test]
async fn a_read_only_server_is_no_server_for_who_did_not_ask_for_one() {
    let (read_only, _) = serve(true, NOT_READ_ONLY).await;
    let builder = Client::builder(&read_only.to_string());
    let connecting = builder.connect_timeout(Duration::from_millis(300)).connect();
    let error = within("the verdict", connecting).await.unwrap_err();
    assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_sheds_load_is_not_asked_again_at_once() {
    let (address, script) = serve(false, THROTTLED).await;
    let client = Client::builder(&address.to_string()).connect();
    let client = within("the connect", client).await.unwrap();
    let mut nodes = client.observe("/a");
    let asked = async {
        while script.requests.load(Ordering::Relaxed) < 5 {
            tokio::task::yield_now().await;
        }
    };
    let start = tokio::time::Instant::now();
    tokio::select! {
        node = nodes.next() => panic!("{node:?}"),
        () = within("the fifth request", asked) => {}
    }
    // Pauses of 20, 40, 80 and 160 ms at least.
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    // The client's end ends the pause too.
    let ended = async { while nodes.next().await.is_some() {} };
    let closing = client.close();
    let (_, closed) = within("the end", futures_util::future::join(ended, closing)).await;
    drop(closed);
}

#[tokio::test]
async fn one_bad_name_does_not_keep_a_client_from_the_good_ones() {
    let server = TestServer::start().await.unwrap();
    for seed in 0..4 {
        let servers = format!("no-such-host.invalid:2181,{}", server.connect_string());
        let client = within("the connect", Client::builder(&servers).seed(seed).connect()).await;
        let client = client.unwrap();
        server.drop_connections();
        client.get("/").await.unwrap();
        client.update_servers(&format!("{servers},also-none.invalid")).unwrap();
        client.get("/").await.unwrap();
        assert_eq!(client.session_epoch(), 1);
    }
}
