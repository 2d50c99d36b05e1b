//! Servers that answer nothing, nonsense, or something else than was asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::{Client, CreateMode, Error, SessionState};
use zk_server::testing::TestServer;

use super::within;

/// What a bad server does with a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Malice {
    /// Reads nothing, says nothing.
    Silent,
    /// Closes at once.
    Closing,
    /// Answers the connect request one byte at a time, and never to the end.
    Drips,
    /// Says this instead of an answer to the connect request.
    Says(&'static [u8]),
    /// Grants a session, then reads everything and says nothing.
    Mute,
    /// Grants a session, then answers the first request with this.
    Answers(&'static [u8]),
    /// Grants a session and closes.
    GrantsAndCloses,
}

/// A server, and how many connections it has taken.
pub(crate) async fn bad_server(malice: Malice) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(mistreat(stream, malice));
        }
    });
    (address, taken)
}

async fn mistreat(mut stream: TcpStream, malice: Malice) {
    let mut sink = vec![0; 4096];
    match malice {
        Malice::Silent => std::future::pending().await,
        Malice::Closing => return,
        Malice::Drips => return drip(stream).await,
        Malice::Says(bytes) => {
            let _ = stream.write_all(bytes).await;
        }
        Malice::Mute | Malice::Answers(_) | Malice::GrantsAndCloses => {
            let _ = stream.read(&mut sink).await;
            let _ = stream.write_all(&granted()).await;
            if let Malice::GrantsAndCloses = malice {
                return;
            }
            if let Malice::Answers(bytes) = malice {
                let _ = stream.read(&mut sink).await;
                let _ = stream.write_all(bytes).await;
            }
        }
    }
    while let Ok(1..) = stream.read(&mut sink).await {}
}

async fn drip(mut stream: TcpStream) {
    let answer = granted();
    let mut pause = tokio::time::interval(Duration::from_millis(300));
    for byte in &answer[..answer.len() - 1] {
        pause.tick().await;
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
    }
    std::future::pending().await
}

/// A connect response that grants a session of 600 ms.
fn granted() -> Vec<u8> {
    let mut record = Vec::new();
    record.extend_from_slice(&0_i32.to_be_bytes());
    record.extend_from_slice(&600_i32.to_be_bytes());
    record.extend_from_slice(&77_i64.to_be_bytes());
    record.extend_from_slice(&16_i32.to_be_bytes());
    record.extend_from_slice(&[7; 16]);
    record.push(0);
    let mut frame = i32::try_from(record.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(record);
    frame
}

const GARBAGE: &[Malice] = &[
    Malice::Silent,
    Malice::Closing,
    Malice::Drips,
    Malice::Says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    Malice::Says(&[0xff; 64]),
    Malice::Says(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
    Malice::Says(&[0, 0, 0, 0]),
    Malice::Says(&[0, 0, 0, 4, 0, 0, 0, 0]),
    Malice::GrantsAndCloses,
    Malice::Mute,
    // A reply to nobody, a reply without a header, a negative length, a reply that is too long, a
    // notification without a body, an answer to no ping.
    Malice::Answers(&[0, 0, 0, 16, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    Malice::Answers(&[0, 0, 0, 2, 0, 0]),
    Malice::Answers(&[0x80, 0, 0, 0]),
    Malice::Answers(&[0x7f, 0, 0, 0, 0, 0, 0, 1]),
    Malice::Answers(&[0, 0, 0, 16, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
    Malice::Answers(&[0, 0, 0, 16, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
];

#[tokio::test]
async fn no_bad_server_keeps_a_client_from_a_good_one() {
    let server = TestServer::start().await.unwrap();
    let runs = GARBAGE.iter().flat_map(|malice| (0..2).map(move |seed| (*malice, seed)));
    let runs = runs.map(|(malice, seed)| {
        let good = server.connect_string();
        async move {
            let (bad, _) = bad_server(malice).await;
            let client = Client::builder(&format!("{bad},{good}"))
                .session_timeout(Duration::from_millis(2000))
                .seed(seed)
                .connect();
            let client = within("the connect", client).await.unwrap();
            // The bad server may have granted a session: what asks has to bear its end.
            let asked = async { while client.get("/").await.is_err() {} };
            within(&format!("an answer in spite of {malice:?}"), asked).await;
            let _ = within("the close", client.close()).await;
        }
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn a_silent_server_does_not_use_up_the_time_of_the_others() {
    let server = TestServer::start().await.unwrap();
    let (silent, _) = bad_server(Malice::Silent).await;
    // Whichever comes first in the list that the client shuffles. A machine that stands still may use
    // up the share of the good one; then with more time.
    let runs = |seconds| {
        let servers = format!("{silent},{}", server.connect_string());
        let runs = (0..6).map(move |seed| {
            let builder = Client::builder(&servers)
                .session_timeout(Duration::from_secs(36_000))
                .connect_timeout(Duration::from_secs(seconds))
                .seed(seed);
            within("the connect", builder.connect())
        });
        futures_util::future::join_all(runs)
    };
    if runs(4).await.iter().any(Result::is_err) {
        for client in runs(24).await {
            client.unwrap();
        }
    }
}

#[tokio::test]
async fn a_session_timeout_of_nothing_still_connects_and_hammers_nobody() {
    let server = TestServer::start().await.unwrap();
    let builder =
        |servers: &str| Client::builder(servers).session_timeout(Duration::from_millis(1)).seed(1);
    let client = within("the connect", builder(&server.connect_string()).connect()).await.unwrap();
    assert!(client.session_timeout().unwrap() >= Duration::from_millis(200));
    for malice in [Malice::Closing, Malice::GrantsAndCloses] {
        let (bad, taken) = bad_server(malice).await;
        let start = Instant::now();
        let connecting =
            builder(&bad.to_string()).connect_timeout(Duration::from_secs(1)).connect();
        let client = within("the verdict", connecting).await;
        if let Ok(client) = &client {
            let _ = client.get("/").timeout(Duration::from_secs(1)).await;
        }
        let taken = taken.load(Ordering::Relaxed);
        let time = start.elapsed();
        assert!(
            taken as u64 <= 30 * (1 + time.as_secs()),
            "{taken} connections in {time:?} at {malice:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_credentials_ends_everything_with_that_word() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    let (_, watch) = client.exists("/a").watch().await.unwrap();
    let mut stream = client.watch("/", zk_client::WatchMode::PersistentRecursive).await.unwrap();
    let mut observed = client.observe("/");
    within("a state", observed.next()).await.unwrap().unwrap();
    let refused = client.add_auth("nonsense", b"hush-hush").send();
    let behind = client.create("/a", b"", CreateMode::Persistent).send();
    let refused = within("the refusal", refused).await.unwrap_err();
    assert!(matches!(refused, Error::AuthFailed { .. }), "{refused}");
    let behind = within("what was behind", behind).await.unwrap_err();
    assert!(behind == refused || behind.is_outcome_unknown(), "{behind}");
    assert_eq!(within("the watch", watch).await, Err(refused.clone()));
    assert_eq!(within("the stream", stream.next()).await, None);
    within("the end of the states", client.states().collect::<Vec<_>>()).await;
    while within("the observer's end", observed.next()).await.is_some() {}
    assert_eq!(client.get("/").await, Err(refused.clone()));
    assert_eq!(client.create("/b", b"", CreateMode::Persistent).await, Err(refused.clone()));
    assert_eq!(client.add_auth("digest", b"a:b").await, Err(refused.clone()));
    assert_eq!(client.state(), SessionState::AuthFailed);
    assert!(client.is_closed() && client.session_id().is_none());
    within("the close", client.close()).await.unwrap();
    assert!(!format!("{client:?}").contains("hush"));
}

#[tokio::test]
async fn a_connect_ends_in_time_whatever_the_only_server_does() {
    let runs = GARBAGE.iter().map(|malice| async move {
        let (bad, taken) = bad_server(*malice).await;
        let builder = Client::builder(&bad.to_string())
            .session_timeout(Duration::from_millis(900))
            .connect_timeout(Duration::from_millis(900));
        let client = match within(&format!("{malice:?}"), builder.connect()).await {
            Ok(client) => client,
            Err(error) => {
                return assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
            }
        };
        let set = client.set("/", b"").send();
        let get = client.get("/").timeout(Duration::from_millis(900)).send();
        let set = within(&format!("a write at {malice:?}"), set).await.unwrap_err();
        let too_large = matches!(set, Error::ReplyTooLarge { .. });
        assert!(too_large || set.is_retryable(), "{malice:?}: {set}");
        assert!(within("a read", get).await.is_err());
        let _ = within("the close", client.close()).await;
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < 200, "{taken} connections at {malice:?}");
    });
    futures_util::future::join_all(runs).await;
}
