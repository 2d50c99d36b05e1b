//! PURE: a whole server as one value.
//!
//! # How it is driven
//!
//! | kind of method | methods | when |
//! | --- | --- | --- |
//! | start | [`Server::new`], [`Server::adopt`] or [`Server::replay`] for each record of the log, [`Server::start`] | once, in this order |
//! | input | [`Server::handle`] | whenever something happens |
//! | output | [`Server::poll_action`] until `None`, [`Server::take_output`] | after every input |
//! | time | [`Server::next_deadline`] | after every input: when to say [`Event::Tick`] |
//! | questions | [`Server::wants_input`] and others | any time |
//!
//! # Where to look
//!
//! | file | what it decides |
//! | --- | --- |
//! | `handshake` | a new connection: connect request or four-letter word, sessions new, resumed, refused |
//! | `dispatch` | what happens to a request by its op code, and when it has to wait |
//! | `sasl` | a client's SASL tokens, and whether it may do without |
//! | `pipeline` | writes: proposed, logged, applied, watched, answered |
//! | `delivery` | bytes to clients, and limits on them |
//! | `expiry` | everything that happens because time passes |
//! | `throttle` | how many sessions may be asked for, how much large requests may hold |
//! | `restore` | other data in the place of those there were |
//! | `status`, `report`, `audit` | what operators are told |

mod audit;
mod close_reason;
mod connection;
mod connections;
mod delivery;
mod dispatch;
mod event;
mod expiry;
mod handshake;
mod pipeline;
mod report;
mod restore;
mod sasl;
pub(crate) mod stats;
mod status;
pub(crate) mod summary;
mod throttle;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{SessionId, Zxid};

#[cfg(test)]
use audit::TARGET as AUDIT_TARGET;
pub use close_reason::CloseReason;
pub use event::{Action, Event, Now};

use crate::ConnectionId;
use crate::auth::AccessControl;
use crate::auth::sasl::SaslServer;
use crate::config::ServerConfig;
use crate::ops::ProcessProbe;
use crate::request::{Proposer, ProposerSettings};
use crate::session::SessionTracker;
use crate::storage::recovery::Recovered;
use crate::tree::{DataTree, Outcome};
use crate::watch::WatchManager;
use connections::Connections;
use pipeline::Proposed;
use stats::ServerStats;
use throttle::TokenBucket;

/// Apache's trace mask: which kinds of its trace messages are written.
const TRACE_MASK: i64 = 0o462;

/// A ZooKeeper server: events in, actions out, no clock and no socket.
///
/// Invariants:
///
/// - every transaction in `proposed` has a larger zxid than the tree's last one, in order, without
///   gaps;
/// - a session's owner is an open connection in the phase `Active` with that session, or `Opening`;
/// - a connection answers in the order of its requests (pings, auth and SASL answers excepted);
/// - `in_flight` counts `proposed` and the deferred requests of all lanes that are not stalled;
/// - `unread` is the sum of what the connections have not read.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    access: AccessControl,
    tree: DataTree,
    watches: WatchManager,
    sessions: SessionTracker,
    proposer: Proposer,
    connections: Connections,
    per_address: HashMap<IpAddr, usize>,
    /// Connections that are not through their TLS handshake.
    entering: usize,
    /// Connections without a session, by when they must have one. An entry outlives its cause and
    /// is dropped when its time comes.
    sessionless: VecDeque<(Instant, ConnectionId)>,
    last_proposed: Zxid,
    /// Logged or on the way there, not applied yet; oldest first.
    proposed: VecDeque<Proposed>,
    /// Connections that wait for writes of their session's former connection, by the last of them.
    barriers: VecDeque<(Zxid, ConnectionId)>,
    in_flight: usize,
    unread: usize,
    /// Bytes of the large requests that wait for their answers.
    large_in_flight: usize,
    tokens: TokenBucket,
    starved_by_load: BTreeSet<ConnectionId>,
    /// The time of the last event: for what happens between events.
    last_event: Now,
    actions: VecDeque<Action>,
    next_sweep: Instant,
    swept: expiry::Swept,
    started: Instant,
    stats: ServerStats,
    probe: ProcessProbe,
    /// What `gtmk` tells and `stmk` sets. It has no effect here.
    trace_mask: i64,
    /// `None`: no SASL.
    sasl: Option<SaslServer>,
}

impl Server {
    /// An empty server whose first new session gets `first_session` as its id
    /// (see [`first_session_id`](crate::session::first_session_id)).
    #[must_use]
    pub fn new(config: ServerConfig, first_session: SessionId, now: Now) -> Self {
        let settings = ProposerSettings {
            extended_types_enabled: config.extended_types_enabled,
            reconfig_enabled: config.reconfig_enabled,
            enforce_quota: config.enforce_quota,
            digest_enabled: config.digest_enabled,
        };
        Self {
            access: AccessControl::new(config.auth.clone()),
            tree: DataTree::new(config.extended_types_enabled),
            watches: WatchManager::default(),
            sessions: SessionTracker::new(first_session, config.tick_time, now.instant),
            proposer: Proposer::new(settings),
            connections: Connections::default(),
            per_address: HashMap::new(),
            entering: 0,
            sessionless: VecDeque::new(),
            last_proposed: Zxid::ZERO,
            proposed: VecDeque::new(),
            barriers: VecDeque::new(),
            in_flight: 0,
            unread: 0,
            large_in_flight: 0,
            // Ids begin with the time of the start: chance is another with each.
            tokens: TokenBucket::new(
                config.limits.connection_throttle,
                first_session.0.cast_unsigned(),
                now.instant,
            ),
            starved_by_load: BTreeSet::new(),
            last_event: now,
            actions: VecDeque::new(),
            next_sweep: now.instant + config.container_check_interval,
            swept: expiry::Swept::default(),
            started: now.instant,
            stats: ServerStats::default(),
            probe: ProcessProbe::default(),
            trace_mask: TRACE_MASK,
            sasl: None,
            config,
        }
    }

    /// Takes in one transaction of the log, before [`start`](Self::start).
    pub fn replay(&mut self, header: &TxnHeader, txn: &Txn) {
        let applied = self.tree.apply(header, txn);
        self.last_proposed = self.last_proposed.max(header.zxid);
        match applied.outcome {
            Outcome::SessionCreated { session, timeout_ms } => {
                self.sessions.remember_id(session);
                self.sessions.open(session, timeout_ms, None, self.started);
            }
            Outcome::SessionClosed { session } => {
                self.sessions.remove(session);
            }
            _ => {}
        }
    }

    /// Takes over what was recovered, before [`start`](Self::start).
    pub fn adopt(&mut self, recovered: Recovered) {
        self.last_proposed = recovered.tree.last_zxid();
        self.tree = recovered.tree;
        self.stats.digest_mismatches += recovered.digest_mismatches;
        for id in recovered.last_session_ids.into_values() {
            self.sessions.remember_id(id);
        }
        for (session, timeout_ms) in recovered.sessions {
            self.sessions.open(session, timeout_ms, None, self.started);
        }
    }

    /// The sessions that exist, with their timeouts in ms.
    #[must_use]
    pub fn session_timeouts(&self) -> Vec<(SessionId, i32)> {
        self.sessions.timeouts()
    }

    /// The log is read: every session in it gets its full timeout from now.
    pub fn start(&mut self, now: Now) {
        self.started = now.instant;
        self.next_sweep = now.instant + self.config.container_check_interval;
        self.sessions.renew_all(now.instant);
        self.close_orphaned_sessions(now);
    }

    /// Takes in one event. Ask [`poll_action`](Self::poll_action) afterwards.
    pub fn handle(&mut self, now: Now, event: Event<'_>) {
        self.notice_pause(now);
        self.last_event = now;
        match event {
            Event::Accepted { conn, peer } => self.accepted(now, conn, peer),
            Event::Certified { conn, subject } => self.certified(conn, subject),
            Event::Received { conn, bytes } => self.received(now, conn, bytes),
            Event::Disconnected { conn } => self.disconnected(conn),
            Event::MechanismAnswered { conn, answer } => self.mechanism_answered(conn, answer),
            Event::Durable { zxid } => self.durable(now, zxid),
            Event::Tick => self.tick(now),
        }
    }

    /// Lets clients authenticate by SASL, if the configuration has a login. `key` is what nonces
    /// are made from: 128 bits of the system's randomness, of which nobody is told.
    pub fn offer_sasl(&mut self, key: [u8; 16]) {
        self.sasl = SaslServer::new(self.config.auth.sasl.clone(), key);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The address of an open connection.
    #[must_use]
    pub fn peer(&self, conn: ConnectionId) -> Option<SocketAddr> {
        self.connections.get(&conn).map(|connection| connection.peer)
    }

    /// How many connections are open, those that are closing included.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    /// The sessions that are known, in ascending order of their ids.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.sessions.ids()
    }

    /// The transaction that was applied last.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.tree.last_zxid()
    }

    /// The znodes as of the last applied transaction.
    #[must_use]
    pub fn tree(&self) -> &DataTree {
        &self.tree
    }

    fn disconnected(&mut self, conn: ConnectionId) {
        self.abandon(conn);
        let Some(connection) = self.connections.remove(&conn) else { return };
        self.entering -= usize::from(connection.is_entering);
        self.unread -= connection.unread();
        if let Some(session) = connection.session() {
            self.sessions.disown(session, conn);
        }
        if connection.phase != connection::Phase::Closing {
            self.stats.connections_dropped += 1;
        }
        let address = connection.peer.ip();
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
        self.relieve();
    }
}

#[cfg(test)]
mod tests;
