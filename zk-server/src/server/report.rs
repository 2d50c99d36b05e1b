//! Answers to operators that come in pieces, and what they are made from.

use zk_proto::SessionId;

use super::connection::{Connection, Phase};
use super::{CloseReason, Server};
use crate::ConnectionId;
use crate::ops::{ConnectionView, Report};
use crate::session::SessionTracker;
use crate::watch::WatchManager;

impl Server {
    /// Lets a connection have a report, piece by piece as it reads them, and nothing else any more.
    pub(super) fn begin_report(&mut self, conn: ConnectionId, report: Report) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.phase = Phase::Reporting;
        connection.report = Some(Box::new(report));
        self.continue_report(conn);
    }

    /// Puts the next piece where the last one was, if somebody has taken it.
    pub(super) fn continue_report(&mut self, conn: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if connection.phase != Phase::Reporting || !connection.output.is_empty() {
            return;
        }
        let Some(mut report) = connection.report.take() else { return };
        let mut piece = String::new();
        let more = report.piece(self, self.last_event, &mut piece);
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        connection.output.extend_from_slice(piece.as_bytes());
        // Each piece is a turn: there may be hundreds who want one, and a socket takes many at once.
        connection.turn_over = more;
        if more && piece.is_empty() {
            self.actions.push_back(super::Action::Resume { conn });
        }
        self.unread += piece.len();
        self.announce_output(conn);
        if more {
            if let Some(connection) = self.connections.get_mut(&conn) {
                connection.report = Some(report);
            }
        } else {
            self.count_answer(conn);
            self.close(conn, CloseReason::CommandAnswered);
        }
    }

    /// The connections behind one of them, in order.
    pub(crate) fn connection_views(
        &self,
        after: Option<ConnectionId>,
    ) -> impl Iterator<Item = (ConnectionId, ConnectionView<'_>)> {
        let connections = self.connections.after(after);
        connections.map(|(conn, connection)| (conn, self.connection_view(connection)))
    }

    fn connection_view<'a>(&'a self, connection: &'a Connection) -> ConnectionView<'a> {
        let session = connection.session();
        let sessionless = self.config.limits.sessionless_timeout.as_millis();
        let timeout_ms = session.map_or_else(
            || i32::try_from(sessionless).unwrap_or(i32::MAX),
            |session| self.sessions.timeout_ms(session).unwrap_or_default(),
        );
        ConnectionView {
            peer: connection.peer,
            secure: connection.secure,
            session,
            timeout_ms,
            is_heard: matches!(
                connection.phase,
                Phase::Handshake | Phase::Opening | Phase::Active(_)
            ),
            queued: connection.lane.len(),
            established_ms: connection.established_ms,
            stats: &connection.stats,
        }
    }

    /// The session that a connection serves.
    pub(crate) fn session_of(&self, conn: ConnectionId) -> Option<SessionId> {
        self.connections.get(&conn)?.session()
    }

    /// The table of watches.
    pub(crate) fn watches(&self) -> &WatchManager {
        &self.watches
    }

    /// The sessions, and when they end.
    pub(crate) fn sessions(&self) -> &SessionTracker {
        &self.sessions
    }
}
