//! What a client holds on to.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use zk_client::{Client, CreateMode, EventType, WatchMode};
use zk_server::testing::TestServer;

use super::{alone, within};

/// The server's count of watches.
async fn watch_count(server: &TestServer) -> usize {
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"mntr").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find(|line| line.starts_with("zk_watch_count")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn thousands_of_dropped_streams_leave_no_watch_on_the_server() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    let paths: Vec<_> = (0..1000).map(|n| format!("/n{n}")).collect();
    let mut streams = Vec::new();
    let mut half_way = Vec::new();
    for (n, path) in paths.iter().enumerate() {
        let mode = if n % 2 == 0 { WatchMode::Persistent } else { WatchMode::PersistentRecursive };
        let sent = [0, 1].map(|_| client.watch(path, mode).send());
        match n % 4 {
            // Dropped before it is sent, before it is answered, and after.
            0 => drop(sent),
            1 => half_way.extend(sent),
            _ => streams.extend(sent),
        }
    }
    let mut open = Vec::new();
    for stream in streams {
        open.push(within("a stream", stream).await.unwrap());
    }
    drop(half_way);
    server.drop_connections();
    for stream in &mut open {
        let event = within("the resync", stream.next()).await.unwrap();
        assert_eq!(event.kind, EventType::Resync);
    }
    drop(open);
    client.get("/").await.unwrap();
    within("the removal of all watches", async { while watch_count(&server).await > 0 {} }).await;
}

/// The memory of this process in KiB; `None` where there is no /proc.
fn memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn small_values_that_are_kept_do_not_hold_large_buffers() {
    let test = "memory::small_values_that_are_kept_do_not_hold_large_buffers";
    alone(test, || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(keep_small_values());
    });
}

async fn keep_small_values() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    client.create("/n", b"small", CreateMode::Persistent).await.unwrap();
    let mut kept = Vec::new();
    let before = memory();
    for _ in 0..2000 {
        kept.push(client.get("/n").await.unwrap().0);
    }
    if let (Some(before), Some(after)) = (before, memory()) {
        let growth = after.saturating_sub(before);
        assert!(growth < 4 << 10, "{} values of 5 bytes take {growth} KiB", kept.len());
    }
}

#[tokio::test]
async fn dropped_one_shot_watches_are_forgotten() {
    let server = TestServer::start().await.unwrap();
    let client = Client::connect(&server.connect_string()).await.unwrap();
    for n in 0..2000 {
        let sent = client.exists("/gone").watch().send();
        if n % 3 != 0 {
            drop(sent.now_or_never());
            continue;
        }
        drop(within("a watch", sent).await.unwrap());
    }
    // All were for one path, which costs the server one entry.
    assert!(watch_count(&server).await <= 1);
    server.drop_connections();
    client.get("/").timeout(Duration::from_secs(20)).await.unwrap();
    // What nobody waits for is not set again.
    assert_eq!(watch_count(&server).await, 0);
}
