//! The task of one client connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::shared::{Ending, Link, Shared, Stopped};
use crate::ConnectionId;
use crate::server::CloseReason;

/// Bytes of room for one read. What a connection has read and the server has not taken is bounded
/// by this and the limit of a frame.
const READ_CHUNK: usize = 8 << 10;

/// Bytes of input after which the buffer is given back, so that an idle connection does not keep
/// the room of the largest request it ever made.
const INPUT_KEPT_MAX: usize = 64 << 10;

/// How long a closed connection may still send before it is dropped. Closing a socket with unread
/// input resets the connection, and the client might never see the last answer.
const LINGER: Duration = Duration::from_secs(1);

/// Bytes of unread input that a closed connection may still send.
const LINGER_BYTES_MAX: usize = 1 << 20;

/// How long the last answers may take to go out when the server stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// Serves one connection until either side is done with it.
pub(super) async fn serve(
    shared: Arc<Shared>,
    conn: ConnectionId,
    peer: SocketAddr,
    stream: TcpStream,
) {
    let paused = shared.paused.subscribe();
    let mut task = ConnectionTask {
        conn,
        peer,
        link: Arc::default(),
        stream,
        input: BytesMut::new(),
        output: BytesMut::new(),
        paused,
        shared,
    };
    // `Stopped` needs no further word: whoever stopped the server gave the reason.
    let _ = task.run().await;
}

struct ConnectionTask {
    shared: Arc<Shared>,
    conn: ConnectionId,
    peer: SocketAddr,
    link: Arc<Link>,
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
    paused: watch::Receiver<bool>,
}

impl ConnectionTask {
    async fn run(&mut self) -> Result<(), Stopped> {
        self.wait_while_paused().await;
        self.shared.accepted(self.conn, self.peer, &self.link)?;
        let served = self.exchange().await;
        match served? {
            Some(Ending::Closed(reason)) => {
                self.report(&reason);
                if reason.is_abrupt() {
                    return self.shared.disconnected(self.conn);
                }
                self.flush().await?;
                self.shared.disconnected(self.conn)?;
                self.linger().await;
                Ok(())
            }
            Some(Ending::Cut) | None => self.shared.disconnected(self.conn),
        }
    }

    /// Moves bytes between the client and the server. `None`: the client is gone, or the server
    /// stops.
    async fn exchange(&mut self) -> Result<Option<Ending>, Stopped> {
        let mut stalled_at = None;
        loop {
            self.wait_while_paused().await;
            let offered = self.input.len();
            let look = self.shared.look(self.conn, &mut self.input, self.output.is_empty())?;
            if self.input.is_empty() && offered > INPUT_KEPT_MAX {
                self.input = BytesMut::new();
            }
            if !look.output.is_empty() {
                self.output = look.output;
                stalled_at = Some(Instant::now() + self.shared.write_stall_timeout);
            }
            if let Some(ending) = self.link.ending.get() {
                return Ok(Some(ending.clone()));
            }
            if self.shared.stop.is_cancelled() {
                let _ = tokio::time::timeout(FAREWELL, self.stream.write_all(&self.output)).await;
                return Ok(None);
            }
            if look.turn_is_over {
                self.shared.let_others_in().await;
            }
            match self.step(look.wants_input, stalled_at).await {
                Ok(Step::Wrote) => {
                    if self.output.is_empty() {
                        self.output = BytesMut::new();
                    }
                    stalled_at = Some(Instant::now() + self.shared.write_stall_timeout);
                }
                Ok(Step::Woken) => {}
                Ok(Step::Ended) => return Ok(None),
                Err(error) => {
                    tracing::debug!(peer = %self.peer, %error, "lost the connection");
                    return Ok(None);
                }
            }
        }
    }

    /// Waits for whatever comes first.
    async fn step(&mut self, wants_input: bool, stalled_at: Option<Instant>) -> io::Result<Step> {
        if wants_input {
            self.input.reserve(READ_CHUNK);
        }
        let writes = !self.output.is_empty();
        let stall = stalled_at.unwrap_or_else(Instant::now);
        let (mut reader, mut writer) = self.stream.split();
        tokio::select! {
            () = self.shared.stop.cancelled() => Ok(Step::Woken),
            () = self.link.wake.notified() => Ok(Step::Woken),
            _ = self.paused.changed() => Ok(Step::Woken),
            read = reader.read_buf(&mut self.input), if wants_input => match read? {
                0 => Ok(Step::Ended),
                _ => Ok(Step::Woken),
            },
            written = writer.write_buf(&mut self.output), if writes => match written? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                _ => Ok(Step::Wrote),
            },
            () = tokio::time::sleep_until(stall.into()), if writes => {
                let limit = self.shared.write_stall_timeout.as_secs();
                tracing::warn!(peer = %self.peer, "cut off: the client has read nothing for {limit} s");
                Ok(Step::Ended)
            }
        }
    }

    async fn wait_while_paused(&mut self) {
        while *self.paused.borrow_and_update() && self.link.ending.get().is_none() {
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                () = self.link.wake.notified() => {}
                changed = self.paused.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Sends what the server had to say before it closed the connection.
    async fn flush(&mut self) -> Result<(), Stopped> {
        let limit = self.shared.write_stall_timeout;
        while !self.output.is_empty() {
            let written = tokio::time::timeout(limit, self.stream.write_all(&self.output)).await;
            if !matches!(written, Ok(Ok(()))) {
                return Ok(());
            }
            self.output = self.shared.look(self.conn, &mut BytesMut::new(), true)?.output;
        }
        Ok(())
    }

    /// Lets the client see the last answer before the socket goes.
    async fn linger(&mut self) {
        let drain = async {
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES_MAX;
            while left > 0 {
                self.input.clear();
                self.input.reserve(READ_CHUNK);
                match self.stream.read_buf(&mut self.input).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok::<(), io::Error>(())
        };
        tokio::select! {
            () = self.shared.stop.cancelled() => {}
            _ = tokio::time::timeout(LINGER, drain) => {}
        }
    }

    fn report(&self, reason: &CloseReason) {
        let peer = self.peer;
        if reason.is_peers_fault() || reason.is_limit() {
            tracing::warn!(%peer, "closed the connection: {reason}");
        } else if matches!(reason, CloseReason::SessionExpired | CloseReason::SessionRefused) {
            tracing::info!(%peer, "closed the connection: {reason}");
        } else {
            tracing::debug!(%peer, "closed the connection: {reason}");
        }
    }
}

/// What ended a wait.
enum Step {
    /// There is something to look at.
    Woken,
    /// Some output went out.
    Wrote,
    /// The connection is over.
    Ended,
}
