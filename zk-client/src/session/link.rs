//! What holds for one connection, and what for the session behind it.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use zk_proto::{HostPort, Password, SessionId, Zxid};

use super::held::Held;
use super::sasl::Exchange;
use super::watches::Chunk;

/// Where the machine stands with its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection; the next attempt comes with the reconnect timer.
    Waiting,
    /// The driver is connecting.
    Connecting,
    /// Connected; the connect request is out, or about to be, and nothing may follow it before
    /// the answer.
    Handshake,
    /// The server has granted the session, and the client shows it by SASL who it is; nothing else
    /// may go out before that is done.
    Authenticating,
    /// A server serves the session.
    Established,
    /// The machine has ended.
    Finished(super::Failure),
}

impl Phase {
    /// Whether there is a connection that bytes may come from.
    pub(crate) fn has_connection(&self) -> bool {
        matches!(self, Self::Handshake | Self::Authenticating | Self::Established)
    }
}

/// What is forgotten with each connection.
#[derive(Default)]
pub(crate) struct Link {
    /// The connect request, until it is written.
    pub(crate) greeting: BytesMut,
    /// When the connect request was written.
    pub(crate) greeted_at: Option<Instant>,
    /// The SASL exchange, while there is one.
    pub(crate) sasl: Option<Exchange>,
    /// Whether the server is read-only.
    pub(crate) read_only: bool,
    /// Which server is being asked whether it takes writes.
    pub(crate) probing: Option<HostPort>,
    /// Whether the client goes to another server once all that was sent is answered.
    pub(crate) leaving: bool,
    /// Bytes written, ever.
    pub(crate) written: u64,
    /// Since when a ping is to be written, if one is.
    pub(crate) ping_due_since: Option<Instant>,
    /// When the pings in flight were written. Few: the oldest may not be older than the session
    /// timeout, and there is a third of that between two of them.
    pub(crate) pings: VecDeque<Instant>,
    /// Watches to be set again before any request goes out.
    pub(crate) rearm: VecDeque<Chunk>,
    /// Watches that are being set again, each chunk with the time it was written at.
    pub(crate) rearming: VecDeque<(Instant, Chunk)>,
    /// What had been seen when the connection came up. Chunks written later must not use more:
    /// they would miss what happened in between.
    pub(crate) relative_zxid: Zxid,
    /// The lasting watches that the server holds.
    pub(crate) held: Held,
}

/// A session that a server has granted.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) id: SessionId,
    pub(crate) password: Password,
    /// Whether only a read-only server knows the session.
    pub(crate) provisional: bool,
    /// As negotiated.
    pub(crate) timeout: Duration,
    /// When the last whole frame came.
    pub(crate) heard_at: Instant,
    /// When that was sent which the server has answered last: the server has not expired the
    /// session before the timeout, counted from here.
    pub(crate) proved_at: Instant,
}

impl Granted {
    /// After so long without a word a connection is given up.
    pub(crate) fn read_timeout(&self) -> Duration {
        self.timeout * 2 / 3
    }

    /// After so long without a word the session is given up.
    pub(crate) fn expiry_timeout(&self) -> Duration {
        self.timeout * 4 / 3
    }

    /// After so long without sending a ping is due: its answer has as long again to come.
    pub(crate) fn ping_interval(&self) -> Duration {
        self.timeout / 3
    }

    /// An answer has come to what was sent then.
    pub(crate) fn prove(&mut self, sent_at: Instant) {
        self.proved_at = self.proved_at.max(sent_at);
    }
}

/// The password resumes the session, whoever has it.
impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("id", &self.id)
            .field("timeout", &self.timeout)
            .field("provisional", &self.provisional)
            .field("heard_at", &self.heard_at)
            .field("proved_at", &self.proved_at)
            .finish_non_exhaustive()
    }
}
