//! The end of `dump`: connections by when they are closed if nothing more is heard of them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use zk_proto::SessionId;

use super::Room;
use super::dump::wall_ms;
use crate::ConnectionId;
use crate::ops::ConnectionView;
use crate::ops::date::java_date;
use crate::server::{Now, Server};

/// Moments at which connections are closed stand for whatever falls into so many ms before them.
const SET_MS: i64 = 10_000;

/// Looks at all connections first, since they come by age, and shows them then.
#[derive(Debug, Default)]
pub(super) struct ConnectionSets {
    after: Option<ConnectionId>,
    /// What was found: as much as there are connections, and a few words for each.
    found: Vec<Found>,
    /// How many of them are shown; `None` while there are more to find.
    shown: Option<usize>,
}

/// A connection, by when it is closed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    ends_ms: i64,
    session: Option<SessionId>,
    peer: SocketAddr,
}

impl ConnectionSets {
    /// Appends the next piece, which may be empty. False if it was the last.
    pub(super) fn piece(&mut self, server: &Server, now: Now, out: &mut String) -> bool {
        match self.shown {
            None => {
                if !self.find(server, now, out) {
                    self.found.sort_unstable();
                    let sets = self.found.chunk_by(|one, next| one.ends_ms == next.ends_ms).count();
                    let _ = writeln!(out, "Connections Sets ({sets})/({}):", self.found.len());
                    self.shown = Some(0);
                }
                true
            }
            Some(shown) => {
                let shown = shown + self.show(shown, out);
                self.shown = Some(shown);
                shown < self.found.len()
            }
        }
    }

    /// Looks at some more connections; false if there are none.
    fn find(&mut self, server: &Server, now: Now, out: &str) -> bool {
        let mut room = Room::new(out);
        for (conn, view) in server.connection_views(self.after) {
            if !room.take(out) {
                return true;
            }
            self.after = Some(conn);
            let ends_ms = rounded(ends_ms(server, now, &view));
            self.found.push(Found { ends_ms, session: view.session, peer: view.peer });
        }
        false
    }

    /// Shows those behind so many, as far as there is room; how many that were.
    fn show(&self, behind: usize, out: &mut String) -> usize {
        let mut room = Room::new(out);
        let mut last = behind.checked_sub(1).and_then(|last| self.found.get(last));
        let left = self.found.get(behind..).unwrap_or_default();
        for (i, found) in left.iter().enumerate() {
            if !room.take(out) {
                return i;
            }
            if last.is_none_or(|last| last.ends_ms != found.ends_ms) {
                let end = left.partition_point(|other| other.ends_ms <= found.ends_ms);
                let _ = writeln!(out, "{} expire at {}:", end - i, java_date(found.ends_ms));
            }
            last = Some(found);
            let session = found.session.unwrap_or(SessionId(0));
            let _ = writeln!(out, "\tip: /{} sessionId: {session}", found.peer);
        }
        left.len()
    }
}

fn ends_ms(server: &Server, now: Now, view: &ConnectionView<'_>) -> i64 {
    let session = view.session.and_then(|session| server.sessions().ends(session));
    let sessionless = view.established_ms.saturating_add(i64::from(view.timeout_ms));
    session.map_or(sessionless, |ends| wall_ms(now, ends))
}

/// The next moment at which Apache looks.
fn rounded(ms: i64) -> i64 {
    ms.div_euclid(SET_MS).saturating_add(1).saturating_mul(SET_MS)
}
