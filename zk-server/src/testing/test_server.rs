//! The guard.

use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use zk_proto::SessionId;

use super::TestServerBuilder;
use super::port::PortReservation;
use super::thread::ServerThread;
use crate::config::ServerConfig;
use crate::runtime::StartError;
use crate::storage::log::MemoryTxnLog;

/// A ZooKeeper server in this process, on a free port of 127.0.0.1. Dropping it stops it.
///
/// It runs on a thread of its own, so it works in any test: with any runtime or none around it.
#[derive(Debug)]
pub struct TestServer {
    config: ServerConfig,
    log: MemoryTxnLog,
    port: PortReservation,
    secure_port: Option<PortReservation>,
    data_dir: TempDir,
    running: Option<ServerThread>,
}

impl TestServer {
    /// Starts a server with the settings of [`TestServer::builder`].
    ///
    /// # Errors
    ///
    /// When no temporary directory can be made or no port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A server with other settings.
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::new()
    }

    pub(super) async fn launch(mut config: ServerConfig) -> Result<Self, StartError> {
        let data_dir = tempfile::Builder::new()
            .prefix("zk-test-server-")
            .tempdir()
            .map_err(|error| StartError::DataDir { path: std::env::temp_dir(), error })?;
        let port = PortReservation::new(config.client_port.unwrap_or(0))?;
        config.client_port = Some(port.address().port());
        let mut secure_port = None;
        if let Some(wanted) = config.secure_client_port {
            let reserved = PortReservation::new(wanted)?;
            config.secure_client_port = Some(reserved.address().port());
            secure_port = Some(reserved);
        }
        config.data_dir = data_dir.path().to_owned();
        let log = MemoryTxnLog::default();
        let running = ServerThread::start(config.clone(), log.clone()).await?;
        Ok(Self { config, log, port, secure_port, data_dir, running: Some(running) })
    }

    /// What a client is given to connect: `127.0.0.1:<port>`. Stays the same across restarts.
    #[must_use]
    pub fn connect_string(&self) -> String {
        self.addr().to_string()
    }

    /// The address it listens on. Stays the same across restarts.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.port.address()
    }

    /// The address of the secure port. Stays the same across restarts.
    ///
    /// # Panics
    ///
    /// If the server was started without [`TestServerBuilder::tls`].
    #[must_use]
    pub fn secure_addr(&self) -> SocketAddr {
        let port = self.secure_port.as_ref();
        port.expect("a server has a secure port if its builder was given `tls`").address()
    }

    /// Its directory, removed with it.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Stops it: connections are closed and the port refuses new ones. Its data stays for
    /// [`restart`](Self::restart). Does nothing to a stopped server.
    ///
    /// # Panics
    ///
    /// If the server had failed: the test would not mean anything.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take()
            && let Err(failure) = running.stop().await
        {
            panic!("the server under test failed: {failure}");
        }
    }

    /// Starts it again on the same port, after stopping it if it still runs. Data and sessions
    /// survive; every session has its full timeout to come back.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    ///
    /// # Panics
    ///
    /// As [`stop`](Self::stop).
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.stop().await;
        self.running = Some(ServerThread::start(self.config.clone(), self.log.clone()).await?);
        Ok(())
    }

    /// Ends a session as if its timeout had passed: its ephemerals are deleted, watches fire, its
    /// connection is closed. False if there is no such live session or the server is stopped.
    pub fn expire_session(&self, session: SessionId) -> bool {
        self.running.as_ref().is_some_and(|running| running.controls.expire_session(session))
    }

    /// Cuts every TCP connection; sessions live on. Returns how many there were.
    pub fn drop_connections(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.controls.drop_connections())
    }

    /// Makes it play dead: TCP connections can be made, but nothing is read, answered or expired.
    pub fn pause(&self) {
        if let Some(running) = &self.running {
            running.controls.pause();
        }
    }

    /// Brings it back to life; every session has its full timeout from now on.
    pub fn resume(&self) {
        if let Some(running) = &self.running {
            running.controls.resume();
        }
    }

    /// How many client connections it has.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.controls.connection_count())
    }

    /// The sessions it knows, in ascending order.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.running.as_ref().map_or_else(Vec::new, |running| running.controls.session_ids())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(running) = self.running.take()
            && let Err(failure) = running.stop_blocking()
            && !std::thread::panicking()
        {
            panic!("the server under test failed: {failure}");
        }
    }
}
