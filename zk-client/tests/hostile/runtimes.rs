//! Runtimes that end, whose clock is paused, or that see clients come and go.

use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::{FutureExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use zk_client::{Client, CreateMode, Error, SessionState, WatchMode};
use zk_server::testing::TestServer;

use super::{PATIENCE, alone, within};

fn runtimes() -> [Runtime; 2] {
    let single = Builder::new_current_thread().enable_all().build().unwrap();
    let multi = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    [single, multi]
}

#[test]
fn a_runtime_that_ends_under_a_client_ends_everything_that_waits() {
    for runtime in runtimes() {
        let outer = Builder::new_current_thread().enable_all().build().unwrap();
        let server = outer.block_on(TestServer::start()).unwrap();
        let servers = server.connect_string();
        let (client, pending, watch, stream, observe) = runtime.block_on(async {
            let client = Client::connect(&servers).await.unwrap();
            let (_, watch) = client.exists("/a").watch().await.unwrap();
            let stream = client.watch("/", WatchMode::Persistent).await.unwrap();
            let observe = client.observe("/");
            server.pause();
            (client.clone(), client.set("/", b"").send(), watch, stream, observe)
        });
        runtime.shutdown_background();
        outer.block_on(async {
            within("the write", pending).await.unwrap_err();
            within("the watch", watch).await.unwrap_err();
            within("the stream", stream.collect::<Vec<_>>()).await;
            within("the observer", observe.collect::<Vec<_>>()).await;
            within("the states", client.states().collect::<Vec<_>>()).await;
            within("the session's end", client.session_ended(1)).await;
            assert!(client.is_closed() && client.session_deadline().is_none());
            assert_eq!(client.state(), SessionState::Closed);
            assert!(client.get("/").await.is_err());
            let _ = within("the close", client.close()).await;
        });
        client.spawn_cleanup(async {});
        drop(client);
    }
}

#[test]
fn a_client_may_be_dropped_outside_of_any_runtime() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (server, client) = runtime.block_on(async {
        let server = TestServer::start().await.unwrap();
        let client = Client::connect(&server.connect_string()).await.unwrap();
        (server, client)
    });
    let pending = client.create("/a", b"", CreateMode::Persistent).send();
    std::thread::spawn(move || drop(client)).join().unwrap();
    runtime.block_on(within("the create", pending)).unwrap();
    runtime.block_on(within("the end of the session", async {
        while !server.session_ids().is_empty() {
            tokio::task::yield_now().await;
        }
    }));
}

#[tokio::test]
async fn many_clones_close_at_once_in_any_state() {
    let server = TestServer::start().await.unwrap();
    for round in 0..30 {
        let builder = Client::builder(&server.connect_string()).seed(round);
        let builder = builder.close_timeout(Duration::from_millis(50));
        let client = builder.connect().await.unwrap();
        let pending: Vec<_> = (0..20).map(|_| client.set("/", b"").send()).collect();
        match round % 3 {
            0 => drop(server.drop_connections()),
            1 => server.pause(),
            _ => {}
        }
        let closes = (0..16).map(|_| {
            let clone = client.clone();
            tokio::spawn(async move { clone.close().await })
        });
        let closed = futures_util::future::join_all(closes.collect::<Vec<_>>());
        let closed = within("the closes", closed).await;
        let first = closed[0].as_ref().unwrap();
        assert!(closed.iter().all(|close| close.as_ref().unwrap() == first), "{closed:?}");
        for pending in pending {
            match within("a write", pending).await {
                Ok(_) | Err(Error::Closed) => {}
                Err(error) => assert!(error.is_outcome_unknown(), "{error}"),
            }
        }
        server.resume();
    }
}

/// What a process on Linux has open, and its memory in KiB.
fn resources() -> Option<(usize, usize)> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rss = status.lines().find(|line| line.starts_with("VmRSS"))?;
    Some((open, rss.split_whitespace().nth(1)?.parse().ok()?))
}

async fn cycle(server: &TestServer, rng: &mut Rng) {
    let builder = Client::builder(&server.connect_string()).close_timeout(PATIENCE);
    let client = builder.connect().await.unwrap();
    let pending = client.create("/e-", b"", CreateMode::EphemeralSequential).send();
    let stream = client.watch("/", WatchMode::Persistent).await.unwrap();
    let observe = client.observe("/").next().now_or_never();
    if rng.bool() {
        client.close().await.unwrap();
    }
    drop((client, pending, stream, observe));
}

async fn cycles(count: usize) {
    let server = TestServer::start().await.unwrap();
    let mut rng = Rng::with_seed(5);
    let metrics = tokio::runtime::Handle::current().metrics();
    let settled = async || {
        while metrics.num_alive_tasks() > 0 || !server.session_ids().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    for _ in 0..count / 4 {
        cycle(&server, &mut rng).await;
    }
    within("the end of all tasks and sessions", settled()).await;
    let before = resources();
    for _ in 0..count {
        cycle(&server, &mut rng).await;
    }
    within("the end of all tasks and sessions", settled()).await;
    if let Some((open_before, rss_before)) = before {
        // The server lingers on its sockets for a while.
        within("the end of all connections", async {
            while resources().is_some_and(|(open, _)| open > open_before + 4) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // The server keeps its transactions, so some growth is its own.
        let growth = resources().map_or(0, |(_, rss)| rss.saturating_sub(rss_before));
        assert!(growth < 4096 + count * 6, "memory grew by {growth} KiB");
    }
}

fn cycles_alone(test: &str, count: usize) {
    let [single, _] = runtimes();
    alone(test, || single.block_on(cycles(count)));
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    cycles_alone("runtimes::clients_that_come_and_go_leave_nothing_behind", 100);
}

#[test]
#[ignore = "slow: thousands of clients"]
fn endurance_clients_that_come_and_go_leave_nothing_behind() {
    cycles_alone("runtimes::endurance_clients_that_come_and_go_leave_nothing_behind", 2000);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_whose_clock_is_paused_does_not_end_sessions() {
    // A machine that stands still for as long as a session lives ends it, so a longer one may tell.
    for session in [2, 8, 24].map(Duration::from_secs) {
        if lives_on_while_the_clock_is_paused(session).await {
            return;
        }
    }
    panic!("sessions end while their clients are there");
}

async fn lives_on_while_the_clock_is_paused(session: Duration) -> bool {
    let server = TestServer::start().await.unwrap();
    let builder = Client::builder(&server.connect_string());
    let client = builder.session_timeout(session).connect().await.unwrap();
    let start = Instant::now();
    // Real time passes while the runtime has nothing to do.
    let (done, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        while start.elapsed() < session.mul_f32(0.45) {
            std::thread::yield_now();
        }
        let _ = done.send(());
    });
    wait.await.unwrap();
    // Pinged or asked.
    let is_answered = client.get("/").await.is_ok();
    let is_later = client.session_deadline().is_some_and(|deadline| deadline > start + session);
    is_answered && is_later && client.session_epoch() == 1
}
