//! What operators are told: a view of the server, rendered in [`crate::ops`].

use std::time::Duration;

use bytes::BytesMut;
use zk_proto::OpCode;
use zk_proto::four_letter::Word;

use super::stats::{BackupStats, ConnectionStats, DiskStats, LastAnswer};
use super::{Now, Server};
use crate::ConnectionId;
use crate::auth::AccessControl;
use crate::ops::four_letter::{self, Answer};
use crate::ops::{ProcessProbe, ServerView};

/// Bytes behind `stmk`: the mask.
const TRACE_MASK_LEN: usize = 8;

impl Server {
    /// Answers a command of an operator, once it is whole.
    pub(super) fn command(
        &mut self,
        now: Now,
        conn: ConnectionId,
        word: Word,
        bytes: &mut BytesMut,
    ) {
        let allowed = self.config.four_letter_whitelist.allows(word);
        if allowed && word == Word::Stmk {
            let Some(mask) = bytes.get(4..).and_then(|rest| rest.first_chunk::<TRACE_MASK_LEN>())
            else {
                return;
            };
            self.trace_mask = i64::from_be_bytes(*mask);
        }
        bytes.clear();
        self.stats.packets_received += 1;
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stats.received += 1;
        }
        let answer = if allowed {
            four_letter::answer(word, &self.view(now))
        } else {
            Answer::Text(four_letter::not_whitelisted(word))
        };
        match answer {
            Answer::Text(text) => {
                self.reset_for(word, allowed);
                // Counted behind a reset, as in Apache.
                if !text.is_empty() {
                    self.tell_operator(conn, &text);
                }
                self.close(conn, super::CloseReason::CommandAnswered);
            }
            Answer::Report(report) => self.begin_report(conn, report),
        }
    }

    fn reset_for(&mut self, word: Word, allowed: bool) {
        match word {
            Word::Srst if allowed => self.reset_stats(),
            Word::Crst if allowed => self.reset_connection_stats(),
            _ => {}
        }
    }

    /// Lets all counters begin anew.
    pub(crate) fn reset_stats(&mut self) {
        self.stats.reset();
        self.proposer.reset_quota_refusals();
    }

    /// Lets the counters of all connections begin anew.
    pub(crate) fn reset_connection_stats(&mut self) {
        for connection in self.connections.values_mut() {
            connection.stats = ConnectionStats::default();
        }
    }

    /// The number that `stmk` has set. It has no effect here.
    pub(crate) fn set_trace_mask(&mut self, mask: i64) {
        self.trace_mask = mask;
    }

    /// Everything is counted already.
    pub(crate) fn view(&self, now: Now) -> ServerView<'_> {
        ServerView {
            config: &self.config,
            stats: &self.stats,
            tree: &self.tree,
            last_zxid: self.tree.last_zxid(),
            uptime: now.instant.saturating_duration_since(self.started),
            connection_count: self.connections.len(),
            outstanding: self.in_flight,
            node_count: self.tree.node_count(),
            approximate_data_size: self.tree.approximate_data_size(),
            ephemeral_count: self.tree.ephemeral_count(),
            watch_count: self.watches.watch_count(),
            session_count: self.sessions.len(),
            trace_mask: self.trace_mask,
            drop_probability: self.tokens.drop_probability(),
            entering_count: self.entering,
            quota_refusals: self.proposer.quota_refusals(),
            probe: self.probe,
        }
    }

    /// Whom to ask about the process when an operator wants to know. Nobody, unless told.
    pub fn set_process_probe(&mut self, probe: ProcessProbe) {
        self.probe = probe;
    }

    /// Lets the storage report what it has measured.
    pub(crate) fn disk_stats(&mut self) -> &mut DiskStats {
        &mut self.stats.disk
    }

    /// What became of snapshots and restores that operators asked for.
    pub(crate) fn backup_stats(&mut self) -> &mut BackupStats {
        &mut self.stats.backup
    }

    /// Who may do what.
    pub(crate) fn access(&self) -> &AccessControl {
        &self.access
    }

    /// Whether TTL nodes are known (`extendedTypesEnabled`).
    pub(crate) fn knows_extended_types(&self) -> bool {
        self.config.extended_types_enabled
    }

    /// Notes that a connection came by TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn note_secure(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.secure = true;
        }
        self.note_entered(conn);
    }

    /// Notes that a connection came in the clear.
    pub(crate) fn note_plain(&mut self, conn: ConnectionId) {
        let Some(connection) = self.connections.get(&conn) else { return };
        if connection.peer.ip().to_canonical().is_loopback() {
            self.stats.plain_local += 1;
        } else {
            self.stats.plain_remote += 1;
        }
        self.note_entered(conn);
    }

    /// Notes that a connection has a TLS handshake before it, or may have one.
    pub(crate) fn note_entering(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && !std::mem::replace(&mut connection.is_entering, true)
        {
            self.entering += 1;
        }
    }

    fn note_entered(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && std::mem::take(&mut connection.is_entering)
        {
            self.entering -= 1;
        }
    }

    /// Notes that a connection did not get through its TLS handshake: for lack of a place, or
    /// because one side did not accept the other.
    #[cfg(feature = "tls")]
    pub(crate) fn note_failed_handshake(&mut self, had_no_place: bool) {
        if had_no_place {
            self.stats.handshakes_exceeded += 1;
        } else {
            self.stats.handshakes_failed += 1;
        }
    }

    pub(super) fn note_answer(
        &mut self,
        conn: ConnectionId,
        op: OpCode,
        xid: i32,
        latency: Duration,
    ) {
        let (zxid, at_ms) = (self.tree.last_zxid(), self.last_event.wall_ms);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stats.answered(LastAnswer { op, xid, zxid, at_ms, latency });
        }
    }
}
