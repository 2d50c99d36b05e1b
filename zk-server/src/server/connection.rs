//! What the server knows about one client connection.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zk_proto::{OpCode, SessionId};

use super::stats::ConnectionStats;
use crate::auth::Identities;
use crate::auth::sasl::Exchange;
use crate::ops::Report;

/// One client connection.
///
/// Replies leave in the order of the requests. Requests that cannot be answered yet stand in
/// `lane`; while it is empty, reads are answered on the spot.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) phase: Phase,
    pub(super) identities: Identities,
    pub(super) sasl: Exchange,
    /// What has an answer coming, oldest first.
    pub(super) lane: VecDeque<Waiting>,
    /// Encoded frames that the runtime has not taken yet.
    pub(super) output: BytesMut,
    /// Bytes of output that the runtime has taken and may not have written yet.
    pub(super) taken: usize,
    /// Whether the runtime was told of `output`.
    pub(super) transmit_told: bool,
    /// Whether bytes were left unread, so that the runtime must be told to offer them again.
    pub(super) starved: bool,
    /// Whether it has had its turn, and was promised another one.
    pub(super) turn_over: bool,
    /// Whether the requests in `lane` wait only for the client to read, and not for the log.
    pub(super) stalled: bool,
    pub(super) stats: ConnectionStats,
    /// When it came, in ms since the epoch.
    pub(super) established_ms: i64,
    /// Whether it came by TLS.
    pub(super) secure: bool,
    /// Whether it has a TLS handshake before it, or may have one.
    pub(super) is_entering: bool,
    /// What is left to say to an operator.
    pub(super) report: Option<Box<Report>>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for the connect request or a four-letter word.
    Handshake,
    /// The new session is on its way through the log; nothing is read meanwhile.
    Opening,
    /// Serves a session.
    Active(SessionId),
    /// An operator's command has an answer in pieces; nothing is read any more.
    Reporting,
    /// To be closed once the output is out; deaf.
    Closing,
}

/// A request whose answer is due later.
#[derive(Debug)]
pub(super) enum Waiting {
    /// A write on its way through the log; the answer is kept beside it.
    Write,
    /// Writes of the same session that came over its former connection: reads wait for them too.
    FormerWrites,
    /// Something behind a write, not looked at yet.
    Request(Deferred),
}

/// A request with a readable header.
#[derive(Clone, Debug)]
pub(super) struct Deferred {
    pub(super) xid: i32,
    /// The op code, or the number that is none.
    pub(super) op: Result<OpCode, i32>,
    /// The frame behind the header.
    pub(super) body: Bytes,
    pub(super) received: Instant,
    /// Its bytes, if it is a large one.
    pub(super) large: usize,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, established_ms: i64) -> Self {
        Self {
            peer,
            phase: Phase::Handshake,
            identities: Identities::of_peer(peer.ip()),
            sasl: Exchange::default(),
            lane: VecDeque::new(),
            output: BytesMut::new(),
            taken: 0,
            transmit_told: false,
            starved: false,
            turn_over: false,
            stalled: false,
            stats: ConnectionStats::default(),
            established_ms,
            secure: false,
            is_entering: false,
            report: None,
        }
    }

    /// Bytes on their way to the client, as far as the server knows.
    pub(super) fn unread(&self) -> usize {
        self.output.len() + self.taken
    }

    /// The requests that wait in the lane, writes on their way not counted.
    pub(super) fn deferred(&self) -> usize {
        self.lane.iter().filter(|waiting| matches!(waiting, Waiting::Request(_))).count()
    }

    /// Bytes of the large requests in the lane, writes on their way not counted.
    pub(super) fn deferred_large(&self) -> usize {
        let large = |waiting: &Waiting| match waiting {
            Waiting::Request(request) => request.large,
            Waiting::Write | Waiting::FormerWrites => 0,
        };
        self.lane.iter().map(large).sum()
    }

    /// The session, once it is set up and until the connection closes.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self.phase {
            Phase::Active(session) => Some(session),
            Phase::Handshake | Phase::Opening | Phase::Reporting | Phase::Closing => None,
        }
    }
}
