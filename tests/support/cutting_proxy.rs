//! A network between one client and a server, with scissors.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::weather::{Fate, Way, Weather};

/// Large enough for any frame of the suites in one read.
const CHUNK: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    /// Connections from before the latest cut are over.
    generation: u64,
    refusing: bool,
    swallowing: bool,
    /// Nothing moves, and nobody is told.
    stalled: bool,
    /// New connections are left alone.
    calm: bool,
}

/// Passes bytes between clients and one server until told otherwise.
#[derive(Debug)]
pub struct CuttingProxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    connections: Arc<AtomicU64>,
    acceptor: JoinHandle<()>,
}

impl CuttingProxy {
    /// A proxy in front of the server at `server`.
    ///
    /// # Panics
    ///
    /// If this machine has no free port.
    pub async fn start(server: SocketAddr) -> Self {
        Self::start_in(Weather::CLEAR, server).await
    }

    /// A proxy that harms connections of its own accord, too.
    ///
    /// # Panics
    ///
    /// If this machine has no free port.
    pub async fn start_in(weather: Weather, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mode =
            Mode { generation: 0, refusing: false, swallowing: false, stalled: false, calm: false };
        let mode = Arc::new(watch::Sender::new(mode));
        let connections = Arc::new(AtomicU64::new(0));
        let clients = Clients { listener, connections: Arc::clone(&connections) };
        let acceptor = tokio::spawn(accept(clients, server, Arc::clone(&mode), weather));
        Self { address, mode, connections, acceptor }
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has taken, and not refused.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Ends every connection. New ones are taken at once, and nothing is swallowed or stalled on
    /// them.
    pub fn cut(&self) {
        self.end(false);
    }

    /// Ends every connection, and each new one, until [`Self::heal`].
    pub fn refuse(&self) {
        self.end(true);
    }

    fn end(&self, refusing: bool) {
        self.mode.send_modify(|mode| {
            let generation = mode.generation + 1;
            let refusing = mode.refusing || refusing;
            let calm = mode.calm;
            *mode = Mode { generation, refusing, calm, swallowing: false, stalled: false };
        });
    }

    /// From now on, until the next [`Self::cut`], the server's bytes vanish while the client's
    /// still arrive.
    pub fn swallow_replies(&self) {
        self.mode.send_modify(|mode| mode.swallowing = true);
    }

    /// From now on, until the next [`Self::cut`] or [`Self::heal`], no byte arrives and no
    /// connection ends: each side thinks that the other is there. New connections are taken, and
    /// are as mute.
    pub fn stall(&self) {
        self.mode.send_modify(|mode| mode.stalled = true);
    }

    /// From now on the weather is clear on new connections.
    pub fn calm(&self) {
        self.mode.send_modify(|mode| mode.calm = true);
    }

    /// New connections are taken again, and what was stalled moves on.
    pub fn heal(&self) {
        self.mode.send_modify(|mode| {
            mode.refusing = false;
            mode.stalled = false;
        });
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.refuse();
    }
}

struct Clients {
    listener: TcpListener,
    connections: Arc<AtomicU64>,
}

async fn accept(
    clients: Clients,
    server: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    weather: Weather,
) {
    while let Ok((client, _)) = clients.listener.accept().await {
        let mode = mode.subscribe();
        if mode.borrow().refusing {
            continue;
        }
        let weather = if mode.borrow().calm { Weather::CLEAR } else { weather };
        let number = clients.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(pass(client, server, mode, weather.of_connection(number)));
    }
}

/// One connection, to its end.
async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    mut mode: watch::Receiver<Mode>,
    mut fate: Fate,
) {
    let [up, down] = [mode.clone(), mode.clone()];
    let born = mode.borrow().generation;
    let mut cut = std::pin::pin!(mode.wait_for(|mode| mode.generation != born));
    // The server may be down; the client then sees its connection end.
    let Ok(mut server) = (tokio::select! {
        connected = TcpStream::connect(server) => connected,
        _ = &mut cut => return,
    }) else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let passing = async {
        let up = pump(from_client, to_server, up, &mut fate.to_server, false);
        let down = pump(from_server, to_client, down, &mut fate.to_client, true);
        tokio::try_join!(up, down).is_err() && fate.resets
    };
    let resets = tokio::select! {
        biased;
        _ = cut => false,
        resets = passing => resets,
    };
    if resets {
        let _ = client.set_zero_linger();
        let _ = server.set_zero_linger();
    }
}

/// That a connection breaks of its own accord.
struct Broken;

/// Passes bytes until their end, which it passes on too.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut mode: watch::Receiver<Mode>,
    way: &mut Way,
    is_server_side: bool,
) -> Result<(), Broken> {
    let mut chunk = vec![0; CHUNK];
    while let Ok(len @ 1..) = from.read(&mut chunk).await {
        let mut rest = &chunk[..len];
        for (len, delay) in way.pieces(len) {
            if !delay.is_zero() {
                sleep_until(Instant::now() + delay).await;
            }
            // An error means that the proxy is gone, and everything with it.
            let _ = mode.wait_for(|mode| !mode.stalled).await;
            let (piece, behind) = rest.split_at(len);
            rest = behind;
            let swallowed = is_server_side && mode.borrow().swallowing;
            if !swallowed && to.write_all(piece).await.is_err() {
                return Err(Broken);
            }
        }
        if !rest.is_empty() {
            return Err(Broken);
        }
    }
    let _ = to.shutdown().await;
    Ok(())
}
