//! The bytes' way to a client: a socket, in the clear or under TLS.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
#[cfg(feature = "tls")]
use tokio_rustls::server::TlsStream;

/// Bytes of room for one read. It is on the stack of whoever reads: a connection that waits for its
/// client has no buffer, and there may be tens of thousands of them.
const READ_LEN: usize = 16 << 10;

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

    /// Whether the client has sent nothing that is not read, as far as can be seen from here. The
    /// system is asked: the runtime may not have heard yet of what has come.
    pub(super) fn has_no_input(&self) -> bool {
        match self {
            Self::Plain(socket) => rustix::io::ioctl_fionread(socket).is_ok_and(|len| len == 0),
            #[cfg(feature = "tls")]
            Self::Tls(_) => false,
        }
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
            match &mut input {
                Some(input) => self.poll_input(cx, input),
                None => Poll::Pending,
            }
        })
        .await
    }

    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut BytesMut,
    ) -> Poll<io::Result<Moved>> {
        let mut room = [MaybeUninit::uninit(); READ_LEN];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(self).poll_read(cx, &mut room))?;
        input.extend_from_slice(room.filled());
        Poll::Ready(Ok(if room.filled().is_empty() { Moved::Ended } else { Moved::Read }))
    }

    /// Sends all of this, through every buffer above the socket.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }

    /// Sends all of this, and the connection is closed next: both together where that can be done.
    pub(super) async fn send_last(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = self.send_with_the_end(bytes);
        self.send(&bytes[sent..]).await
    }

    /// Leaves bytes with the socket until its end goes out, too: one packet where there were two. How
    /// many bytes it took.
    #[cfg(target_os = "linux")]
    fn send_with_the_end(&self, bytes: &[u8]) -> usize {
        use rustix::net::{SendFlags, send};
        use tokio::io::Interest;

        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        match self {
            // What it cannot take now, and what is wrong with it, comes up again with the rest.
            Self::Plain(socket) => socket
                .try_io(Interest::WRITABLE, || Ok(send(socket, bytes, flags)?))
                .unwrap_or_default(),
            #[cfg(feature = "tls")]
            Self::Tls(_) => 0,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn send_with_the_end(&self, _: &[u8]) -> usize {
        0
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// More than the socket takes at once, so that a part of it goes the common way, and so little
    /// that all of it waits for the end.
    #[tokio::test]
    async fn what_is_sent_last_comes_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for len in [20, 16 << 20] {
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut client = TcpStream::connect(address).await.unwrap();
            let (socket, _) = listener.accept().await.unwrap();
            let sent = bytes.clone();
            let sending = tokio::spawn(async move {
                let mut stream = Stream::Plain(socket);
                stream.send_last(&sent).await
            });
            let mut came = Vec::new();
            client.read_to_end(&mut came).await.unwrap();
            sending.await.unwrap().unwrap();
            assert!(came == bytes, "{} of {len} bytes", came.len());
        }
    }
}
