//! Connections that somebody else makes.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of bytes to a server, both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// The making of a connection. It is dropped when its time is up.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Connection>>> + Send>>;

/// Makes the client's connections, instead of TCP: through a proxy, by a Unix socket, in memory.
///
/// ```
/// use zk_client::Client;
/// use zk_client::world::{Connecting, Connection, Connector};
///
/// /// Whatever the connect string says, the server is behind this socket.
/// struct ByUnixSocket(std::path::PathBuf);
///
/// impl Connector for ByUnixSocket {
///     fn connect(&self, _host: &str, _port: u16) -> Connecting {
///         let path = self.0.clone();
///         Box::pin(async move {
///             let socket = tokio::net::UnixStream::connect(path).await?;
///             Ok(Box::new(socket) as Box<dyn Connection>)
///         })
///     }
/// }
///
/// let builder = Client::builder("local").connector(ByUnixSocket("/run/zookeeper.sock".into()));
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Begins a connection to a server of the connect string. Names are the connector's to resolve.
    ///
    /// An error sends the client on to the next server, and is part of what
    /// [`Error::NoServerReachable`](crate::Error::NoServerReachable) tells.
    fn connect(&self, host: &str, port: u16) -> Connecting;
}

/// The connector of a client, if it has one.
#[derive(Clone)]
pub(crate) struct OwnConnector(pub(crate) Arc<dyn Connector>);

impl fmt::Debug for OwnConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// What a connector made.
pub(super) struct OwnStream {
    connection: Box<dyn Connection>,
    /// Whether something was written since the last flush: nobody knows what buffers there are.
    unflushed: bool,
}

impl OwnStream {
    pub(super) fn new(connection: Box<dyn Connection>) -> Self {
        Self { connection, unflushed: false }
    }

    /// Writes what can be written without waiting. Whoever has something left to write polls again
    /// with a waker of its own.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut nobody = Context::from_waker(Waker::noop());
        match Pin::new(self).poll_write(&mut nobody, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed
    }
}

impl AsyncRead for OwnStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_read(cx, buf)
    }
}

impl AsyncWrite for OwnStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.connection).poll_write(cx, bytes))?;
        this.unflushed = true;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.connection).poll_flush(cx))?;
        this.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(cx)
    }
}
