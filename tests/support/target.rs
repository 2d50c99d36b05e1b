//! The server that a test works on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_client::{Client, ClientBuilder, CreateMode};

#[cfg(not(feature = "containers"))]
use crate::SecureSettings;
use crate::transport::{Identity, Transport};
#[cfg(not(feature = "containers"))]
use crate::transport::{authority, users};
use crate::{CuttingProxy, PATIENCE, Weather, eventually, within};

/// A server, and a node on it that belongs to one test alone.
///
/// Clients that come from here see that node as their root, so tests use short absolute paths and
/// may share the server. The embedded server is fresh for each target anyway.
#[derive(Debug)]
pub struct Target {
    server: Server,
    /// What lies between the server and every client, if `ZK_TEST_PATH` asks for it.
    path: Option<CuttingProxy>,
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
        let transport = Transport::of_environment();
        let mut builder = zk_server::testing::TestServer::builder()
            .container_check_interval(Duration::from_millis(100));
        if transport.tls {
            builder = builder.tls(SecureSettings::of(authority()).of_embedded());
        }
        if transport.sasl {
            for (user, password) in users() {
                builder = builder.sasl_user(user, password);
            }
        }
        Self::Embedded(builder.start().await.expect("the embedded server starts"))
    }

    #[cfg(feature = "containers")]
    async fn start() -> Self {
        let apache = tokio::task::spawn_blocking(crate::apache::Apache::shared).await;
        Self::Apache(apache.expect("the container starts"))
    }

    /// Where it takes clients without TLS, which it always does.
    fn plain_address(&self) -> SocketAddr {
        match self {
            #[cfg(not(feature = "containers"))]
            Self::Embedded(server) => server.addr(),
            #[cfg(feature = "containers")]
            Self::Apache(apache) => apache.address(),
        }
    }

    /// Where it takes the clients of a test.
    fn address(&self) -> SocketAddr {
        match self {
            #[cfg(not(feature = "containers"))]
            Self::Embedded(server) if Transport::of_environment().tls => server.secure_addr(),
            #[cfg(not(feature = "containers"))]
            Self::Embedded(server) => server.addr(),
            #[cfg(feature = "containers")]
            Self::Apache(apache) if Transport::of_environment().tls => apache.secure_address(),
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
        let address = server.plain_address();
        until_serving(address).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = format!("/test-{}-{number}", std::process::id());
        let admin = Client::builder(&address.to_string()).close_timeout(PATIENCE).connect();
        let admin = within("a session", admin).await;
        let admin = admin.expect("the server takes a client");
        admin.create(&root, b"", CreateMode::Persistent).await.expect("the test's root is new");
        admin.close().await.expect("a session can be closed");
        let path = match Weather::of_environment() {
            Some(weather) => Some(CuttingProxy::start_in(weather, server.address()).await),
            None => None,
        };
        Self { server, path, root }
    }

    /// Where clients reach the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.path.as_ref().map_or_else(|| self.server.address(), CuttingProxy::address)
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

    /// A proxy in front of the server, in the weather that `ZK_TEST_PATH` asks for.
    pub async fn proxy(&self) -> CuttingProxy {
        self.proxy_in(Weather::of_environment().unwrap_or(Weather::CLEAR)).await
    }

    /// A proxy in front of the server that harms connections of its own accord.
    pub async fn proxy_in(&self, weather: Weather) -> CuttingProxy {
        CuttingProxy::start_in(weather, self.server.address()).await
    }

    /// A proxy in front of the port that takes clients without TLS and without a name, whatever
    /// `ZK_TEST_TRANSPORT` asks for. For clients in other processes.
    pub async fn plain_proxy(&self) -> CuttingProxy {
        CuttingProxy::start(self.server.plain_address()).await
    }

    /// A builder for a client of this test.
    pub fn builder(&self) -> ClientBuilder {
        self.builder_below("")
    }

    /// A builder for a client whose root is a node of this test.
    pub fn builder_below(&self, path: &str) -> ClientBuilder {
        dressed(&format!("{}{path}", self.connect_string()), Identity::Tests)
    }

    /// A builder for a client whose root is the server's.
    pub fn builder_at_server_root(&self) -> ClientBuilder {
        dressed(&self.address().to_string(), Identity::Tests)
    }

    /// A builder for a client that is somebody else than the others, where clients are somebody.
    pub fn stranger_builder(&self) -> ClientBuilder {
        dressed(&self.connect_string(), Identity::Stranger)
    }

    /// A builder for a client of this test whose connections can be cut.
    pub fn builder_through(&self, proxy: &CuttingProxy) -> ClientBuilder {
        dressed(&self.connect_string_through(proxy), Identity::Tests)
    }

    /// A client of this test.
    ///
    /// # Panics
    ///
    /// If the server does not take it.
    pub async fn client(&self) -> Client {
        connected(self.builder()).await
    }

    /// A client that is somebody else than the others, where clients are somebody.
    ///
    /// # Panics
    ///
    /// If the server does not take it.
    pub async fn stranger(&self) -> Client {
        connected(self.stranger_builder()).await
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

/// A builder for a client that connects as `ZK_TEST_TRANSPORT` asks for.
fn dressed(connect_string: &str, identity: Identity) -> ClientBuilder {
    let builder = Client::builder(connect_string)
        .session_timeout(Target::SESSION_TIMEOUT)
        .close_timeout(PATIENCE);
    Transport::of_environment().dress(builder, identity)
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
