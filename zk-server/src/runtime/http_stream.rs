//! A socket of an HTTP port, which tells its place whether the client reads.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::http_places::Place;

/// Bytes of answers that the system keeps for a client. The system tells of room when a good part of
/// them has been read: with the megabytes that it would take, whoever reads slowly would seem to stand
/// still.
const SEND_BUFFER_LEN: usize = 128 << 10;

pub(super) struct HttpStream {
    socket: TcpStream,
    place: Arc<Place>,
}

impl HttpStream {
    pub(super) fn new(socket: TcpStream, place: Arc<Place>) -> Self {
        // With another length it works as well, only less fairly.
        let _ = set_socket_send_buffer_size(&socket, SEND_BUFFER_LEN);
        Self { socket, place }
    }

    /// Notes what became of `len` bytes that were to be sent.
    fn note(&self, len: usize, written: &Poll<io::Result<usize>>) {
        let now = Instant::now();
        match written {
            Poll::Ready(Ok(sent)) => self.place.note_sent(*sent, *sent == len, now),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.place.note_blocked(now),
        }
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note(bytes.len(), &written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.note(parts.iter().map(|part| part.len()).sum(), &written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
