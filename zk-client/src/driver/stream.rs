//! The bytes' way to a server: a socket, in the clear or under TLS, or what a connector made.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "__tls")]
use tokio_rustls::client::TlsStream;

use super::connector::OwnStream;

/// A connection that carries the protocol.
pub(super) enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Under TLS, with the handshake done.
    #[cfg(feature = "__tls")]
    Tls(Box<TlsStream<TcpStream>>),
    /// Made by the user's connector.
    Own(OwnStream),
}

impl Stream {
    /// Writes what can be written without waiting; otherwise fails with `WouldBlock`.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            #[cfg(feature = "__tls")]
            Self::Tls(_) => {
                // Whoever has something left to write polls again with a waker of its own.
                let mut nobody = Context::from_waker(std::task::Waker::noop());
                match Pin::new(self).poll_write(&mut nobody, bytes) {
                    Poll::Ready(written) => written,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Self::Own(stream) => stream.try_write(bytes),
        }
    }

    /// Whether bytes that were written stand in a buffer above the socket: flush them.
    pub(super) fn is_unflushed(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => stream.get_ref().1.wants_write(),
            Self::Own(stream) => stream.is_unflushed(),
        }
    }

    /// Whether a failed write may have put part of its bytes on the network without saying so.
    ///
    /// The socket's own writes are all or nothing. TLS takes bytes in first and fails afterwards,
    /// at sending them, and so may any other stream.
    pub(super) fn failed_writes_are_unclear(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "__tls")]
            Self::Tls(_) => true,
            Self::Own(_) => true,
        }
    }

    /// What an error of this connection means to its user.
    pub(super) fn explain(&mut self, error: &io::Error) -> String {
        match self {
            Self::Plain(_) | Self::Own(_) => error.to_string(),
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => super::handshake::explain_loss(stream, error),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => match Pin::new(stream).poll_read(cx, buf) {
                // Most servers just close the socket. Nothing can be cut short by it unnoticed:
                // every frame says how long it is.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                read => read,
            },
            Self::Own(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Own(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Own(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            #[cfg(feature = "__tls")]
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Own(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
