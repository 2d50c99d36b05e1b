//! The task of one client connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::acceptor::Acceptor;
use super::doors::Door;
use super::entry::{Entered, NotEntered, enter};
use super::shared::{Ending, Link, Shared, Stopped};
use super::stream::{Moved, Stream};
use crate::ConnectionId;
use crate::server::{CloseReason, Event};

/// Bytes of what a closed connection still sends that are read at once.
const LINGER_READ_LEN: usize = 4 << 10;

/// Bytes of output of which the server need not be told at once that they are written: as long as
/// nothing else happens they count as unread.
const UNTOLD_MAX: usize = 1 << 10;

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
    socket: TcpStream,
    door: Door,
) {
    // `Stopped` needs no further word: whoever stopped the server gave the reason. What receiving
    // takes is large, and gone when the exchange begins.
    if let Ok(Some(mut task)) = Box::pin(receive(shared, conn, peer, socket, door)).await {
        let _ = task.run().await;
    }
}

/// Makes the connection known, so that it counts, and then lets the client in.
async fn receive(
    shared: Arc<Shared>,
    conn: ConnectionId,
    peer: SocketAddr,
    socket: TcpStream,
    door: Door,
) -> Result<Option<ConnectionTask>, Stopped> {
    let link = Arc::new(Link::default());
    wait_while_paused(&shared, &link).await;
    shared.accepted(conn, peer, &link, &door)?;
    let is_known = matches!(door, Door::Plain);
    let entered = tokio::select! {
        biased;
        () = ended(&shared, &link), if !is_known => Err(NotEntered::Gone),
        entered = enter(&shared, door, socket, peer) => entered,
    };
    let Entered { stream, subject } = match entered {
        Ok(entered) => entered,
        Err(why) => {
            if let Some(Ending::Closed(reason)) = link.ending.get() {
                report(&shared, peer, reason);
            }
            turned_away(&shared, conn, why)?;
            return Ok(None);
        }
    };
    if !is_known {
        shared.act(|server, _| match &stream {
            Stream::Plain(_) => server.note_plain(conn),
            #[cfg(feature = "tls")]
            Stream::Tls(_) => server.note_secure(conn),
        })?;
    }
    if let Some(subject) = subject {
        shared.certified(conn, subject)?;
    }
    let (input, output) = (BytesMut::new(), BytesMut::new());
    let acceptor = Acceptor::default();
    Ok(Some(ConnectionTask { shared, conn, peer, link, acceptor, stream, input, output }))
}

/// Forgets a connection that did not get as far as the protocol.
fn turned_away(shared: &Shared, conn: ConnectionId, why: NotEntered) -> Result<(), Stopped> {
    #[cfg(feature = "tls")]
    if why != NotEntered::Gone {
        shared.act(|server, _| server.note_failed_handshake(why == NotEntered::NoPlace))?;
    }
    #[cfg(not(feature = "tls"))]
    let _ = why;
    shared.disconnected(conn)
}

struct ConnectionTask {
    shared: Arc<Shared>,
    conn: ConnectionId,
    peer: SocketAddr,
    link: Arc<Link>,
    acceptor: Acceptor,
    stream: Stream,
    input: BytesMut,
    output: BytesMut,
}

impl ConnectionTask {
    async fn run(&mut self) -> Result<(), Stopped> {
        let served = self.exchange().await;
        match served? {
            Some(Ending::Closed(reason)) => {
                report(&self.shared, self.peer, &reason);
                if reason.is_abrupt() {
                    return self.shared.disconnected(self.conn);
                }
                self.flush().await?;
                self.shared.disconnected(self.conn)?;
                if reason == CloseReason::SessionClosed && self.stream.has_no_input() {
                    // Whoever says goodbye has nothing more to say. The answer goes out first: if
                    // something came after all, closing would throw away what is not sent.
                    let _ = self.stream.shutdown().await;
                    return Ok(());
                }
                tokio::select! {
                    () = self.shared.halt.stopped() => {}
                    () = linger(&mut self.stream) => {}
                }
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
            wait_while_paused(&self.shared, &self.link).await;
            if self.shared.halt.is_paused() && self.shared.halt.is_stopping() {
                // What has come to a server at a standstill is not carried out at its end.
                return Ok(None);
            }
            let look = self.shared.look(self.conn, &mut self.input, self.output.is_empty())?;
            if self.input.is_empty() {
                // A connection that waits keeps no room for what may come.
                self.input = BytesMut::new();
            }
            let is_short = (1..=UNTOLD_MAX).contains(&look.output.len());
            if !look.output.is_empty() {
                self.output = look.output;
                stalled_at = Some(look.at + self.shared.write_stall_timeout);
            }
            if let Some(token) = self.link.take_ask() {
                self.ask_mechanism(token).await?;
                continue;
            }
            if let Some(ending) = self.link.ending.get() {
                return Ok(Some(ending.clone()));
            }
            if self.shared.halt.is_stopping() {
                let _ = tokio::time::timeout(FAREWELL, self.stream.send(&self.output)).await;
                return Ok(None);
            }
            if look.turn_is_over {
                self.shared.let_others_in().await;
            }
            if !self.wait(look.wants_input, is_short, &mut stalled_at).await {
                return Ok(None);
            }
        }
    }

    /// Moves bytes until the server has something to see. False: the client is gone.
    ///
    /// That `is_short` output is written can wait until something else is to be seen.
    async fn wait(
        &mut self,
        wants_input: bool,
        is_short: bool,
        stalled_at: &mut Option<Instant>,
    ) -> bool {
        loop {
            match self.step(wants_input, *stalled_at).await {
                Ok(Step::Wrote) if self.output.is_empty() => {
                    self.output = BytesMut::new();
                    if !is_short || !wants_input {
                        return true;
                    }
                }
                Ok(Step::Wrote) => {
                    *stalled_at = Some(Instant::now() + self.shared.write_stall_timeout);
                    return true;
                }
                Ok(Step::Woken) => return true,
                Ok(Step::Ended) => return false,
                Err(error) => {
                    tracing::debug!(peer = %self.peer, %error, "lost the connection");
                    return false;
                }
            }
        }
    }

    /// Lets Kerberos look into the client's token, which the client waits for.
    async fn ask_mechanism(&mut self, token: Bytes) -> Result<(), Stopped> {
        let Some(login) = &self.shared.kerberos else { return Ok(()) };
        let answer = self.acceptor.answer(login, token).await;
        let conn = self.conn;
        self.shared.act(|server, now| {
            server.handle(now, Event::MechanismAnswered { conn, answer });
        })
    }

    /// Waits for whatever comes first. Who stops or pauses the server wakes every link.
    async fn step(&mut self, wants_input: bool, stalled_at: Option<Instant>) -> io::Result<Step> {
        // A timer is made only if it is waited for, which is rare.
        let deadline = stalled_at.filter(|_| self.stream.has_to_write(&self.output));
        let stalled = async move {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let input = wants_input.then_some(&mut self.input);
        tokio::select! {
            // First what can mostly be done at once: it costs more to wait for the others. They are
            // looked at between two steps in any case.
            biased;
            moved = self.stream.exchange(input, &mut self.output) => match moved? {
                Moved::Read => Ok(Step::Woken),
                Moved::Wrote => Ok(Step::Wrote),
                Moved::Ended => Ok(Step::Ended),
            },
            () = self.link.wake.notified() => Ok(Step::Woken),
            () = stalled => {
                let limit = self.shared.write_stall_timeout.as_secs();
                tracing::warn!(peer = %self.peer, "cut off: the client has read nothing for {limit} s");
                Ok(Step::Ended)
            }
        }
    }

    /// Sends what the server had to say before it closed the connection.
    ///
    /// It asks for it once more first: another task may have put the last answer there and ended the
    /// connection since this one looked.
    async fn flush(&mut self) -> Result<(), Stopped> {
        let limit = self.shared.write_stall_timeout;
        loop {
            if self.output.is_empty() {
                self.output = self.shared.look(self.conn, &mut BytesMut::new(), true)?.output;
            }
            if self.output.is_empty() {
                return Ok(());
            }
            let written = tokio::time::timeout(limit, self.stream.send_last(&self.output)).await;
            if !matches!(written, Ok(Ok(()))) {
                return Ok(());
            }
            self.output = BytesMut::new();
        }
    }
}

async fn wait_while_paused(shared: &Shared, link: &Link) {
    if !shared.halt.is_paused() {
        return;
    }
    let mut paused = shared.halt.pauses();
    while *paused.borrow_and_update() && link.ending.get().is_none() {
        tokio::select! {
            () = shared.halt.stopped() => return,
            () = link.wake.notified() => {}
            changed = paused.changed() => if changed.is_err() { return },
        }
    }
}

/// Waits for the end of a connection that is still at the door.
async fn ended(shared: &Shared, link: &Link) {
    while link.ending.get().is_none() {
        tokio::select! {
            () = shared.halt.stopped() => return,
            () = link.wake.notified() => {}
        }
    }
}

/// Lets the client see the last answer before the socket goes.
pub(super) async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let drain = async {
        stream.shutdown().await?;
        let mut unread = BytesMut::new();
        let mut left = LINGER_BYTES_MAX;
        while left > 0 {
            unread.clear();
            unread.reserve(LINGER_READ_LEN);
            match stream.read_buf(&mut unread).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<(), io::Error>(())
    };
    // The time is over, or the client gone: nothing more can be done for it.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

fn report(shared: &Shared, peer: SocketAddr, reason: &CloseReason) {
    if reason.is_peers_fault() || reason.is_limit() {
        shared.report(&format_args!("closed the connection of {peer}: {reason}"));
    } else if reason.is_of_interest() {
        shared.tell(&format_args!("closed the connection of {peer}: {reason}"));
    } else {
        tracing::debug!(%peer, "closed the connection: {reason}");
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
