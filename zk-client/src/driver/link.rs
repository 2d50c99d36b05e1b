//! The connection to a server: none, one in the making, or one that is up.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use zk_proto::HostPort;
use zk_proto::codec::FrameError;

use super::connect::{Progress, Transport, connect};
use super::stream::Stream;
use crate::metrics;
use crate::session::Loss;

/// How much is read from the socket at once: enough for many small replies, and short enough to
/// look at the clock in between.
const READ_LEN: usize = 64 * 1024;

/// There is always room for at least so much.
const READ_LEN_MIN: usize = 8 * 1024;

/// The making of a connection.
type Attempt = Pin<Box<dyn Future<Output = Result<Stream, String>> + Send>>;

/// How a TLS alert begins: a server sends one to whoever speaks in the clear on its secure port.
const TLS_ALERT: usize = 0x1503;

/// What there is of a connection.
pub(super) enum Link {
    None,
    Connecting { attempt: Attempt, progress: Progress },
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
    pub(super) fn connect(host: HostPort, within: Duration, transport: Transport) -> Self {
        let progress = Progress::default();
        let attempt = Box::pin(connect(host, within, transport, progress.clone()));
        Self::Connecting { attempt, progress }
    }

    /// What the server has left unanswered so far, if there is a connection or an attempt.
    pub(super) fn open_question(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Connecting { progress, .. } => {
                Some(format!("no answer yet: {}", progress.waits_for()))
            }
            Self::Up(_) => Some("no answer yet".to_owned()),
        }
    }

    /// What to tell of a loss: what the attempt was at when its time was up, and whether the server
    /// expects TLS.
    pub(super) fn describe(&self, why: &Loss) -> String {
        match (self, why) {
            (Self::Connecting { progress, .. }, Loss::AttemptTimedOut(_)) => {
                format!("{why}: {}", progress.waits_for())
            }
            (_, Loss::BadFrame(FrameError::TooLong { len, .. })) if len >> 16 == TLS_ALERT => {
                "the server answers in TLS: use ClientBuilder::tls, or another port".to_owned()
            }
            _ => why.to_string(),
        }
    }

    /// Waits for the network to tell something.
    pub(super) fn poll_happening(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        match self {
            Self::None => Poll::Pending,
            Self::Connecting { attempt, .. } => {
                attempt.as_mut().poll(cx).map(|attempt| match attempt {
                    Ok(stream) => Happening::Connected(Box::new(Connection::new(stream))),
                    Err(why) => Happening::ConnectFailed(why),
                })
            }
            Self::Up(connection) => connection.poll_happening(cx),
        }
    }
}

/// A socket and the bytes on their way through it.
pub(super) struct Connection {
    stream: Stream,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Connection {
    fn new(stream: Stream) -> Self {
        Self { stream, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// What was received and not yet taken.
    pub(super) fn incoming(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// What is to be written; in front is what the stream gets next. When the connection is lost,
    /// what stands here was never given to anybody.
    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Whether all was written.
    pub(super) fn is_drained(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Writes without waiting; whether the stream took all of it.
    pub(super) fn write_now(&mut self) -> Result<bool, Loss> {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(written) => self.wrote(written)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(self.write_failed(&error)),
            }
        }
        Ok(true)
    }

    fn poll_happening(&mut self, cx: &mut Context<'_>) -> Poll<Happening> {
        match self.poll_write(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Happening::Written),
            Poll::Ready(Err(why)) => return Poll::Ready(Happening::Lost(why)),
            Poll::Pending => {}
        }
        // Reading behind what was read before lets many small replies share one buffer.
        if self.incoming.capacity() - self.incoming.len() < READ_LEN_MIN {
            self.incoming.reserve(READ_LEN);
        }
        let read = pin!(self.stream.read_buf(&mut self.incoming)).poll(cx);
        read.map(|read| match read {
            Ok(0) => Happening::Lost(Loss::ClosedByServer),
            Ok(read) => {
                metrics::received(read);
                Happening::Received
            }
            Err(error) => Happening::Lost(Loss::Network(self.stream.explain(&error))),
        })
    }

    /// Ready when the last byte was taken; pending also when there is none.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Loss>> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(written)) => self.wrote(written)?,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.write_failed(&error))),
                Poll::Pending => return Poll::Pending,
            }
            if self.outgoing.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        if self.stream.is_unflushed()
            && let Poll::Ready(Err(error)) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            return Poll::Ready(Err(self.write_failed(&error)));
        }
        Poll::Pending
    }

    fn wrote(&mut self, written: usize) -> Result<(), Loss> {
        if written == 0 {
            return Err(self.write_failed(&io::ErrorKind::WriteZero.into()));
        }
        metrics::sent(written);
        self.outgoing.advance(written);
        Ok(())
    }

    /// The connection is lost. Requests that may have gone out must not be taken for unsent.
    fn write_failed(&mut self, error: &io::Error) -> Loss {
        if self.stream.failed_writes_are_unclear() {
            self.outgoing.clear();
        }
        Loss::Network(self.stream.explain(error))
    }
}
