//! A network between one client and a server, with scissors.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Large enough for any frame of the suites in one read.
const CHUNK: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    /// Connections from before the latest cut are over.
    generation: u64,
    refusing: bool,
    swallowing: bool,
}

/// Passes bytes between clients and one server until told otherwise.
#[derive(Debug)]
pub struct CuttingProxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    acceptor: JoinHandle<()>,
}

impl CuttingProxy {
    /// A proxy in front of the server at `server`.
    ///
    /// # Panics
    ///
    /// If this machine has no free port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mode = Mode { generation: 0, refusing: false, swallowing: false };
        let mode = Arc::new(watch::Sender::new(mode));
        let acceptor = tokio::spawn(accept(listener, server, Arc::clone(&mode)));
        Self { address, mode, acceptor }
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection. New ones are taken at once, and nothing is swallowed on them.
    pub fn cut(&self) {
        self.mode.send_modify(|mode| {
            mode.generation += 1;
            mode.swallowing = false;
        });
    }

    /// Ends every connection, and each new one, until [`Self::heal`].
    pub fn refuse(&self) {
        self.mode.send_modify(|mode| {
            mode.generation += 1;
            mode.refusing = true;
            mode.swallowing = false;
        });
    }

    /// From now on, until the next [`Self::cut`], the server's bytes vanish while the client's
    /// still arrive.
    pub fn swallow_replies(&self) {
        self.mode.send_modify(|mode| mode.swallowing = true);
    }

    /// New connections are taken again.
    pub fn heal(&self) {
        self.mode.send_modify(|mode| mode.refusing = false);
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.refuse();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, mode: Arc<watch::Sender<Mode>>) {
    while let Ok((client, _)) = listener.accept().await {
        let changes = mode.subscribe();
        if changes.borrow().refusing {
            continue;
        }
        // The server may be down; the client then sees its connection end.
        let Ok(server) = TcpStream::connect(server).await else { continue };
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(pump(from_client, to_server, changes.clone(), false));
        tokio::spawn(pump(from_server, to_client, changes, true));
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    is_server_side: bool,
) {
    let now = mode.clone();
    let born = mode.borrow().generation;
    let cut = mode.wait_for(|mode| mode.generation != born);
    let passing = async {
        let mut chunk = vec![0; CHUNK];
        while let Ok(len) = from.read(&mut chunk).await
            && len > 0
        {
            let swallowed = is_server_side && now.borrow().swallowing;
            if !swallowed && to.write_all(&chunk[..len]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        _ = cut => {}
        () = passing => {}
    }
}
