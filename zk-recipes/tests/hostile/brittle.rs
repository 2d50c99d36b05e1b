//! A network whose connections all break, each after a number of bytes of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Default)]
struct State {
    mended: AtomicBool,
    cuts: AtomicUsize,
}

pub(crate) struct Brittle {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: JoinHandle<()>,
}

impl Brittle {
    pub(crate) async fn start(server: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let mut rng = Rng::with_seed(seed);
        let acceptor = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Sometimes not even the handshake gets through.
                let longest = [100, 4_000, 20_000, 50_000][rng.usize(..4)];
                let budgets = [rng.usize(1..longest), rng.usize(1..longest)];
                tokio::spawn(connection(client, server, budgets, Arc::clone(&shared)));
            }
        });
        Self { address, state, acceptor }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// No connection is cut from now on.
    pub(crate) fn mend(&self) {
        self.state.mended.store(true, Ordering::Relaxed);
    }

    /// How many connections have been cut.
    pub(crate) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn connection(client: TcpStream, server: SocketAddr, budgets: [usize; 2], state: Arc<State>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, budgets[0], &state) => {}
        () = pump(from_server, to_client, budgets[1], &state) => {}
    }
    state.cuts.fetch_add(1, Ordering::Relaxed);
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut budget: usize, state: &State) {
    let mut chunk = vec![0; 8 * 1024];
    while let Ok(len @ 1..) = from.read(&mut chunk).await {
        let passes = if state.mended.load(Ordering::Relaxed) { len } else { len.min(budget) };
        if to.write_all(&chunk[..passes]).await.is_err() || passes < len {
            return;
        }
        budget = budget.saturating_sub(passes);
    }
}
