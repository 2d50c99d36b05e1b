//! A server from bind to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use super::{Controls, ServeError, StartError, clock, connection, data_dir, process, ticker};
use crate::config::ServerConfig;
use crate::server::Server;
use crate::session::first_session_id;
use crate::storage::log::TxnLog;

/// How long to wait before `accept` is tried again after it failed, as it does while the process
/// has no file descriptor left.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How long the tasks of a stopping server may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that listens: clients can connect, and are answered while [`run`](Self::run) runs.
#[derive(Debug)]
pub struct Instance {
    listener: TcpListener,
    address: SocketAddr,
    controls: Controls,
}

impl Instance {
    /// Prepares the data directory, listens on the address of the configuration and reads the log.
    ///
    /// # Errors
    ///
    /// When the port is taken, the address is not ours, or the directory or the log cannot be
    /// used.
    pub async fn bind(config: ServerConfig, log: Box<dyn TxnLog>) -> Result<Self, StartError> {
        let now = clock::now();
        let write_stall_timeout = config.limits.write_stall_timeout;
        if !config.data_dir.as_os_str().is_empty() {
            data_dir::prepare(&config.data_dir)?;
        }
        let listener = listen(&config).await?;
        let address =
            listener.local_addr().map_err(|error| StartError::bind("?".to_owned(), error))?;
        let first_session = first_session_id(now.wall_ms, config.server_id);
        let mut server = Server::new(config, first_session, now);
        for record in log.replay() {
            let record = record?;
            server.replay(&record.header, &record.txn);
        }
        server.set_process_probe(process::gauges);
        server.start(clock::now());
        let shared = Arc::new(Shared::new(server, log, write_stall_timeout));
        Ok(Self { listener, address, controls: Controls { shared } })
    }

    /// The address clients reach it at, with the port the system chose if it was asked to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle to the server for its own process.
    #[must_use]
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Serves clients until `shutdown` is cancelled, then lets every connection go.
    ///
    /// # Errors
    ///
    /// When the server stops by itself: its log failed, or it has a fault.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let Self { listener, controls: Controls { shared }, .. } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(ticker::run(Arc::clone(&shared)));
        let mut accepts = true;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = shared.stop.cancelled() => break,
                Some(ended) = tasks.join_next() => check(&shared, ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        if !std::mem::replace(&mut accepts, true) {
                            tracing::info!("connections are accepted again");
                        }
                        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                        // A connection that cannot be tuned still works.
                        let _ = stream.set_nodelay(true);
                        let conn = shared.next_conn();
                        tasks.spawn(connection::serve(Arc::clone(&shared), conn, peer, stream));
                    }
                    Err(error) => {
                        // Once for each time it begins; it may go on for hours.
                        if std::mem::replace(&mut accepts, false) {
                            tracing::warn!(%error, "cannot accept connections; trying again");
                        }
                        tokio::time::sleep(ACCEPT_BACKOFF).await;
                    }
                },
            }
        }
        drop(listener);
        shared.stop.cancel();
        stop_tasks(&shared, tasks).await;
        match shared.failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

async fn stop_tasks(shared: &Shared, mut tasks: JoinSet<()>) {
    let all_end = async {
        while let Some(ended) = tasks.join_next().await {
            check(shared, ended);
        }
    };
    if tokio::time::timeout(STOP_TIMEOUT, all_end).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
        tasks.shutdown().await;
    }
}

/// A panic in any task takes the server down: a state that is half changed must not be served.
fn check(shared: &Shared, ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        shared.fail(ServeError::Fault { reason: error.to_string() });
    }
}

/// All addresses of the machine, unless the configuration names one: IPv6 and IPv4 with one
/// socket, or IPv4 alone where there is no IPv6.
async fn listen(config: &ServerConfig) -> Result<TcpListener, StartError> {
    let port = config.client_port;
    if let Some(host) = &config.client_port_address {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let listener = TcpListener::bind((host, port)).await;
        // It comes from a file and goes to a terminal or a log.
        let host = host.escape_debug().to_string();
        let shown =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        return listener.map_err(|error| StartError::bind(shown, error));
    }
    match TcpListener::bind(("::", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(StartError::bind(format!("[::]:{port}"), error))
        }
        Err(_) => {
            let address = TcpListener::bind(("0.0.0.0", port)).await;
            address.map_err(|error| StartError::bind(format!("0.0.0.0:{port}"), error))
        }
    }
}
