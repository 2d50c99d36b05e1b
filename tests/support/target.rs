//! The server that a test works on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_client::{Client, ClientBuilder, CreateMode};

use crate::{CuttingProxy, eventually, within};

/// A server, and a node on it that belongs to one test alone.
///
/// Clients that come from here see that node as their root, so tests use short absolute paths and
/// may share the server. The embedded server is fresh for each target anyway.
#[derive(Debug)]
pub struct Target {
    server: Server,
    root: String,
}

#[derive(Debug)]
enum Server {
    #[cfg(not(feature = "containers"))]
    Embedded(zk_server::testing::TestServer),
    #[cfg(feature = "containers")]
    Apache(std::sync::Arc<crate::apache::Apache>),
}

impl Server {
    #[cfg(not(feature = "containers"))]
    async fn start() -> Self {
        let server = zk_server::testing::TestServer::builder()
            .container_check_interval(Duration::from_millis(100))
            .start()
            .await;
        Self::Embedded(server.expect("the embedded server starts"))
    }

    #[cfg(feature = "containers")]
    async fn start() -> Self {
        let apache = tokio::task::spawn_blocking(crate::apache::Apache::shared).await;
        Self::Apache(apache.expect("the container starts"))
    }

    fn address(&self) -> SocketAddr {
        match self {
            #[cfg(not(feature = "containers"))]
            Self::Embedded(server) => server.addr(),
            #[cfg(feature = "containers")]
            Self::Apache(apache) => apache.address(),
        }
    }
}

impl Target {
    /// Long enough that no stall of a busy machine ends a session by accident.
    pub const SESSION_TIMEOUT: Duration = Duration::from_secs(20);

    /// A server that answers, with a root of the test's own.
    ///
    /// # Panics
    ///
    /// If there is none to be had.
    pub async fn start() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let server = Server::start().await;
        let address = server.address();
        until_serving(address).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = format!("/test-{}-{number}", std::process::id());
        let admin = within("a session", Client::connect(&address.to_string())).await;
        let admin = admin.expect("the server takes a client");
        admin.create(&root, b"", CreateMode::Persistent).await.expect("the test's root is new");
        admin.close().await.expect("a session can be closed");
        Self { server, root }
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The test's root as the server sees it.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// What clients of this test connect to: the server and the test's root.
    #[must_use]
    pub fn connect_string(&self) -> String {
        format!("{}{}", self.address(), self.root)
    }

    /// The same through a proxy.
    #[must_use]
    pub fn connect_string_through(&self, proxy: &CuttingProxy) -> String {
        format!("{}{}", proxy.address(), self.root)
    }

    /// A proxy in front of the server.
    pub async fn proxy(&self) -> CuttingProxy {
        CuttingProxy::start(self.address()).await
    }

    /// A builder for a client of this test.
    pub fn builder(&self) -> ClientBuilder {
        Client::builder(&self.connect_string()).session_timeout(Self::SESSION_TIMEOUT)
    }

    /// A builder for a client of this test whose connections can be cut.
    pub fn builder_through(&self, proxy: &CuttingProxy) -> ClientBuilder {
        Client::builder(&self.connect_string_through(proxy)).session_timeout(Self::SESSION_TIMEOUT)
    }

    /// A client of this test.
    ///
    /// # Panics
    ///
    /// If the server does not take it.
    pub async fn client(&self) -> Client {
        connected(self.builder()).await
    }

    /// A client of this test whose connections can be cut.
    ///
    /// # Panics
    ///
    /// If the server does not take it.
    pub async fn client_through(&self, proxy: &CuttingProxy) -> Client {
        connected(self.builder_through(proxy)).await
    }
}

async fn connected(builder: ClientBuilder) -> Client {
    within("a session", builder.connect()).await.expect("the server takes a client")
}

/// Waits until the server at `address` takes requests.
///
/// # Panics
///
/// If it does not in time.
pub async fn until_serving(address: SocketAddr) {
    eventually("the server answers", async || is_serving(address).await).await;
}

/// Whether the server says that it serves. One that is starting may take a connection and forget it:
/// each question has its own limit.
async fn is_serving(address: SocketAddr) -> bool {
    let answer = tokio::time::timeout(Duration::from_secs(1), ask(address)).await;
    matches!(answer, Ok(Ok(answer)) if answer.contains("Mode: "))
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let mut answer = String::new();
    stream.write_all(b"srvr").await?;
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
