//! The server, the connections to it, and what the network does to them.
//!
//! Everything that happens outside of processes is an event at a virtual time, in whole
//! milliseconds: bytes that arrive, ends that are noticed, the server's own deadlines.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use tokio::time::Instant;
use zk_client::SessionId;
use zk_server::ConnectionId;
use zk_server::server::Now;
use zk_server::testing::{SimServer, TestServer};

use super::executor::ProcessId;
use super::trace::Trace;
use super::weather::Weather;

/// The wall clock of the server at the beginning, in ms.
const WALL_START_MS: i64 = 1_600_000_000_000;

pub(crate) type LinkId = u64;

pub(crate) struct Network {
    pub(crate) server: SimServer,
    pub(crate) trace: Trace,
    pub(crate) weather: Weather,
    pub(crate) rng: Rng,
    /// Sessions that an operator ended, of which their clients hear later.
    pub(crate) killed: BTreeSet<SessionId>,
    /// Whether a session was left unheard for too long.
    pub(crate) some_expired: bool,
    /// Processes that are to go on.
    pub(crate) awake: Vec<usize>,
    origin: Instant,
    links: BTreeMap<LinkId, Link>,
    next_link: LinkId,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
}

/// One connection.
struct Link {
    process: ProcessId,
    /// What the server calls it, until the server has heard that it is gone.
    conn: Option<ConnectionId>,
    /// Whether anything still gets through.
    alive: bool,
    inbound: BytesMut,
    /// How the client has learned that the connection is gone, once it has.
    end: Option<io::ErrorKind>,
    reader: Option<Waker>,
    /// Bytes do not overtake each other.
    to_server_at: u64,
    to_client_at: u64,
}

enum Event {
    ToServer(LinkId, Bytes),
    ToClient(LinkId, Bytes),
    /// The server learns that the connection is gone.
    ServerTold(LinkId),
    /// The client does.
    ClientTold(LinkId, io::ErrorKind),
    Answer(Weak<Mutex<Attempt>>),
    /// A process that was held still goes on.
    GoesOn(usize),
}

/// A connection in the making.
pub(crate) struct Attempt {
    pub(crate) process: ProcessId,
    pub(crate) outcome: Option<io::Result<LinkId>>,
    pub(crate) waker: Option<Waker>,
}

impl Network {
    pub(crate) fn new(weather: Weather, rng: Rng, trace: Trace) -> Self {
        let origin = Instant::now();
        let now = Now { instant: origin.into_std(), wall_ms: WALL_START_MS };
        let settings = TestServer::builder()
            .container_check_interval(std::time::Duration::from_secs(5))
            .extended_types(true);
        Self {
            server: SimServer::new(settings, now),
            trace,
            weather,
            rng,
            killed: BTreeSet::new(),
            some_expired: false,
            awake: Vec::new(),
            origin,
            links: BTreeMap::new(),
            next_link: 1,
            events: BTreeMap::new(),
            next_event: 0,
        }
    }

    /// Milliseconds since the beginning.
    pub(crate) fn now_ms(&self) -> u64 {
        let since = Instant::now().saturating_duration_since(self.origin);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn instant_of(&self, ms: u64) -> Instant {
        self.origin + std::time::Duration::from_millis(ms)
    }

    fn now(&self) -> Now {
        let ms = self.now_ms();
        let wall_ms = WALL_START_MS + i64::try_from(ms).unwrap_or(i64::MAX);
        Now { instant: self.instant_of(ms).into_std(), wall_ms }
    }

    /// When something happens next. The server always has a deadline.
    pub(crate) fn next_ms(&self) -> u64 {
        let event = self.events.keys().next().map(|(at, _)| *at);
        event.into_iter().chain(self.server_deadline_ms()).min().unwrap_or(u64::MAX)
    }

    fn server_deadline_ms(&self) -> Option<u64> {
        let since = self.server.next_deadline()?.saturating_duration_since(self.origin.into_std());
        u64::try_from(since.as_nanos().div_ceil(1_000_000)).ok()
    }

    /// Lets the next thing happen that is due; false if nothing is.
    pub(crate) fn step(&mut self) -> bool {
        let now_ms = self.now_ms();
        if self.server_deadline_ms().is_some_and(|at| at <= now_ms) {
            let now = self.now();
            let sessions = self.server.session_ids().len();
            self.server.tick(now);
            self.some_expired |= self.server.session_ids().len() < sessions;
            self.collect();
            return true;
        }
        let Some(entry) = self.events.first_entry() else { return false };
        if entry.key().0 > now_ms {
            return false;
        }
        match entry.remove() {
            Event::ToServer(link, bytes) => self.arrive_at_server(link, &bytes),
            Event::ToClient(link, bytes) => self.arrive_at_client(link, &bytes),
            Event::ServerTold(link) => self.tell_server(link),
            Event::ClientTold(link, how) => self.tell_client(link, how),
            Event::Answer(attempt) => self.answer(&attempt),
            Event::GoesOn(process) => self.awake.push(process),
        }
        true
    }

    fn at(&mut self, ms: u64, event: Event) {
        self.events.insert((ms, self.next_event), event);
        self.next_event += 1;
    }

    /// Has a process that is held still go on at that time.
    pub(crate) fn wake_process(&mut self, process: usize, at_ms: u64) {
        self.at(at_ms, Event::GoesOn(process));
    }

    /// Begins a connection.
    pub(crate) fn connect(&mut self, process: ProcessId) -> Arc<Mutex<Attempt>> {
        let attempt = Attempt { process, outcome: None, waker: None };
        let attempt = Arc::new(Mutex::new(attempt));
        let at = self.now_ms() + 2 * self.weather.latency_ms(&mut self.rng);
        self.at(at, Event::Answer(Arc::downgrade(&attempt)));
        attempt
    }

    fn answer(&mut self, attempt: &Weak<Mutex<Attempt>>) {
        let Some(cell) = attempt.upgrade() else { return };
        let (process, now_ms) = (cell.lock().unwrap().process, self.now_ms());
        if let Some(until) = self.weather.cut_off_until(process.number, now_ms) {
            // Nobody answers, or a router says so.
            if self.rng.bool() {
                self.at(until, Event::Answer(Weak::clone(attempt)));
                return;
            }
            return settle(&cell, Err(io::ErrorKind::HostUnreachable.into()));
        }
        if self.rng.f64() < self.weather.refusals {
            return settle(&cell, Err(io::ErrorKind::ConnectionRefused.into()));
        }
        let id = self.next_link;
        self.next_link += 1;
        let conn = self.server.accept(self.now());
        self.trace.note(now_ms, format_args!("process {} has connection {id}", process.number));
        let link = Link {
            process,
            conn: Some(conn),
            alive: true,
            inbound: BytesMut::new(),
            end: None,
            reader: None,
            to_server_at: now_ms,
            to_client_at: now_ms,
        };
        self.links.insert(id, link);
        settle(&cell, Ok(id));
    }

    /// What a client wrote goes on its way.
    pub(crate) fn send(&mut self, id: LinkId, bytes: &[u8]) -> io::Result<usize> {
        let now_ms = self.now_ms();
        let Some(link) = self.links.get_mut(&id) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if let Some(kind) = link.end {
            return Err(kind.into());
        }
        let at = now_ms + self.weather.latency_ms(&mut self.rng);
        let at = at.max(link.to_server_at).max(self.weather.stalled_until(link.process.number));
        link.to_server_at = at;
        self.at(at, Event::ToServer(id, Bytes::copy_from_slice(bytes)));
        Ok(bytes.len())
    }

    /// What a client can read now: bytes, the end, or nothing yet.
    pub(crate) fn receive(
        &mut self,
        id: LinkId,
        waker: &Waker,
        room: usize,
    ) -> Option<io::Result<BytesMut>> {
        let link = self.links.get_mut(&id)?;
        if !link.inbound.is_empty() {
            let len = room.min(link.inbound.len());
            return Some(Ok(link.inbound.split_to(len)));
        }
        match link.end {
            Some(io::ErrorKind::UnexpectedEof) => Some(Ok(BytesMut::new())),
            Some(kind) => Some(Err(kind.into())),
            None => {
                link.reader = Some(waker.clone());
                None
            }
        }
    }

    /// The client has let go of the connection.
    pub(crate) fn close(&mut self, id: LinkId) {
        let at = self.now_ms() + self.weather.latency_ms(&mut self.rng);
        if let Some(link) = self.links.get(&id)
            && link.alive
        {
            let at = at.max(link.to_server_at);
            self.at(at, Event::ServerTold(id));
        }
    }

    fn arrive_at_server(&mut self, id: LinkId, bytes: &Bytes) {
        let Some(link) = self.links.get(&id).filter(|link| link.alive) else { return };
        let (number, now_ms) = (link.process.number, self.now_ms());
        let Some(conn) = link.conn else { return };
        let fate = self.weather.fate(&mut self.rng);
        let lost = match fate {
            Fate::Lost => bytes.len(),
            Fate::Torn => self.rng.usize(..bytes.len()),
            Fate::Arrives | Fate::AnswerLost => 0,
        };
        let arrived = &bytes[..bytes.len() - lost];
        self.trace.moved(
            now_ms,
            format_args!("process {number} to server, {fate:?}"),
            arrived,
            true,
        );
        let now = self.now();
        self.server.receive(now, conn, arrived);
        if fate != Fate::Arrives {
            // What the server answers finds the connection cut.
            self.cut(id);
        }
        self.collect();
    }

    fn arrive_at_client(&mut self, id: LinkId, bytes: &Bytes) {
        let now_ms = self.now_ms();
        let Some(link) = self.links.get_mut(&id).filter(|link| link.alive) else { return };
        let number = link.process.number;
        link.inbound.extend_from_slice(bytes);
        let reader = link.reader.take();
        self.trace.moved(now_ms, format_args!("server to process {number}"), bytes, false);
        reader.into_iter().for_each(Waker::wake);
    }

    fn tell_server(&mut self, id: LinkId) {
        let now = self.now();
        let Some(conn) = self.links.get_mut(&id).and_then(|link| link.conn.take()) else { return };
        self.server.disconnect(now, conn);
        self.forget(id);
        self.collect();
    }

    fn tell_client(&mut self, id: LinkId, how: io::ErrorKind) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.alive = false;
        link.end.get_or_insert(how);
        link.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Nothing gets through any more. Either side learns of it soon, late, or not at all.
    pub(crate) fn cut(&mut self, id: LinkId) {
        let now_ms = self.now_ms();
        let Some(link) = self.links.get_mut(&id).filter(|link| link.alive) else { return };
        link.alive = false;
        let number = link.process.number;
        self.trace.note(now_ms, format_args!("connection {id} of process {number} is cut"));
        if self.rng.u8(..10) < 7 {
            let at = now_ms + self.rng.u64(..20);
            self.at(at, Event::ClientTold(id, io::ErrorKind::ConnectionReset));
        }
        match self.rng.u8(..10) {
            0..5 => {
                let at = now_ms + self.rng.u64(..20);
                self.at(at, Event::ServerTold(id));
            }
            5..8 => {
                let at = now_ms + self.rng.u64(100..6000);
                self.at(at, Event::ServerTold(id));
            }
            _ => {}
        }
    }

    pub(crate) fn cut_all_of(&mut self, process: usize) {
        let of_it = self.links.iter().filter(|(_, link)| link.process.number == process);
        let ids: Vec<LinkId> = of_it.map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.cut(id));
    }

    /// The server stops and starts again: every connection is gone.
    pub(crate) fn restart_server(&mut self) {
        let (now, now_ms) = (self.now(), self.now_ms());
        self.server.restart(now);
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.links.get_mut(&id).expect("it was listed").conn = None;
            self.at(now_ms + 1, Event::ClientTold(id, io::ErrorKind::ConnectionReset));
        }
    }

    /// An operator ends one of the sessions.
    pub(crate) fn kill_some_session(&mut self) {
        let sessions = self.server.session_ids();
        if let Some(session) = self.rng.choice(sessions) {
            self.killed.insert(session);
            let (now, now_ms) = (self.now(), self.now_ms());
            self.trace.note(now_ms, format_args!("an operator ends session {session}"));
            self.server.expire_session(now, session);
            self.collect();
        }
    }

    /// Sends what the server has to say, and closes what it wants closed.
    fn collect(&mut self) {
        let (now, now_ms) = (self.now(), self.now_ms());
        let open: Vec<(LinkId, ConnectionId)> =
            self.links.iter().filter_map(|(id, link)| Some((*id, link.conn?))).collect();
        for (id, conn) in open {
            let output = self.server.take_output(conn);
            let closing = self.server.is_closing(conn);
            if output.is_empty() && !closing {
                continue;
            }
            let Some(link) = self.links.get_mut(&id) else { continue };
            let at = now_ms + self.weather.latency_ms(&mut self.rng);
            let at = at.max(link.to_client_at).max(self.weather.stalled_until(link.process.number));
            link.to_client_at = at;
            if closing {
                link.conn = None;
                self.server.disconnect(now, conn);
            }
            if !self.links[&id].alive {
                continue;
            }
            if !output.is_empty() {
                self.at(at, Event::ToClient(id, output.freeze()));
            }
            if closing {
                self.at(at, Event::ClientTold(id, io::ErrorKind::UnexpectedEof));
            }
        }
    }

    /// Drops a link that neither side knows any more. What its client still holds says it is gone.
    fn forget(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.alive = false;
        }
    }
}

fn settle(cell: &Mutex<Attempt>, outcome: io::Result<LinkId>) {
    let mut attempt = cell.lock().unwrap();
    attempt.outcome = Some(outcome);
    let waker = attempt.waker.take();
    drop(attempt);
    waker.into_iter().for_each(Waker::wake);
}

/// What becomes of bytes on their way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    /// The connection is cut before they arrive.
    Lost,
    /// It is cut in the midst of them.
    Torn,
    /// They arrive, and it is cut before the answer.
    AnswerLost,
}
