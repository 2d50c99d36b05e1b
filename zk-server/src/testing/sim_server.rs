//! A server without a world: for simulations.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::BytesMut;
use zk_proto::SessionId;

use super::TestServerBuilder;
use crate::ConnectionId;
use crate::config::ServerConfig;
use crate::server::{Action, Event, Now, Server};
use crate::session::first_session_id;
use crate::storage::log::{MemoryTxnLog, TxnLog};
use crate::tree::DataTree;

/// A whole server as one value, on no thread, no port and no clock: bytes go in and come out by
/// calls, and the time is what each call says. What it does follows from the calls alone, so that a
/// simulated network and clock around it can play the same hour twice.
///
/// The writes of a call are durable before it returns.
///
/// ```
/// use std::time::{Duration, Instant};
/// use zk_server::server::Now;
/// use zk_server::testing::{SimServer, TestServer};
///
/// let now = Now { instant: Instant::now(), wall_ms: 1_600_000_000_000 };
/// let mut server = SimServer::new(TestServer::builder(), now);
/// let conn = server.accept(now);
/// server.receive(now, conn, b"ruok");
/// assert_eq!(&server.take_output(conn)[..], b"imok");
/// assert!(server.is_closing(conn));
/// ```
#[derive(Debug)]
pub struct SimServer {
    config: ServerConfig,
    log: MemoryTxnLog,
    server: Server,
    /// Connections, and what of their input the server has not taken yet.
    sockets: BTreeMap<ConnectionId, Socket>,
    next_conn: u64,
}

#[derive(Debug, Default)]
struct Socket {
    input: BytesMut,
    closing: bool,
}

impl SimServer {
    /// An empty server with these settings. Ports and certificates in them mean nothing.
    #[must_use]
    pub fn new(settings: TestServerBuilder, now: Now) -> Self {
        let (config, log) = (settings.config, MemoryTxnLog::default());
        let server = boot(&config, &log, now);
        Self { config, log, server, sockets: BTreeMap::new(), next_conn: 1 }
    }

    /// Stops it and starts it again from its log: connections are gone, data and sessions are not,
    /// and every session has its full timeout to come back.
    pub fn restart(&mut self, now: Now) {
        self.sockets.clear();
        self.server = boot(&self.config, &self.log, now);
    }

    /// Takes a connection in.
    pub fn accept(&mut self, now: Now) -> ConnectionId {
        let conn = ConnectionId(self.next_conn);
        self.next_conn += 1;
        self.sockets.insert(conn, Socket::default());
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.server.handle(now, Event::Accepted { conn, peer });
        self.perform(now);
        conn
    }

    /// Hands over what a client sent. A connection that is gone is deaf.
    pub fn receive(&mut self, now: Now, conn: ConnectionId, bytes: &[u8]) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.input.extend_from_slice(bytes);
            self.read(now, conn);
            self.perform(now);
        }
    }

    /// Takes what is to be sent to a client, and counts as sent.
    #[must_use]
    pub fn take_output(&mut self, conn: ConnectionId) -> BytesMut {
        let mut output = self.server.take_output(conn);
        loop {
            let more = self.server.take_output(conn);
            if more.is_empty() {
                return output;
            }
            output.unsplit(more);
        }
    }

    /// The connections that are open, those that are closing included.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.sockets.keys().copied()
    }

    /// Whether the server wants the connection closed once its output is sent, or does not know it:
    /// say [`disconnect`](Self::disconnect) then.
    #[must_use]
    pub fn is_closing(&self, conn: ConnectionId) -> bool {
        self.sockets.get(&conn).is_none_or(|socket| socket.closing)
    }

    /// The connection is gone, whoever closed it.
    pub fn disconnect(&mut self, now: Now, conn: ConnectionId) {
        if self.sockets.remove(&conn).is_some() {
            self.server.handle(now, Event::Disconnected { conn });
            self.perform(now);
        }
    }

    /// When the server wants to be called next though nothing else happens.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.server.next_deadline()
    }

    /// The time has come: sessions expire, empty containers go.
    pub fn tick(&mut self, now: Now) {
        self.server.handle(now, Event::Tick);
        self.perform(now);
    }

    /// Ends a session as if its timeout had passed. False if there is no such live session.
    pub fn expire_session(&mut self, now: Now, session: SessionId) -> bool {
        let ended = self.server.expire_session(now, session);
        self.perform(now);
        ended
    }

    /// The sessions that are known, in ascending order.
    #[must_use]
    pub fn session_ids(&self) -> Vec<SessionId> {
        self.server.session_ids()
    }

    /// The znodes.
    #[must_use]
    pub fn tree(&self) -> &DataTree {
        self.server.tree()
    }

    /// Offers the connection's input until the server has taken all it wants of it.
    fn read(&mut self, now: Now, conn: ConnectionId) {
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        loop {
            let offered = socket.input.len();
            if offered == 0 {
                return;
            }
            self.server.handle(now, Event::Received { conn, bytes: &mut socket.input });
            if socket.input.len() == offered {
                return;
            }
        }
    }

    /// Does what the server asks for until it asks for nothing more.
    fn perform(&mut self, now: Now) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::Resume { conn } => self.read(now, conn),
                Action::Close { conn, .. } => {
                    if let Some(socket) = self.sockets.get_mut(&conn) {
                        socket.closing = true;
                    }
                }
                Action::Append(record) => {
                    let logged = self.log.append(record).and_then(|()| self.log.sync());
                    let zxid = logged.expect("the server's zxids ascend, and memory does not fail");
                    self.server.handle(now, Event::Durable { zxid });
                }
                // Output is there to be taken at any time, and there is no Kerberos here.
                Action::Transmit { .. } | Action::AskMechanism { .. } => {}
            }
        }
    }
}

fn boot(config: &ServerConfig, log: &MemoryTxnLog, now: Now) -> Server {
    let first_session = first_session_id(now.wall_ms, config.server_id);
    let mut server = Server::new(config.clone(), first_session, now);
    for record in log.replay() {
        let record = record.expect("memory does not fail");
        server.replay(&record.header, &record.txn);
    }
    server.start(now);
    server
}
