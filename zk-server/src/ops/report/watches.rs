//! `wchs`, `wchc` and `wchp`: the watches on nodes, as in Apache without those on children.

use std::fmt::Write as _;

use super::{Format, Room, json_end, quoted};
use crate::ConnectionId;
use crate::server::Server;
use crate::watch::WatchPlace;

/// What the watches are listed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchGroups {
    Sessions,
    Paths,
}

/// Every watch.
#[derive(Debug)]
pub(crate) struct WatchesReport {
    format: Format,
    groups: WatchGroups,
    begun: bool,
    after: Option<WatchPlace>,
    /// The connection whose list is open.
    open: Option<ConnectionId>,
    /// Whether the next group is the first.
    first: bool,
}

impl WatchesReport {
    pub(super) fn new(format: Format, groups: WatchGroups) -> Self {
        Self { format, groups, begun: false, after: None, open: None, first: true }
    }

    pub(super) fn piece(&mut self, server: &Server, out: &mut String) -> bool {
        if !std::mem::replace(&mut self.begun, true) && self.format != Format::Text {
            out.push_str(match self.groups {
                WatchGroups::Sessions => "{\"session_id_to_watched_paths\":{",
                WatchGroups::Paths => "{\"path_to_session_ids\":{",
            });
        }
        let mut room = Room::new(out);
        let mut last = None;
        let mut more = false;
        let after = self.after.take();
        for (conn, path) in server.watches().places(after.as_ref()) {
            if !room.take(out) {
                more = true;
                break;
            }
            last = Some((conn, path));
            match self.groups {
                WatchGroups::Sessions => self.under_session(server, conn, path, out),
                WatchGroups::Paths => self.under_path(server, conn, path, out),
            }
        }
        self.after = last.map(|(conn, path)| WatchPlace::new(conn, path)).or(after);
        if !more {
            self.end(out);
        }
        more
    }

    fn under_session(&mut self, server: &Server, conn: ConnectionId, path: &str, out: &mut String) {
        let Some(session) = server.session_of(conn) else { return };
        if !server.watches().watches_node(conn, path) {
            return;
        }
        let is_new = self.open.replace(conn) != Some(conn);
        if self.format == Format::Text {
            if is_new {
                let _ = writeln!(out, "{session}");
            }
            let _ = writeln!(out, "\t{path}");
            return;
        }
        if is_new {
            let close = if std::mem::take(&mut self.first) { "" } else { "]," };
            let _ = write!(out, "{close}\"{}\":[{}", session.0, quoted(path));
        } else {
            let _ = write!(out, ",{}", quoted(path));
        }
    }

    /// A path comes with the first of those who watch it.
    fn under_path(&mut self, server: &Server, conn: ConnectionId, path: &str, out: &mut String) {
        let mut watching = server.watches().watching_node(path).peekable();
        if watching.peek() != Some(&conn) {
            return;
        }
        let sessions = watching.filter_map(|conn| server.session_of(conn));
        if self.format == Format::Text {
            let _ = writeln!(out, "{path}");
            for session in sessions {
                let _ = writeln!(out, "\t{session}");
            }
            return;
        }
        let comma = if std::mem::take(&mut self.first) { "" } else { "," };
        let _ = write!(out, "{comma}{}:[", quoted(path));
        for (i, session) in sessions.enumerate() {
            let _ = write!(out, "{}{}", if i == 0 { "" } else { "," }, session.0);
        }
        out.push(']');
    }

    fn end(&self, out: &mut String) {
        match self.format {
            Format::Text => out.push('\n'),
            Format::Json(command) => {
                if self.open.is_some() {
                    out.push(']');
                }
                out.push('}');
                out.push_str(&json_end(command));
            }
        }
    }
}

/// How many watches there are, and how many connections and paths they belong to.
#[derive(Debug)]
pub(crate) struct WatchSummary {
    format: Format,
    after: Option<WatchPlace>,
    last: Option<ConnectionId>,
    connections: usize,
    paths: usize,
    total: usize,
}

impl WatchSummary {
    pub(super) fn new(format: Format) -> Self {
        Self { format, after: None, last: None, connections: 0, paths: 0, total: 0 }
    }

    pub(super) fn piece(&mut self, server: &Server, out: &mut String) -> bool {
        let mut room = Room::new(out);
        let watches = server.watches();
        let after = self.after.take();
        for (conn, path) in watches.places(after.as_ref()) {
            if !room.take(out) {
                self.after = Some(WatchPlace::new(conn, path));
                // The one at which it stops is counted with this piece.
                self.count(server, conn, path);
                return true;
            }
            self.count(server, conn, path);
        }
        let Self { connections, paths, total, .. } = self;
        match self.format {
            Format::Text => {
                let _ = writeln!(out, "{connections} connections watching {paths} paths");
                let _ = writeln!(out, "Total watches:{total}");
            }
            Format::Json(command) => {
                let _ = write!(
                    out,
                    "{{\"num_connections\":{connections},\"num_paths\":{paths},\
                     \"num_total_watches\":{total}{}",
                    json_end(command)
                );
            }
        }
        false
    }

    fn count(&mut self, server: &Server, conn: ConnectionId, path: &str) {
        let watches = server.watches();
        if !watches.watches_node(conn, path) {
            return;
        }
        self.total += 1;
        self.connections += usize::from(self.last.replace(conn) != Some(conn));
        self.paths += usize::from(watches.watching_node(path).next() == Some(conn));
    }
}
