//! What goes into a server and what comes out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zk_proto::Zxid;

use super::CloseReason;
use crate::ConnectionId;
use crate::auth::sasl::MechanismAnswer;
use crate::storage::log::TxnRecord;

/// The time of an event, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Never goes back: what sessions and deadlines are counted by.
    pub instant: Instant,
    /// Milliseconds since the epoch: what `ctime`, `mtime` and times to live are counted by.
    pub wall_ms: i64,
}

/// Something happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A client connected. The server may answer with [`Action::Close`].
    Accepted {
        /// Its name, never used before.
        conn: ConnectionId,
        /// Where it comes from, as the transport says.
        peer: SocketAddr,
    },
    /// The client has shown a certificate in its TLS handshake, and it was verified. Comes before
    /// anything is received, or not at all.
    Certified {
        /// The connection.
        conn: ConnectionId,
        /// Whom it is for, from [`subject_of`](crate::auth::subject_of).
        subject: String,
    },
    /// Bytes came. The server takes whole frames out and leaves the rest; while
    /// [`Server::wants_input`](super::Server::wants_input) is false it leaves all of them.
    Received {
        /// The connection.
        conn: ConnectionId,
        /// All bytes that are not taken yet.
        bytes: &'a mut BytesMut,
    },
    /// The connection is gone, whoever closed it.
    Disconnected {
        /// The connection.
        conn: ConnectionId,
    },
    /// The mechanism has an answer to the token of [`Action::AskMechanism`]. Of a connection that
    /// is gone it is ignored.
    MechanismAnswered {
        /// The connection.
        conn: ConnectionId,
        /// What it says.
        answer: MechanismAnswer,
    },
    /// The log holds everything up to here for good.
    Durable {
        /// The last durable transaction.
        zxid: Zxid,
    },
    /// The time of [`Server::next_deadline`](super::Server::next_deadline) has come.
    Tick,
}

/// Something for the world to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Bytes wait in [`Server::take_output`](super::Server::take_output).
    Transmit {
        /// The connection.
        conn: ConnectionId,
    },
    /// Close it, after what is buffered has gone out unless [`CloseReason::is_abrupt`]. The server
    /// is deaf to it from now on; still say [`Event::Disconnected`] when it is gone.
    Close {
        /// The connection.
        conn: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// The server wants input from this connection again: offer what is left unread.
    Resume {
        /// The connection.
        conn: ConnectionId,
    },
    /// Let the SASL mechanism of the login look into a client's token; say
    /// [`Event::MechanismAnswered`] when it has. The server does not read from the connection
    /// meanwhile.
    AskMechanism {
        /// The connection.
        conn: ConnectionId,
        /// The token.
        token: Bytes,
    },
    /// Add to the transaction log; say [`Event::Durable`] once it is.
    Append(Arc<TxnRecord>),
}
