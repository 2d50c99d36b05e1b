//! Answers that grow with the number of clients, sessions or watches.
//!
//! They come in pieces, so that nobody else waits for long and no more than two pieces are in
//! memory. Between two pieces the server goes on: a report is exact about whatever stays as it is
//! meanwhile, and what comes or goes may be in it or not.

mod connection_sets;
mod connections;
mod dump;
mod watches;

use crate::server::{Now, Server};

use connections::ConnectionsReport;
use dump::DumpReport;
use watches::{WatchGroups, WatchSummary, WatchesReport};

/// Bytes of a piece, about. The watchers of one path, or the sessions of one tick, can be more.
const PIECE_LEN: usize = 32 << 10;

/// Things that are looked at for a piece, shown or not.
const PIECE_STEPS: usize = 2000;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As the answer to a four-letter word.
    Text,
    /// As the answer of AdminServer, with the name of the command.
    Json(&'static str),
}

/// A report on its way.
#[derive(Debug)]
pub(crate) enum Report {
    Connections(ConnectionsReport),
    Watches(WatchesReport),
    WatchSummary(WatchSummary),
    Dump(DumpReport),
}

impl Report {
    /// `stat`, between what comes before the connections and what comes behind.
    pub(crate) fn stat(head: String, tail: String) -> Self {
        Self::Connections(ConnectionsReport::new(Format::Text, true, head, tail))
    }

    /// `stats`, behind an object that is still open.
    pub(crate) fn stat_json(command: &'static str, head: String) -> Self {
        let tail = json_end(command);
        Self::Connections(ConnectionsReport::new(Format::Json(command), true, head, tail))
    }

    /// `cons`.
    pub(crate) fn connections(format: Format) -> Self {
        let (head, tail) = match format {
            Format::Text => (String::new(), "\n".to_owned()),
            Format::Json(command) => ("{".to_owned(), json_end(command)),
        };
        Self::Connections(ConnectionsReport::new(format, false, head, tail))
    }

    /// `wchc`.
    pub(crate) fn watches_by_session(format: Format) -> Self {
        Self::Watches(WatchesReport::new(format, WatchGroups::Sessions))
    }

    /// `wchp`.
    pub(crate) fn watches_by_path(format: Format) -> Self {
        Self::Watches(WatchesReport::new(format, WatchGroups::Paths))
    }

    /// `wchs`.
    pub(crate) fn watch_summary(format: Format) -> Self {
        Self::WatchSummary(WatchSummary::new(format))
    }

    /// `dump`.
    pub(crate) fn dump(format: Format) -> Self {
        Self::Dump(DumpReport::new(format))
    }

    /// Appends the next piece, which may be empty. False if it was the last.
    pub(crate) fn piece(&mut self, server: &Server, now: Now, out: &mut String) -> bool {
        match self {
            Self::Connections(report) => report.piece(server, out),
            Self::Watches(report) => report.piece(server, out),
            Self::WatchSummary(report) => report.piece(server, out),
            Self::Dump(report) => report.piece(server, now, out),
        }
    }
}

/// How much of a piece is left.
struct Room {
    len: usize,
    steps: usize,
}

impl Room {
    fn new(out: &str) -> Self {
        Self { len: out.len() + PIECE_LEN, steps: PIECE_STEPS }
    }

    /// Whether there is room for one more thing.
    fn take(&mut self, out: &str) -> bool {
        let has_room = self.steps > 0 && out.len() < self.len;
        self.steps = self.steps.saturating_sub(1);
        has_room
    }
}

/// What every JSON answer ends with.
fn json_end(command: &str) -> String {
    format!(",\"command\":{},\"error\":null}}", quoted(command))
}

/// Text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
