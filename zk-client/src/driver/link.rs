//! The connection to a server: none, one in the making, or one that is up.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use zk_proto::HostPort;

use super::connect::connect;
use crate::session::Loss;

/// How much is read from the socket at once: enough for many small replies, and short enough to
/// look at the clock in between.
const READ_LEN: usize = 64 * 1024;

/// What there is of a connection.
pub(super) enum Link {
    None,
    Connecting(Pin<Box<dyn Future<Output = Result<TcpStream, String>> + Send>>),
    Up(Box<Connection>),
}

/// What the network has to tell.
pub(super) enum Happening {
    /// The attempt has led to a connection.
    Connected(Box<Connection>),
    /// The attempt has failed.
    ConnectFailed(String),
    /// There are new bytes in [`Connection::incoming`].
    Received,
    /// All of [`Connection::outgoing`] has been taken by the socket.
    Written,
    /// The connection is gone.
    Lost(Loss),
}

impl Link {
    /// An attempt to connect.
    pub(super) fn connect(host: HostPort, within: Duration) -> Self {
        Self::Connecting(Box::pin(connect(host, within)))
    }

    /// Waits for the network to tell something. Loses nothing when it is dropped.
    pub(super) async fn happening(&mut self) -> Happening {
        match self {
            Self::None => std::future::pending().await,
            Self::Connecting(attempt) => match attempt.await {
                Ok(stream) => Happening::Connected(Box::new(Connection::new(stream))),
                Err(why) => Happening::ConnectFailed(why),
            },
            Self::Up(connection) => std::future::poll_fn(|cx| connection.poll_happening(cx)).await,
        }
    }
}

/// A socket and the bytes on their way through it.
pub(super) struct Connection {
    stream: TcpStream,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// What was received and not yet taken.
    pub(super) fn incoming(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// What is to be written; in front is what the socket gets next.
    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Whether all was written.
    pub(super) fn is_drained(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Writes without waiting; whether the socket took all of it.
    pub(super) fn write_now(&mut self) -> io::Result<bool> {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.outgoing.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn poll_happening(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        if let Poll::Ready(happening) = self.poll_write(cx) {
            return Poll::Ready(happening);
        }
        self.incoming.reserve(READ_LEN);
        let read = pin!(self.stream.read_buf(&mut self.incoming)).poll(cx);
        read.map(|read| match read {
            Ok(0) => Happening::Lost(Loss::ClosedByServer),
            Ok(_) => Happening::Received,
            Err(error) => Happening::Lost(Loss::Network(error.to_string())),
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(0)) => {
                    let error = io::Error::from(io::ErrorKind::WriteZero);
                    return Poll::Ready(Happening::Lost(Loss::Network(error.to_string())));
                }
                Poll::Ready(Ok(written)) => self.outgoing.advance(written),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Happening::Lost(Loss::Network(error.to_string())));
                }
                Poll::Pending => return Poll::Pending,
            }
            if self.outgoing.is_empty() {
                return Poll::Ready(Happening::Written);
            }
        }
        Poll::Pending
    }
}
