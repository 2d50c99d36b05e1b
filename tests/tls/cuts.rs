//! Connections that break: at every byte of a handshake, and in the middle of writes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use tests::{PATIENCE, TestCa, TestCertificate, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_client::tls::Tls;
use zk_client::{Client, ClientBuilder, CreateMode};
use zk_server::config::{Store, TlsConfig};
use zk_server::testing::TestServer;

use crate::clients::{refusal, tls};

/// Clients at work at the same time.
const AT_ONCE: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

struct World {
    ca: TestCa,
    server: TestServer,
    tls: Tls,
}

impl World {
    async fn new() -> Self {
        let ca = TestCa::new("ca");
        let keys = Store::pem(ca.server(&["localhost"]).key_store());
        let config = TlsConfig::new(keys, Some(Store::pem(ca.pem())));
        let server = TestServer::builder().tls(config).start().await.unwrap();
        let app: TestCertificate = ca.client("app");
        let tls = tls(&ca, Some(&app)).build().unwrap();
        Self { ca, server, tls }
    }

    fn builder(&self, servers: &str) -> ClientBuilder {
        let builder = Client::builder(servers).connect_timeout(PATIENCE).close_timeout(PATIENCE);
        builder.tls(self.tls.clone())
    }
}

/// What one run through the scissors has shown.
#[derive(Debug)]
struct Passed {
    /// Bytes until the session was there.
    to_server: usize,
    to_client: usize,
}

/// Passes bytes on, and counts them. The first connection ends behind `limit` bytes of `direction`.
struct Scissors {
    address: SocketAddr,
    counts: Arc<[AtomicUsize; 2]>,
    task: tokio::task::JoinHandle<()>,
}

impl Scissors {
    async fn start(server: SocketAddr, direction: Direction, limit: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new([const { AtomicUsize::new(0) }; 2]);
        let counted = Arc::clone(&counts);
        let task = tokio::spawn(async move {
            let mut limits = [usize::MAX; 2];
            limits[direction as usize] = limit;
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else { return };
                connections.spawn(pass(client, server, limits, Arc::clone(&counted)));
                limits = [usize::MAX; 2];
            }
        });
        Self { address, counts, task }
    }

    fn passed(&self) -> Passed {
        let [to_server, to_client] = &*self.counts;
        Passed {
            to_server: to_server.load(Ordering::Relaxed),
            to_client: to_client.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Scissors {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    client: TcpStream,
    server: TcpStream,
    limits: [usize; 2],
    counts: Arc<[AtomicUsize; 2]>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    // Whichever ends takes the other along, and both sockets with them.
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, limits[0], &counts[0]) => {}
        () = pump(&mut from_server, &mut to_client, limits[1], &counts[1]) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    limit: usize,
    count: &AtomicUsize,
) {
    let mut left = limit;
    let mut chunk = vec![0; 16 << 10];
    while left > 0 {
        let room = chunk.len().min(left);
        let Ok(read) = from.read(&mut chunk[..room]).await else { return };
        if read == 0 || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
        count.fetch_add(read, Ordering::Relaxed);
        left -= read;
    }
}

/// Connects through the scissors and asks for something.
async fn connect(world: &World, direction: Direction, limit: usize) -> Passed {
    let scissors = Scissors::start(world.server.secure_addr(), direction, limit).await;
    let servers = format!("localhost:{}", scissors.address.port());
    let client = within("a session, by the second attempt", world.builder(&servers).connect());
    let client = client.await.unwrap_or_else(|error| panic!("{direction:?} {limit}: {error}"));
    let passed = scissors.passed();
    within("an answer", client.get("/")).await.unwrap();
    within("the end", client.close()).await.unwrap();
    passed
}

#[tokio::test]
async fn a_handshake_that_is_cut_at_any_byte_is_made_again() {
    let world = &World::new().await;
    let whole = connect(world, Direction::ToServer, usize::MAX).await;
    assert!(whole.to_server > 500 && whole.to_client > 500, "{whole:?}");
    // The records' sizes differ a little from one handshake to the next.
    let places = (0..whole.to_server + 8)
        .map(|at| (Direction::ToServer, at))
        .chain((0..whole.to_client + 8).map(|at| (Direction::ToClient, at)));
    futures_util::stream::iter(places)
        .for_each_concurrent(AT_ONCE, |(direction, at)| async move {
            connect(world, direction, at).await;
        })
        .await;
}

/// Sequential nodes tell how often each write was carried out: no request may go out again of which
/// TLS has taken anything, however little of it reached the network.
#[tokio::test]
async fn no_write_is_carried_out_twice() {
    let world = &World::new().await;
    let data = &vec![7; 40 << 10];
    futures_util::stream::iter(1..40_usize)
        .for_each_concurrent(4, |round| async move {
            let root = format!("/round-{round}");
            let cut = round * 37_321;
            let scissors =
                Scissors::start(world.server.secure_addr(), Direction::ToServer, cut).await;
            let servers = format!("localhost:{}", scissors.address.port());
            let builder = world.builder(&servers);
            let client = within("a session", builder.connect()).await.unwrap();
            within("the root", client.create(&root, b"", CreateMode::Persistent)).await.unwrap();
            let path = format!("{root}/n-");
            let writes: Vec<_> = (0..40)
                .map(|_| client.create(&path, data, CreateMode::PersistentSequential).send())
                .collect();
            let (mut done, mut unknown) = (0, 0);
            for write in writes {
                match within("the write ends", write).await {
                    Ok(_) => done += 1,
                    Err(error) if error.is_outcome_unknown() => unknown += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            let nodes = within("the children", client.children(&root)).await.unwrap();
            let nodes = nodes.0.len();
            assert!((done..=done + unknown).contains(&nodes), "{round}: {done} {unknown} {nodes}");
        })
        .await;
}

/// The last word of a server in TLS 1.3 comes after the client has begun to write.
#[tokio::test]
async fn a_refusal_is_read_even_if_writing_fails_first() {
    let world = World::new().await;
    let nobody = &tls(&world.ca, None).build().unwrap();
    let servers = &format!("localhost:{}", world.server.secure_addr().port());
    futures_util::stream::iter(0..20)
        .for_each_concurrent(AT_ONCE, |_| async move {
            refusal(Client::builder(servers).tls(nobody.clone()), &["client certificate"]).await;
        })
        .await;
}
