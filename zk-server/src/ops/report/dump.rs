//! `dump`: sessions by when they end, and their ephemeral nodes.

use std::fmt::Write as _;
use std::time::Instant;

use zk_proto::SessionId;

use super::connection_sets::ConnectionSets;
use super::{Format, Room, json_end, quoted};
use crate::ops::date::java_date;
use crate::server::{Now, Server};

/// Sessions first, then ephemerals, then, in text, connections by when they are closed.
#[derive(Debug)]
pub(crate) struct DumpReport {
    format: Format,
    stage: Stage,
    /// Whether the next group is the first.
    first: bool,
}

#[derive(Debug)]
enum Stage {
    Begin,
    /// Behind this session of this bucket.
    Sessions(Option<(u64, SessionId)>),
    /// Behind this node of this session.
    Ephemerals(Option<(SessionId, String)>),
    Connections(ConnectionSets),
}

impl DumpReport {
    pub(super) fn new(format: Format) -> Self {
        Self { format, stage: Stage::Begin, first: true }
    }

    pub(super) fn piece(&mut self, server: &Server, now: Now, out: &mut String) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Begin) {
            Stage::Begin => {
                self.begin(server, out);
                self.stage = Stage::Sessions(None);
                true
            }
            Stage::Sessions(after) => {
                self.stage = match self.sessions(server, now, after, out) {
                    Some(last) => Stage::Sessions(Some(last)),
                    None => Stage::Ephemerals(None),
                };
                if matches!(self.stage, Stage::Ephemerals(_)) {
                    self.between(server, out);
                }
                true
            }
            Stage::Ephemerals(after) => match self.ephemerals(server, after, out) {
                Some(last) => {
                    self.stage = Stage::Ephemerals(Some(last));
                    true
                }
                None if self.format == Format::Text => {
                    out.push_str("Connections dump:\n");
                    self.stage = Stage::Connections(ConnectionSets::default());
                    true
                }
                None => {
                    self.end(out);
                    false
                }
            },
            Stage::Connections(mut sets) => {
                let more = sets.piece(server, now, out);
                self.stage = Stage::Connections(sets);
                more
            }
        }
    }

    fn begin(&self, server: &Server, out: &mut String) {
        if self.format == Format::Text {
            let sessions = server.sessions();
            let (buckets, count) = (sessions.bucket_count(), sessions.waiting_count());
            let _ = writeln!(out, "SessionTracker dump:\nSession Sets ({buckets})/({count}):");
        } else {
            out.push_str("{\"expiry_time_to_session_ids\":{");
        }
    }

    /// Where it stopped, if it did not come to the end.
    fn sessions(
        &mut self,
        server: &Server,
        now: Now,
        after: Option<(u64, SessionId)>,
        out: &mut String,
    ) -> Option<(u64, SessionId)> {
        let mut room = Room::new(out);
        let mut last = after;
        for waiting in server.sessions().waiting(after) {
            if !room.take(out) {
                return last;
            }
            let is_new = last.is_none_or(|(bucket, _)| bucket != waiting.bucket);
            last = Some((waiting.bucket, waiting.session));
            let ends_ms = wall_ms(now, waiting.ends);
            let session = waiting.session;
            if self.format == Format::Text {
                if is_new {
                    let _ = writeln!(out, "{} expire at {}:", waiting.count, java_date(ends_ms));
                }
                let _ = writeln!(out, "\t{session}");
            } else if is_new {
                let close = if std::mem::take(&mut self.first) { "" } else { "]," };
                let _ = write!(out, "{close}\"{ends_ms}\":[{}", session.0);
            } else {
                let _ = write!(out, ",{}", session.0);
            }
        }
        None
    }

    fn between(&mut self, server: &Server, out: &mut String) {
        if self.format == Format::Text {
            let count = server.tree().ephemeral_session_count();
            let _ = writeln!(out, "ephemeral nodes dump:\nSessions with Ephemerals ({count}):");
        } else {
            let close = if std::mem::replace(&mut self.first, true) { "" } else { "]" };
            out.push_str(close);
            out.push_str("},\"session_id_to_ephemeral_paths\":{");
        }
    }

    /// Where it stopped, if it did not come to the end.
    fn ephemerals(
        &mut self,
        server: &Server,
        after: Option<(SessionId, String)>,
        out: &mut String,
    ) -> Option<(SessionId, String)> {
        let mut room = Room::new(out);
        let from = after.as_ref().map(|(session, _)| *session);
        let mut open = from;
        let sessions = server.tree().sessions_with_ephemerals();
        for session in sessions.skip_while(|session| from.is_some_and(|from| *session < from)) {
            let behind = after.as_ref().filter(|(from, _)| *from == session);
            let behind = behind.map(|(_, path)| path.as_str());
            let paths = server.tree().ephemerals_of(session);
            for path in paths.skip_while(|path| behind.is_some_and(|behind| *path <= behind)) {
                let is_new = open.replace(session) != Some(session);
                if self.format == Format::Text {
                    if is_new {
                        let _ = writeln!(out, "{session}:");
                    }
                    let _ = writeln!(out, "\t{path}");
                } else if is_new {
                    let close = if std::mem::take(&mut self.first) { "" } else { "]," };
                    let _ = write!(out, "{close}\"{}\":[{}", session.0, quoted(path));
                } else {
                    let _ = write!(out, ",{}", quoted(path));
                }
                if !room.take(out) {
                    return Some((session, path.to_owned()));
                }
            }
        }
        None
    }

    fn end(&self, out: &mut String) {
        if let Format::Json(command) = self.format {
            let close = if self.first { "" } else { "]" };
            let _ = write!(out, "{close}}}{}", json_end(command));
        }
    }
}

/// A moment of the clock that never goes back, on the other one.
pub(super) fn wall_ms(now: Now, at: Instant) -> i64 {
    let ahead = at.saturating_duration_since(now.instant).as_millis();
    now.wall_ms.saturating_add(i64::try_from(ahead).unwrap_or(i64::MAX))
}
