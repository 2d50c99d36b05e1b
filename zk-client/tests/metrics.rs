//! What a recorder of the facade `metrics` is told of a client.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test is the world")]

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use metrics::{LocalRecorderGuard, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use zk_client::{Client, CreateMode, Error, SessionState};
use zk_server::testing::TestServer;

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// All that was recorded so far. The recorder forgets what it has shown, so this adds it up: for
/// gauges, too, which move by differences. Histograms are the number of their samples.
struct Totals {
    snapshotter: Snapshotter,
    values: BTreeMap<String, f64>,
    units: BTreeMap<String, Option<Unit>>,
}

impl Totals {
    /// What is recorded on this thread, on which the client's task runs as well.
    fn of(recorder: &DebuggingRecorder) -> (Self, LocalRecorderGuard<'_>) {
        let (values, units) = (BTreeMap::new(), BTreeMap::new());
        let totals = Self { snapshotter: recorder.snapshotter(), values, units };
        (totals, metrics::set_default_local_recorder(recorder))
    }

    fn update(&mut self) {
        for (key, unit, _, value) in self.snapshotter.snapshot().into_vec() {
            let labels = key.key().labels().map(|label| format!(" {}", label.value()));
            let name = key.key().name().to_owned() + &labels.collect::<String>();
            let more = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(difference) => difference.into_inner(),
                DebugValue::Histogram(samples) => {
                    assert!(samples.iter().all(|sample| (0.0..60.0).contains(&sample.0)));
                    samples.len() as f64
                }
            };
            *self.values.entry(name.clone()).or_default() += more;
            self.units.insert(name, unit);
        }
    }

    fn get(&mut self, name: &str) -> f64 {
        self.update();
        self.values.get(name).copied().unwrap_or_default()
    }

    async fn wait_for(&mut self, name: &str, condition: impl Fn(f64) -> bool) {
        let comes_true = async {
            while !condition(self.get(name)) {
                tokio::task::yield_now().await;
            }
        };
        let came_true = tokio::time::timeout(PATIENCE, comes_true).await;
        assert!(came_true.is_ok(), "{name} in {:#?}", self.values);
    }
}

async fn server() -> TestServer {
    TestServer::start().await.expect("the server starts")
}

async fn client(server: &TestServer) -> Client {
    let builder = Client::builder(&server.connect_string()).close_timeout(PATIENCE);
    builder.connect().await.expect("the client connects")
}

#[tokio::test]
async fn requests_are_counted_by_kind_and_outcome() {
    let recorder = DebuggingRecorder::new();
    let (mut totals, _guard) = Totals::of(&recorder);
    let server = server().await;
    let client = client(&server).await;
    client.create("/a", b"", CreateMode::Persistent).await.expect("it is created");
    let again = client.create("/a", b"", CreateMode::Persistent).await;
    assert!(matches!(again, Err(Error::NodeExists { .. })));
    client.get("/a").await.expect("it is read");
    client.get("/a").await.expect("it is read");
    assert!(matches!(client.get("/none").await, Err(Error::NoNode { .. })));
    assert!(matches!(client.set("/a", b"").version(7).await, Err(Error::BadVersion { .. })));
    assert!(matches!(client.get("not a path").await, Err(Error::InvalidPath { .. })));
    server.pause();
    let late = client.get("/a").timeout(Duration::from_millis(1)).await;
    assert!(matches!(late, Err(Error::Timeout { .. })));
    server.resume();
    client.clone().close().await.expect("the client closes");
    assert_eq!(client.get("/a").await, Err(Error::Closed));

    totals.update();
    for (name, count) in [
        ("zk_client_requests_total create2 ok", 1.0),
        ("zk_client_requests_total create2 node_exists", 1.0),
        ("zk_client_requests_total getData ok", 2.0),
        ("zk_client_requests_total getData no_node", 1.0),
        ("zk_client_requests_total setData bad_version", 1.0),
        ("zk_client_requests_total getData timeout", 1.0),
        ("zk_client_requests_total getData closed", 1.0),
        ("zk_client_request_duration_seconds create2", 2.0),
        ("zk_client_request_duration_seconds getData", 3.0),
        ("zk_client_request_duration_seconds setData", 1.0),
    ] {
        assert_eq!(totals.get(name), count, "{name} in {:#?}", totals.values);
    }
    let requests = totals.values.keys().filter(|name| name.starts_with("zk_client_requests_total"));
    assert_eq!(requests.count(), 7, "{:#?}", totals.values);
    let unit = &totals.units["zk_client_request_duration_seconds getData"];
    assert_eq!(*unit, Some(Unit::Seconds));
}

#[tokio::test]
async fn gauges_show_what_is_outstanding_and_come_back_to_zero() {
    let recorder = DebuggingRecorder::new();
    let (mut totals, _guard) = Totals::of(&recorder);
    let server = server().await;
    let (one, other) = (client(&server).await, client(&server).await);
    totals.wait_for("zk_client_connected", |clients| clients == 2.0).await;
    let (_, _, watch) = one.get("/").watch().await.expect("it is read");
    totals.wait_for("zk_client_watches", |watches| watches == 1.0).await;
    assert!(totals.get("zk_client_sent_bytes_total") > 0.0);
    assert!(totals.get("zk_client_received_bytes_total") > 0.0);

    server.pause();
    let requests = [one.exists("/a").send(), one.exists("/b").send(), other.exists("/c").send()];
    totals.wait_for("zk_client_requests_outstanding", |requests| requests == 3.0).await;
    assert!(totals.get("zk_client_request_bytes_outstanding") > 3.0 * 12.0);
    server.resume();
    for request in requests {
        assert_eq!(request.await, Ok(None));
    }
    totals.wait_for("zk_client_requests_outstanding", |requests| requests == 0.0).await;
    assert_eq!(totals.get("zk_client_request_bytes_outstanding"), 0.0);

    other.close().await.expect("the client closes");
    totals.wait_for("zk_client_connected", |clients| clients == 1.0).await;
    one.close().await.expect("the client closes");
    drop(watch);
    totals.wait_for("zk_client_connected", |clients| clients == 0.0).await;
    totals.wait_for("zk_client_watches", |watches| watches == 0.0).await;
    assert_eq!(totals.get("zk_client_requests_outstanding"), 0.0);
    assert_eq!(totals.get("zk_client_request_bytes_outstanding"), 0.0);
}

#[tokio::test]
async fn connections_sessions_and_events_are_counted() {
    let recorder = DebuggingRecorder::new();
    let (mut totals, _guard) = Totals::of(&recorder);
    let server = server().await;
    let client = client(&server).await;
    let (_, _, watch) = client.get("/").watch().await.expect("it is read");
    client.create("/a", b"", CreateMode::Persistent).await.expect("it is created");
    client.set("/", b"news").await.expect("it is written");
    watch.await.expect("the watch fires");
    assert_eq!(totals.get("zk_client_watch_events_total"), 1.0);
    assert_eq!(totals.get("zk_client_reconnects_total"), 0.0);

    let mut states = client.states();
    server.drop_connections();
    totals.wait_for("zk_client_reconnects_total", |times| times == 1.0).await;
    client.get("/").await.expect("it is read on the next connection");
    assert_eq!(totals.get("zk_client_session_expiries_total"), 0.0);

    let session = client.session_id().expect("there is a session");
    assert!(server.expire_session(session), "the server knows it");
    while states.next().await != Some(SessionState::Expired) {}
    totals.wait_for("zk_client_reconnects_total", |times| times == 2.0).await;
    assert_eq!(totals.get("zk_client_session_expiries_total"), 1.0);
    client.close().await.expect("the client closes");
}

#[tokio::test]
async fn pings_are_timed() {
    let recorder = DebuggingRecorder::new();
    let (mut totals, _guard) = Totals::of(&recorder);
    let bounds = (Duration::from_millis(100), Duration::from_secs(60));
    let server = TestServer::builder().session_timeout_bounds(bounds.0, bounds.1).start().await;
    let server = server.expect("the server starts");
    let client = Client::builder(&server.connect_string())
        .session_timeout(Duration::from_millis(900))
        .close_timeout(PATIENCE)
        .connect()
        .await
        .expect("the client connects");
    totals.wait_for("zk_client_ping_seconds", |pings| pings > 0.0).await;
    client.close().await.expect("the client closes");
}
