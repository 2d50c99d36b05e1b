//! A network that is cut at exactly one byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Which bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// One cut after another: each in a direction, after so many of its bytes since the last cut.
struct Plan {
    cuts: Vec<(Direction, usize)>,
    done: AtomicUsize,
    passed: AtomicUsize,
    bytes: [AtomicUsize; 2],
    refusing: AtomicBool,
}

pub(crate) struct Scissors {
    address: SocketAddr,
    plan: Arc<Plan>,
    acceptor: JoinHandle<()>,
}

impl Scissors {
    pub(crate) async fn start(server: SocketAddr, cuts: Vec<(Direction, usize)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let plan = Arc::new(Plan {
            cuts,
            done: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            bytes: Default::default(),
            refusing: AtomicBool::new(false),
        });
        let shared = Arc::clone(&plan);
        let acceptor = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.refusing.load(Ordering::Relaxed) {
                    continue;
                }
                tokio::spawn(connection(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, plan, acceptor }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes that went through, in each direction.
    pub(crate) fn bytes(&self, direction: Direction) -> usize {
        self.plan.bytes[direction as usize].load(Ordering::Relaxed)
    }
}

impl Drop for Scissors {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl Plan {
    /// How many of `len` bytes may pass; true if the connection is cut behind them.
    fn admit(&self, direction: Direction, len: usize) -> (usize, bool) {
        let at = self.done.load(Ordering::Relaxed);
        match self.cuts.get(at) {
            Some((of, after)) if *of == direction => {
                let left = after - self.passed.load(Ordering::Relaxed);
                if left > len {
                    self.passed.fetch_add(len, Ordering::Relaxed);
                    return (len, false);
                }
                self.passed.store(0, Ordering::Relaxed);
                self.done.fetch_add(1, Ordering::Relaxed);
                (left, true)
            }
            _ => (len, false),
        }
    }
}

async fn connection(client: TcpStream, server: SocketAddr, plan: Arc<Plan>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, Direction::ToServer, &plan) => {}
        () = pump(from_server, to_client, Direction::ToClient, &plan) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction, plan: &Plan) {
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(len @ 1..) = from.read(&mut chunk).await {
        let (passes, cut) = plan.admit(direction, len);
        plan.bytes[direction as usize].fetch_add(passes, Ordering::Relaxed);
        if to.write_all(&chunk[..passes]).await.is_err() || cut {
            return;
        }
    }
}
