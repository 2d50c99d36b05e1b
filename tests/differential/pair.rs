//! Two servers that are asked the same.

mod opening;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use bytes::BytesMut;
use zk_proto::{ErrorCode, OpCode, SessionId, xid};

use crate::differences::{Case, DIFFERENCES, Difference};
use crate::generator::{WatchClass, WatchClasses};
use crate::normal::{Normal, Observed, Part};
use crate::request::{Body, Request};
use crate::version::Version;
use crate::wire::Wire;

/// No error code.
pub(crate) const EVENT: i32 = i32::MAX;

const NAMES: [&str; 2] = ["Apache", "ours"];

/// Why the run ends.
#[derive(Debug)]
pub(crate) struct Mismatch(pub(crate) String);

/// Both servers, and the sessions that each has.
#[derive(Debug)]
pub(crate) struct Pair {
    addresses: [SocketAddr; 2],
    normal: [Normal; 2],
    /// Of Apache's server.
    pub(crate) version: Version,
    pub(crate) sessions: Vec<Session>,
    /// Requests that were compared.
    pub(crate) compared: usize,
    /// How often each error code came, and under [`EVENT`] the events: what the run has reached.
    pub(crate) outcomes: BTreeMap<i32, usize>,
    /// How often each known difference showed.
    pub(crate) accepted: BTreeMap<&'static str, usize>,
}

/// A session on each server.
#[derive(Debug)]
pub(crate) struct Session {
    ids: [SessionId; 2],
    pub(crate) connection: Option<Connection>,
    pub(crate) is_over: bool,
}

#[derive(Debug)]
pub(crate) struct Connection {
    wires: [Wire; 2],
    pub(crate) classes: WatchClasses,
    last_xid: i32,
}

/// What each of a connection's two halves showed.
type Both = [Vec<Observed>; 2];

/// What a comparison has to know of a step.
#[derive(Clone, Copy, Debug)]
struct Step<'a> {
    acting: Option<usize>,
    requests: &'a [Request],
    impersonated: Option<usize>,
    /// The last transaction before it.
    start: i64,
}

impl Pair {
    pub(crate) fn new(addresses: [SocketAddr; 2], version: Version) -> Self {
        Self {
            addresses,
            version,
            normal: [Normal::new(), Normal::new()],
            sessions: Vec::new(),
            compared: 0,
            outcomes: BTreeMap::new(),
            accepted: BTreeMap::new(),
        }
    }

    /// The last zxid.
    pub(crate) fn last_zxid(&self) -> i64 {
        self.normal[0].last_zxid
    }

    /// Sends requests in one piece and compares all that follows. Returns Apache's replies.
    pub(crate) fn batch(
        &mut self,
        session: usize,
        requests: &[Request],
    ) -> Result<Vec<Observed>, Mismatch> {
        let Some(connection) = &mut self.sessions[session].connection else {
            return Ok(Vec::new());
        };
        self.compared += requests.len();
        let start = self.normal[0].last_zxid;
        let mut ops = HashMap::new();
        let mut frames = [BytesMut::new(), BytesMut::new()];
        for request in requests {
            let xid = connection.next_xid(request);
            ops.insert(xid, request.op);
            for (normal, out) in self.normal.iter().zip(&mut frames) {
                request.encode(xid, normal, out);
            }
        }
        for (wire, frame) in connection.wires.iter_mut().zip(&frames) {
            wire.send(frame);
        }
        let mut seen = [Vec::new(), Vec::new()];
        for ((wire, normal), seen) in
            connection.wires.iter_mut().zip(&mut self.normal).zip(&mut seen)
        {
            read(wire, normal, seen, &ops, requests.len());
            if seen.last().is_some_and(|last| is_farewell(last, requests)) {
                // A ping could still be answered on the way to the end.
                read(wire, normal, seen, &ops, usize::MAX);
            }
        }
        if requests.iter().any(|request| request.is(OpCode::CloseSession)) {
            self.sessions[session].is_over = true;
        }
        let replies = seen[0].clone();
        let step = Step { acting: Some(session), requests, impersonated: None, start };
        self.settle(step, Some(seen))?;
        Ok(replies)
    }

    /// Sends bytes that no client would; both servers must close.
    pub(crate) fn garbage(&mut self, session: usize, bytes: &[u8]) -> Result<(), Mismatch> {
        if let Some(connection) = &mut self.sessions[session].connection {
            for wire in &mut connection.wires {
                wire.send(bytes);
            }
        }
        self.settle(Step { start: self.last_zxid(), ..Step::QUIET }, None)
    }

    /// Cuts a connection; its session lives on.
    pub(crate) fn disconnect(&mut self, session: usize) {
        self.sessions[session].hang_up();
    }

    /// Learns under which addresses the servers see this program.
    pub(crate) fn learn_peer(&mut self, session: usize) -> Result<(), Mismatch> {
        let who = Request::new(OpCode::WhoAmI, Body::Empty);
        let Some(connection) = &mut self.sessions[session].connection else { return Ok(()) };
        for (wire, normal) in connection.wires.iter_mut().zip(&mut self.normal) {
            let mut frame = BytesMut::new();
            who.encode(1, normal, &mut frame);
            wire.send(&frame);
            let mut seen = Vec::new();
            read(wire, normal, &mut seen, &HashMap::from([(1, who.op)]), 1);
            if let Some(Observed::Reply { body, .. }) = seen.first()
                && let Some(Part::Identities(ids)) = body.first()
                && let Some(peer) = ids.iter().find_map(|id| id.strip_prefix("ip:"))
            {
                normal.peer = peer.to_owned();
            } else {
                return Err(Mismatch(format!("whoAmI does not say the address: {seen:?}")));
            }
        }
        Ok(())
    }

    /// Pings every connection, so that all it has coming is there, and compares what came.
    fn settle(&mut self, step: Step<'_>, mut seen: Option<Both>) -> Result<(), Mismatch> {
        for connection in self.sessions.iter_mut().filter_map(|it| it.connection.as_mut()) {
            connection.wires.iter_mut().for_each(Wire::ping);
        }
        let ops = HashMap::from([(xid::PING, OpCode::Ping.code())]);
        let mut all = Vec::new();
        for (number, session) in self.sessions.iter_mut().enumerate() {
            let Some(connection) = &mut session.connection else { continue };
            let earlier = if step.acting == Some(number) { seen.take() } else { None };
            let mut both = earlier.unwrap_or_default();
            let halves = connection.wires.iter_mut().zip(&mut self.normal).zip(&mut both);
            for ((wire, normal), seen) in halves {
                if seen.last() != Some(&Observed::Closed) {
                    read(wire, normal, seen, &ops, 1);
                }
            }
            if both.iter().any(|seen| seen.last() == Some(&Observed::Closed)) {
                // One server may not have closed: that is found out below.
                session.hang_up();
            }
            all.push((number, both));
        }
        for (number, [apache, ours]) in all {
            self.compare(number, step, apache, ours)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        session: usize,
        step: Step<'_>,
        mut apache: Vec<Observed>,
        mut ours: Vec<Observed>,
    ) -> Result<(), Mismatch> {
        if step.requests.iter().any(|request| request.is(OpCode::CloseSession)) {
            // A session's nodes go in no order.
            sort_events(&mut apache);
            sort_events(&mut ours);
        }
        for observed in &apache {
            let outcome = match observed {
                Observed::Reply { xid: xid::PING, .. } | Observed::Closed => continue,
                Observed::Reply { err, .. } => *err,
                Observed::Event { .. } => EVENT,
            };
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        let mut requests = step.requests.iter().filter(|_| step.acting == Some(session)).peekable();
        let is_watched_by_others = |path: &str| self.is_watched_by_others(session, path);
        let mut before = None;
        let mut accepted = Vec::new();
        for pair in apache.iter().zip(&ours) {
            let is_reply = matches!(pair.0, Observed::Reply { .. });
            let request = if is_reply { requests.next() } else { None };
            let case = Case {
                apache: pair.0,
                ours: pair.1,
                before,
                request,
                zxids: (step.start + 1, self.last_zxid()),
                is_watched_by_others: &is_watched_by_others,
                was_impersonated: step.impersonated == Some(session),
            };
            before = Some(pair);
            if pair.0 == pair.1 {
                continue;
            }
            let is_known = |known: &&Difference| (known.is_in)(self.version) && (known.is)(&case);
            let Some(known) = DIFFERENCES.iter().find(is_known) else {
                return Err(Mismatch(explain(session, request, pair, &apache, &ours)));
            };
            accepted.push(known.name);
        }
        for name in accepted {
            *self.accepted.entry(name).or_default() += 1;
        }
        if apache.len() == ours.len() {
            return Ok(());
        }
        Err(Mismatch(format!("session {session}\nApache: {apache:#?}\nours: {ours:#?}")))
    }
}

impl Pair {
    fn is_watched_by_others(&self, session: usize, path: &str) -> bool {
        let is_above = |above: &str| path.starts_with(above.trim_end_matches('/'));
        self.sessions.iter().enumerate().any(|(number, other)| {
            let classes = other.connection.as_ref().map(|connection| &connection.classes);
            classes.into_iter().flatten().any(|(watched, class)| match class {
                WatchClass::Recursive if number == session => is_above(watched),
                _ => number != session && watched == path,
            })
        })
    }
}

impl Step<'_> {
    const QUIET: Self = Self { acting: None, requests: &[], impersonated: None, start: 0 };
}

impl Session {
    fn hang_up(&mut self) {
        let connection = self.connection.take();
        connection.into_iter().flat_map(|connection| connection.wires).for_each(Wire::hang_up);
    }
}

impl Connection {
    fn next_xid(&mut self, request: &Request) -> i32 {
        match OpCode::try_from(request.op) {
            Ok(OpCode::Ping) => xid::PING,
            Ok(OpCode::Auth) => xid::AUTH,
            // The C client's way and the Java client's.
            Ok(OpCode::SetWatches) => xid::SET_WATCHES,
            _ => {
                self.last_xid += 1;
                self.last_xid
            }
        }
    }
}

/// Reads so many replies and the events before them, or to the end.
fn read(
    wire: &mut Wire,
    normal: &mut Normal,
    seen: &mut Vec<Observed>,
    ops: &HashMap<i32, i32>,
    replies: usize,
) {
    let mut missing = replies;
    while missing > 0 {
        let Some(frame) = wire.next() else {
            seen.push(Observed::Closed);
            return;
        };
        let observed = normal.observe(&frame, |xid| ops.get(&xid).copied().unwrap_or(i32::MAX));
        missing -= usize::from(matches!(observed, Observed::Reply { .. }));
        seen.push(observed);
    }
}

/// Whether the server closes the connection after this reply.
fn is_farewell(last: &Observed, requests: &[Request]) -> bool {
    let Observed::Reply { xid, zxid, err, .. } = last else { return false };
    let is_unknown_op = (*err, *zxid) == (ErrorCode::Unimplemented.code(), -1);
    let is_auth_failure = (*err, *xid) == (ErrorCode::AuthFailed.code(), xid::AUTH);
    let is_close = requests.last().is_some_and(|request| request.is(OpCode::CloseSession));
    is_unknown_op || is_auth_failure || is_close
}

/// Sorts each run of events.
fn sort_events(seen: &mut [Observed]) {
    let is_event = |observed: &Observed| matches!(observed, Observed::Event { .. });
    for run in seen.chunk_by_mut(|a, b| is_event(a) && is_event(b)) {
        run.sort_by_key(|observed| match observed {
            Observed::Event { path, kind, .. } => (path.clone(), *kind),
            _ => (String::new(), 0),
        });
    }
}

fn explain(
    session: usize,
    request: Option<&Request>,
    (apache, ours): (&Observed, &Observed),
    all_apache: &[Observed],
    all_ours: &[Observed],
) -> String {
    format!(
        "session {session}, request {request:?}\nApache: {apache:?}\nours:   {ours:?}\n\
         the whole step:\nApache: {all_apache:?}\nours:   {all_ours:?}"
    )
}
