//! A server in memory that counts what each client asks, in a time that passes at will.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zk_client::Client;
use zk_client::simulation::{self, Simulation};
use zk_client::world::{Connecting, Connection, Connector};
use zk_server::ConnectionId;
use zk_server::server::Now;
use zk_server::testing::{SimServer, TestServer};

/// The number of `ping`.
const PING: i32 = 11;

/// The most that is on its way in one direction.
const PIPE: usize = 1 << 20;

/// A server, and a clock that goes on when everybody is asleep: what is due happens at once, and an
/// hour in which nothing is due passes at once. Needs a runtime whose clock is paused.
pub(crate) struct World {
    shared: Arc<Shared>,
    ticking: tokio::task::JoinHandle<()>,
    _simulation: Simulation,
}

struct Shared {
    server: Mutex<SimServer>,
    /// Counts what may have given the server something to say.
    changes: watch::Sender<u64>,
    /// How many requests each client has sent, pings aside.
    requests: Mutex<BTreeMap<usize, usize>>,
}

/// Makes the connections of one client.
struct Door {
    shared: Arc<Shared>,
    client: usize,
}

impl Shared {
    fn now(&self) -> Now {
        let wall = simulation::wall_time().duration_since(std::time::UNIX_EPOCH).unwrap();
        Now {
            instant: Instant::now().into_std(),
            wall_ms: i64::try_from(wall.as_millis()).unwrap(),
        }
    }

    fn server(&self) -> MutexGuard<'_, SimServer> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn count(&self, client: usize, code: i32) {
        // What a client sends by itself has other numbers, but for pings.
        if code > 0 && code != PING {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            *requests.entry(client).or_default() += 1;
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let simulation = simulation::begin();
        let settings = TestServer::builder()
            .container_check_interval(Duration::from_secs(60))
            .extended_types(true);
        let now = Now { instant: Instant::now().into_std(), wall_ms: 1_600_000_000_000 };
        let shared = Arc::new(Shared {
            server: Mutex::new(SimServer::new(settings, now)),
            changes: watch::Sender::new(0),
            requests: Mutex::default(),
        });
        let ticking = tokio::spawn(tick(Arc::clone(&shared)));
        Self { shared, ticking, _simulation: simulation }
    }

    pub(crate) async fn client(&self, number: usize) -> Client {
        let door = Door { shared: Arc::clone(&self.shared), client: number };
        let builder = Client::builder("memory").session_timeout(Duration::from_secs(30));
        builder.connector(door).connect().await.expect("there is always a way to the server")
    }

    /// Waits until everything that follows from what has happened has happened, but for what waits
    /// for a time: the clock goes on only when nobody has anything to do.
    pub(crate) async fn settle(&self) {
        sleep_until(Instant::now() + Duration::from_secs(1)).await;
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        sleep_until(Instant::now() + time).await;
        self.settle().await;
    }

    /// How many requests a client has sent.
    pub(crate) fn requests(&self, client: usize) -> usize {
        let requests = self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.get(&client).copied().unwrap_or(0)
    }

    /// All paths but the server's own.
    pub(crate) fn paths(&self) -> Vec<String> {
        let server = self.shared.server();
        let (mut found, mut open) = (Vec::new(), vec![String::new()]);
        while let Some(parent) = open.pop() {
            let path = if parent.is_empty() { "/" } else { &parent };
            let names = server.tree().node(path).into_iter().flat_map(|node| node.children());
            for child in names.map(|name| format!("{parent}/{name}")) {
                if child != "/zookeeper" {
                    found.push(child.clone());
                    open.push(child);
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.ticking.abort();
    }
}

impl Connector for Door {
    fn connect(&self, _: &str, _: u16) -> Connecting {
        let (shared, client) = (Arc::clone(&self.shared), self.client);
        Box::pin(async move {
            let (near, far) = duplex(PIPE);
            let conn = shared.server().accept(shared.now());
            tokio::spawn(serve(shared, client, conn, far));
            Ok(Box::new(near) as Box<dyn Connection>)
        })
    }
}

/// Calls the server when it wants to be called.
async fn tick(shared: Arc<Shared>) {
    let mut changes = shared.changes.subscribe();
    loop {
        let deadline = shared.server().next_deadline().map(Instant::from_std);
        tokio::select! {
            changed = changes.changed() => changed.expect("it is held here"),
            () = async { sleep_until(deadline.unwrap()).await }, if deadline.is_some() => {
                let now = shared.now();
                shared.server().tick(now);
                shared.changed();
            }
        }
    }
}

/// Hands bytes from one connection to the server and back, and counts the requests among them.
async fn serve(shared: Arc<Shared>, client: usize, conn: ConnectionId, mut stream: DuplexStream) {
    let mut changes = shared.changes.subscribe();
    let (mut read, mut unread) = (BytesMut::new(), BytesMut::new());
    let mut is_greeted = false;
    loop {
        let output = shared.server().take_output(conn);
        if stream.write_all(&output).await.is_err() || shared.server().is_closing(conn) {
            break;
        }
        tokio::select! {
            changed = changes.changed() => changed.expect("it is held here"),
            count = stream.read_buf(&mut read) => {
                if !matches!(count, Ok(1..)) {
                    break;
                }
                let bytes = read.split();
                unread.extend_from_slice(&bytes);
                while let Some(code) = next_code(&mut unread) {
                    if std::mem::replace(&mut is_greeted, true) {
                        shared.count(client, code);
                    }
                }
                let now = shared.now();
                shared.server().receive(now, conn, &bytes);
                shared.changed();
            }
        }
    }
    let now = shared.now();
    shared.server().disconnect(now, conn);
    shared.changed();
}

/// Takes the next whole request off; the number of its operation.
fn next_code(bytes: &mut BytesMut) -> Option<i32> {
    let len = usize::try_from(bytes.first_chunk().map(|len| u32::from_be_bytes(*len))?).unwrap();
    if bytes.len() < 4 + len {
        return None;
    }
    bytes.advance(4);
    let frame = bytes.split_to(len);
    frame.get(4..8).map(|code| i32::from_be_bytes(code.try_into().unwrap()))
}
