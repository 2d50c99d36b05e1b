//! The bytes' way to a client: a socket, in the clear or under TLS.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::server::TlsStream;

/// A connection that carries the protocol.
pub(super) enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Under TLS, with the handshake done.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TcpStream>>),
}

/// What an exchange has done.
pub(super) enum Moved {
    /// Some input came.
    Read,
    /// Some output went out.
    Wrote,
    /// The client is gone.
    Ended,
}

impl Stream {
    /// Whether there is something to send: in `output`, or above the socket.
    pub(super) fn has_to_write(&self, output: &BytesMut) -> bool {
        !output.is_empty() || self.is_unflushed()
    }

    /// Waits until something can be moved either way, and moves it. Input is read only into what is
    /// given for it, and is there even if this is dropped.
    pub(super) async fn exchange(
        &mut self,
        mut input: Option<&mut BytesMut>,
        output: &mut BytesMut,
    ) -> io::Result<Moved> {
        poll_fn(|cx| {
            if let Poll::Ready(wrote) = self.poll_output(cx, output) {
                return Poll::Ready(wrote.map(|()| Moved::Wrote));
            }
            let Some(input) = &mut input else { return Poll::Pending };
            let read = pin!(self.read_buf(*input)).poll(cx);
            read.map_ok(|read| if read == 0 { Moved::Ended } else { Moved::Read })
        })
        .await
    }

    /// Sends all of this, through every buffer above the socket.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }

    /// Ready when some output was taken; pending also when there is none.
    fn poll_output(&mut self, cx: &mut Context<'_>, output: &mut BytesMut) -> Poll<io::Result<()>> {
        if !output.is_empty() {
            return Pin::new(self).poll_write(cx, output).map(|written| match written? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                written => {
                    output.advance(written);
                    Ok(())
                }
            });
        }
        if self.is_unflushed()
            && let Poll::Ready(Err(error)) = Pin::new(self).poll_flush(cx)
        {
            return Poll::Ready(Err(error));
        }
        Poll::Pending
    }

    fn is_unflushed(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.get_ref().1.wants_write(),
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
            #[cfg(feature = "tls")]
            Self::Tls(stream) => match Pin::new(stream).poll_read(cx, buf) {
                // Many clients just close the socket. Nothing can be cut short by it unnoticed:
                // every frame says how long it is.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                read => read,
            },
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
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
