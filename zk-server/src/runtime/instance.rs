//! A server from bind to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::doors::Doors;
use super::durable::{LoadTimes, Opened, Threads};
use super::http::HttpPorts;
use super::shared::{Journal, QueuedLog, Shared};
use super::{
    Controls, ServeError, StartError, clock, committer, connection, data_dir, login, process,
    ticker,
};
use crate::auth::sasl::Login;
use crate::config::ServerConfig;
use crate::server::Server;
use crate::server::stats::LastSnapshot;
use crate::session::first_session_id;
use crate::storage::log::TxnLog;
use crate::storage::recovery::Recovered;

/// How long to wait before `accept` is tried again after it failed, as it does while the process
/// has no file descriptor left.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How long the tasks of a stopping server may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A server that listens: clients can connect, and are answered while [`run`](Self::run) runs.
pub struct Instance {
    doors: Doors,
    http: HttpPorts,
    controls: Controls,
    /// What writes to the disk, if anything does.
    storage: Option<Threads>,
}

impl Instance {
    /// Prepares the data directory, reads the certificates, listens on the ports of the
    /// configuration and reads the log.
    ///
    /// # Errors
    ///
    /// When a port is taken, an address is not ours, or the directory, a store of certificates or
    /// the log cannot be used.
    pub async fn bind(config: ServerConfig, log: Box<dyn TxnLog>) -> Result<Self, StartError> {
        if !config.data_dir.as_os_str().is_empty() {
            data_dir::prepare(&config.data_dir)?;
        }
        Self::assemble(config, Data::InMemory(log)).await
    }

    /// The same for a server whose data is on disk, in `dataDir` and `dataLogDir`: what is there is
    /// read, and nothing is answered that is not there for good.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind); above all when what is on disk cannot be all that there was, or
    /// another server runs on it.
    pub async fn open(config: ServerConfig) -> Result<Self, StartError> {
        let begun = clock::now().instant;
        let (opened, recovered) = Opened::open(&config)?;
        let (took, replayed) = (clock::now().instant - begun, recovered.replayed);
        let LoadTimes { snapshot, txns } = opened.load_times();
        let zxid = recovered.snapshot.unwrap_or(recovered.tree.last_zxid());
        let at_s = process::snapshot_time(&config.data_dir, zxid);
        let instance =
            Self::assemble(config, Data::OnDisk(Box::new(opened), Box::new(recovered))).await?;
        // One that has failed already says so when it is run.
        let _ = instance.controls.shared.act(|server, _| {
            server.disk_stats().began(took, replayed, LastSnapshot { zxid, at_s });
            server.disk_stats().loaded(snapshot, txns);
        });
        Ok(instance)
    }

    pub(super) async fn assemble(mut config: ServerConfig, data: Data) -> Result<Self, StartError> {
        let now = clock::now();
        let write_stall_timeout = config.limits.write_stall_timeout;
        login::load(&mut config.auth.sasl)?;
        let kerberos = match &config.auth.sasl.login {
            Some(Login::Kerberos(login)) => Some(login.clone()),
            _ => None,
        };
        let doors = Doors::open(&config).await?;
        let http = HttpPorts::open(&config.operators).await?;
        let first_session = first_session_id(now.wall_ms, config.server_id);
        let mut server = Server::new(config, first_session, now);
        let (journal, opened) = data.restore(&mut server)?;
        server.set_process_probe(process::PROBE);
        server.offer_sasl(login::random_key());
        server.start(clock::now());
        let last = server.last_zxid();
        let shared = Arc::new(Shared::new(server, journal, write_stall_timeout, kerberos));
        let storage = match opened {
            Some(opened) => {
                let started = opened.start(&shared, last);
                Some(started.map_err(|error| StartError::Threads { error })?)
            }
            None => None,
        };
        Ok(Self { doors, http, controls: Controls { shared }, storage })
    }

    /// The address clients reach it at without TLS, with the port the system chose if it was asked
    /// to. `None`: there is only the secure one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.doors.plain_address()
    }

    /// The address clients reach it at by TLS (`secureClientPort`), if there is one.
    #[must_use]
    pub fn secure_address(&self) -> Option<SocketAddr> {
        self.doors.secure_address()
    }

    /// Where operators reach it by HTTP (`admin.enableServer`), if they do.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.http.admin_address()
    }

    /// Where Prometheus reaches it (`metricsProvider.className`), if it does.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.http.metrics_address()
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
        let Self { mut doors, http, controls: Controls { shared }, storage } = self;
        let mut tasks = JoinSet::new();
        tasks.spawn(ticker::run(Arc::clone(&shared)));
        tasks.spawn(committer::run(Arc::clone(&shared)));
        http.serve(&shared, storage.as_ref().map(Threads::backup), &mut tasks);
        let mut accepts = true;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = shared.halt.stopped() => break,
                Some(ended) = tasks.join_next() => check(&shared, ended),
                accepted = doors.accept() => match accepted {
                    Ok((socket, peer, door)) => {
                        if !std::mem::replace(&mut accepts, true) {
                            tracing::info!("connections are accepted again");
                        }
                        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                        // A connection that cannot be tuned still works.
                        let _ = socket.set_nodelay(true);
                        let conn = shared.next_conn();
                        let shared = Arc::clone(&shared);
                        tasks.spawn(connection::serve(shared, conn, peer, socket, door));
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
        drop(doors);
        shared.halt.stop();
        shared.wake_all();
        stop_tasks(&shared, tasks).await;
        if let Some(storage) = storage {
            // The last of it may take as long as the disk does.
            let _ = tokio::task::spawn_blocking(|| drop(storage)).await;
        }
        match shared.failure() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Where a server's data comes from, and where its transactions go.
pub(super) enum Data {
    InMemory(Box<dyn TxnLog>),
    OnDisk(Box<Opened>, Box<Recovered>),
}

impl Data {
    /// Brings the data into the server.
    fn restore(self, server: &mut Server) -> Result<(Journal, Option<Opened>), StartError> {
        match self {
            Self::InMemory(log) => {
                for record in log.replay() {
                    let record = record?;
                    server.replay(&record.header, &record.txn);
                }
                Ok((Journal::Inline(log), None))
            }
            Self::OnDisk(opened, recovered) => {
                server.adopt(*recovered);
                let journal = Journal::Queued(QueuedLog::new(opened.queue()));
                Ok((journal, Some(*opened)))
            }
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

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("address", &self.address())
            .field("secure_address", &self.secure_address())
            .finish_non_exhaustive()
    }
}
