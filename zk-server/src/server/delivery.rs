//! Bytes to clients: replies, events, limits on what waits for them, and when to read again.

use bytes::BytesMut;
use zk_proto::codec::{Encode, encode_frame};
use zk_proto::{ErrorCode, KeeperState, ReplyHeader, WatcherEvent, Zxid, xid as reserved_xid};

use super::connection::{Connection, Phase};
use super::{Action, CloseReason, Server};
use crate::ConnectionId;
use crate::auth::sasl::Exchange;
use crate::watch::Notification;

/// Bytes of an output buffer that stay allocated for the next reply of an idle connection.
const OUTPUT_KEPT_MAX: usize = 64 << 10;

/// Appends a reply: the header, then what `body` writes, or only an error header if it refuses.
pub(super) fn encode_reply(
    out: &mut BytesMut,
    xid: i32,
    zxid: Zxid,
    body: impl FnOnce(&mut BytesMut) -> Result<(), ErrorCode>,
) {
    encode_frame(out, |out| {
        let start = out.len();
        ReplyHeader { xid, zxid, err: ErrorCode::Ok }.encode(out);
        if let Err(err) = body(out) {
            out.truncate(start);
            ReplyHeader { xid, zxid, err }.encode(out);
        }
    });
}

fn encode_event(out: &mut BytesMut, zxid: Zxid, event: &WatcherEvent) {
    encode_reply(out, reserved_xid::NOTIFICATION, zxid, |body| {
        event.encode(body);
        Ok(())
    });
}

impl Server {
    /// Whether the server would look at more bytes of this connection now. False for one that is
    /// closing or unknown: what it sends is of no use any more.
    #[must_use]
    pub fn wants_input(&self, conn: ConnectionId) -> bool {
        let connection = self.connections.get(&conn);
        connection.is_some_and(|connection| !connection.turn_over && self.may_read(connection))
    }

    /// Whether the connection has had its turn and has more to ask at once: let others in first.
    #[must_use]
    pub fn turn_is_over(&self, conn: ConnectionId) -> bool {
        self.connections.get(&conn).is_some_and(|connection| connection.turn_over)
    }

    pub(super) fn may_read(&self, connection: &Connection) -> bool {
        let limits = &self.config.limits;
        let waiting = connection.lane.len();
        match connection.phase {
            Phase::Handshake => true,
            Phase::Opening | Phase::Reporting | Phase::Closing => false,
            Phase::Active(_) => {
                !matches!(connection.sasl, Exchange::Asking { .. })
                    && waiting < limits.pending_requests
                    && connection.output.len() < limits.output_high_water
                    && (waiting == 0 || self.in_flight < self.config.global_outstanding_limit)
                    && (connection.unread() == 0 || self.unread < limits.output_total)
            }
        }
    }

    /// Sends a reply with the zxid of the last applied transaction.
    pub(super) fn reply(
        &mut self,
        conn: ConnectionId,
        xid: i32,
        body: impl FnOnce(&mut BytesMut) -> Result<(), ErrorCode>,
    ) {
        self.reply_with_zxid(conn, xid, self.tree.last_zxid(), body);
    }

    pub(super) fn reply_with_zxid(
        &mut self,
        conn: ConnectionId,
        xid: i32,
        zxid: Zxid,
        body: impl FnOnce(&mut BytesMut) -> Result<(), ErrorCode>,
    ) {
        self.write(conn, |out| encode_reply(out, xid, zxid, body));
    }

    /// Lets `encode` append one frame to the connection's output.
    pub(super) fn write(&mut self, conn: ConnectionId, encode: impl FnOnce(&mut BytesMut)) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.phase == Phase::Closing {
            return;
        }
        let before = connection.output.len();
        encode(&mut connection.output);
        let written = connection.output.len() - before;
        self.count_sent(conn, written);
    }

    /// Sends text to an operator. It counts as a packet, and is no response to a client.
    pub(super) fn tell_operator(&mut self, conn: ConnectionId, text: &str) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.phase == Phase::Closing {
            return;
        }
        connection.output.extend_from_slice(text.as_bytes());
        self.unread += text.len();
        self.count_answer(conn);
        self.announce_output(conn);
    }

    /// Counts an answer to an operator, once all of it is written: it does not count itself.
    pub(super) fn count_answer(&mut self, conn: ConnectionId) {
        self.stats.packets_sent += 1;
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stats.sent += 1;
        }
    }

    /// Counts one frame that was appended to a connection's output, and tells the runtime of it.
    pub(super) fn count_sent(&mut self, conn: ConnectionId, written: usize) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.stats.sent += 1;
        self.unread += written;
        self.stats.response(written);
        self.announce_output(conn);
    }

    /// Sends one event to everybody who waits for it; it is encoded once.
    pub(super) fn notify(&mut self, zxid: Zxid, notification: Notification) {
        let Notification { kind, path, connections } = notification;
        let event = WatcherEvent { kind, state: KeeperState::SyncConnected, path };
        let mut frame = BytesMut::new();
        encode_event(&mut frame, zxid, &event);
        self.stats.fired(kind, connections.len());
        for conn in connections {
            self.stats.watch_bytes += frame.len() as u64;
            self.write(conn, |out| out.extend_from_slice(&frame));
            self.cut_off_if_flooded(conn);
        }
    }

    /// Sends the events that a connection missed while it was away.
    pub(super) fn catch_up(&mut self, conn: ConnectionId, events: &[WatcherEvent]) {
        for event in events {
            self.write(conn, |out| encode_event(out, Zxid::UNKNOWN, event));
        }
    }

    pub(super) fn announce_output(&mut self, conn: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if !connection.transmit_told && !connection.output.is_empty() {
            connection.transmit_told = true;
            self.actions.push_back(Action::Transmit { conn });
        }
    }

    /// A client that does not read must not cost more memory with every event.
    pub(super) fn cut_off_if_flooded(&mut self, conn: ConnectionId) {
        let limits = &self.config.limits;
        let overloaded = self.unread > limits.output_total;
        let cap = if overloaded { limits.output_high_water } else { limits.output_cap };
        if self.connections.get(&conn).is_some_and(|connection| connection.output.len() > cap) {
            self.close(conn, CloseReason::OutputOverflow { cap });
        }
    }

    /// Takes what waits to be sent to a connection, and with it the promise to send it. What was
    /// taken before counts as written.
    #[must_use]
    pub fn take_output(&mut self, conn: ConnectionId) -> BytesMut {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return BytesMut::new();
        };
        connection.transmit_told = false;
        // What is small is carved off, so that one allocation serves many replies; what is large
        // goes as a whole, so that a burst costs no memory once it is written.
        let output = if connection.output.capacity() > OUTPUT_KEPT_MAX {
            std::mem::take(&mut connection.output)
        } else {
            connection.output.split()
        };
        self.unread -= connection.taken;
        connection.taken = output.len();
        let reports = connection.report.is_some();
        self.advance(self.last_event.instant, conn);
        if reports {
            self.continue_report(conn);
        }
        self.relieve();
        output
    }

    /// Tells the runtime to offer the connection's unread bytes again, if they were left for lack
    /// of room and there is room now.
    pub(super) fn resume_if_possible(&mut self, conn: ConnectionId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        if connection.starved
            && self.may_read(connection)
            && let Some(connection) = self.connections.get_mut(&conn)
        {
            connection.starved = false;
            self.actions.push_back(Action::Resume { conn });
        }
    }

    /// Notes that bytes of this connection were left unread, so that it is not forgotten.
    pub(super) fn starve(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.starved = true;
            if self.is_loaded() {
                self.starved_by_load.insert(conn);
            }
        }
    }

    /// Whether anybody may have to wait for what others have to do or to read.
    fn is_loaded(&self) -> bool {
        self.in_flight >= self.config.global_outstanding_limit
            || self.unread >= self.config.limits.output_total
    }

    /// Lets the connections go on that only waited for the server as a whole.
    pub(super) fn relieve(&mut self) {
        if !self.starved_by_load.is_empty() && !self.is_loaded() {
            for conn in std::mem::take(&mut self.starved_by_load) {
                self.resume_if_possible(conn);
            }
        }
    }

    /// Closes a connection: from here on it is deaf, its watches are gone, its session lives on.
    pub(super) fn close(&mut self, conn: ConnectionId, reason: CloseReason) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.phase == Phase::Closing {
            return;
        }
        let session = connection.session();
        connection.phase = Phase::Closing;
        if reason.is_abrupt() {
            self.unread -= connection.output.len();
            connection.output = BytesMut::new();
        }
        self.abandon(conn);
        if let Some(session) = session {
            self.sessions.disown(session, conn);
        }
        self.actions.push_back(Action::Close { conn, reason });
    }

    /// Forgets what a connection waited for. Its writes stay on their way.
    pub(super) fn abandon(&mut self, conn: ConnectionId) {
        self.watches.drop_connection(conn);
        self.starved_by_load.remove(&conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            let deferred = if connection.stalled { 0 } else { connection.deferred() };
            self.large_in_flight -= connection.deferred_large();
            connection.lane.clear();
            connection.stalled = false;
            self.in_flight -= deferred;
        }
    }
}
