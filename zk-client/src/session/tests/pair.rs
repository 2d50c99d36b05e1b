//! A session machine and a scripted ensemble back to back, on a clock that moves only when told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::{
    AddWatchRequest, ExistsRequest, GetChildren2Request, GetDataRequest, HostPort, OpCode,
    SetDataRequest,
};

use super::greeting::Host;
use super::server::Ensemble;
use crate::handover::SessionHandover;
use crate::session::{
    Class, Config, Failure, Loss, Notice, Outcome, Output, Request, SaslStep, Session,
    SessionState, Watch, WatchKind, WatcherId, encode_request,
};

/// The session timeout all tests ask for.
pub(super) const TIMEOUT: Duration = Duration::from_secs(12);
/// The first of the hosts' ports.
pub(super) const PORT: u16 = 2181;

/// What the machine told its driver.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Connect(u16),
    Disconnect(Loss),
    /// The number of a request and its outcome.
    Complete(u32, Outcome),
    /// The number of a watcher and what it was told.
    Watch(u64, Notice),
    State(SessionState, u64),
    /// The number of an exchange, and the server's last word.
    Sasl(u64, Option<Bytes>),
    Finished(Failure),
    /// A server was asked whether it takes writes.
    Probe(u16),
    Detached(SessionHandover),
}

/// The driver's SASL mechanism: it says nothing, then `password`, and wants to hear `proof`.
#[derive(Debug, Default)]
pub(super) struct Mechanism {
    pub(super) password: &'static str,
    /// Wants no proof: the server's assent is enough.
    pub(super) trusts: bool,
    /// Takes its time.
    pub(super) stalled: bool,
    /// What the machine wants to know.
    pub(super) asked: Option<(u64, Option<Bytes>)>,
}

impl Mechanism {
    fn step(&self, challenge: Option<&[u8]>) -> SaslStep {
        let password = Bytes::from_static(self.password.as_bytes());
        match challenge {
            None => SaslStep::Send(Bytes::new()),
            Some(b"challenge") if self.trusts => SaslStep::SendLast(password),
            Some(b"challenge") => SaslStep::Send(password),
            Some(b"proof") => SaslStep::Done,
            Some(other) => SaslStep::Refused(format!("{other:?} is no proof")),
        }
    }
}

/// What the driver is doing about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    None,
    Connecting(u16),
    Up,
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) session: Session<u32, u64>,
    pub(super) ensemble: Ensemble,
    pub(super) mechanism: Mechanism,
    pub(super) told: Vec<(Instant, Told)>,
    wire: Wire,
    /// The server that is asked whether it takes writes.
    probing: Option<u16>,
    /// Bytes the machine has transmitted and the network has not taken.
    outgoing: BytesMut,
    incoming: BytesMut,
    /// After so many more bytes in a direction the network fails.
    pub(super) cut_to_server_after: Option<usize>,
    pub(super) cut_to_client_after: Option<usize>,
    /// Whether the driver knows how much the network has taken.
    pub(super) counts_unwritten: bool,
    /// The network takes nothing in that direction, without saying so.
    pub(super) stalled_to_server: bool,
    pub(super) stalled_to_client: bool,
    /// How many bytes the client reads at a time.
    pub(super) read_len: usize,
    /// What came and went, ever.
    pub(super) bytes_to_server: usize,
    pub(super) bytes_to_client: usize,
    pub(super) next_request: u32,
    next_watcher: u64,
}

/// The settings all tests start from.
pub(super) fn config(hosts: u16) -> Config {
    let host = |port| HostPort { host: "zk".to_owned(), port: PORT + port };
    Config { session_timeout: TIMEOUT, ..Config::new((0..hosts).map(host).collect()) }
}

impl Pair {
    /// A machine that was just made, and an ensemble of so many hosts.
    pub(super) fn new(hosts: u16) -> Self {
        Self::with(config(hosts), 7)
    }

    #[allow(clippy::disallowed_methods, reason = "an origin for the fake clock")]
    pub(super) fn with(config: Config, seed: u64) -> Self {
        let ports: Vec<_> = config.hosts.iter().map(|host| host.port).collect();
        let now = Instant::now();
        Self {
            now,
            session: Session::new(config, seed, now),
            ensemble: Ensemble::new(&ports),
            mechanism: Mechanism { password: "right", ..Mechanism::default() },
            told: Vec::new(),
            wire: Wire::None,
            probing: None,
            outgoing: BytesMut::new(),
            incoming: BytesMut::new(),
            cut_to_server_after: None,
            cut_to_client_after: None,
            counts_unwritten: true,
            stalled_to_server: false,
            stalled_to_client: false,
            read_len: usize::MAX,
            bytes_to_server: 0,
            bytes_to_client: 0,
            next_request: 0,
            next_watcher: 0,
        }
    }

    /// A session with one host, established.
    pub(super) fn established() -> Self {
        let mut pair = Self::new(1);
        pair.settle();
        assert_eq!(pair.session.state(), SessionState::Connected);
        pair.told.clear();
        pair
    }

    /// Lets everything happen that needs no time to pass.
    pub(super) fn settle(&mut self) {
        loop {
            self.drain();
            let answered = self.dial() | self.authenticate() | self.probe();
            let moved = answered | self.move_to_server() | self.move_to_client();
            if !moved && self.outputs_done() {
                return;
            }
        }
    }

    fn outputs_done(&mut self) -> bool {
        let before = self.told.len();
        self.drain();
        before == self.told.len()
    }

    /// Moves the clock to the next deadline, or by `limit` if that comes first.
    pub(super) fn step(&mut self, limit: Duration) {
        let until = self.now + limit;
        self.now = self.session.next_deadline().map_or(until, |at| at.clamp(self.now, until));
        self.session.timeout(self.now);
        self.settle();
        let next = self.session.next_deadline();
        assert!(next.is_none_or(|at| at > self.now), "a timer that came due stays due");
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.settle();
        while self.now < until {
            self.step(until - self.now);
        }
    }

    /// Lets time pass until the machine has told something.
    pub(super) fn run_until(&mut self, what: impl Fn(&Self) -> bool) {
        self.settle();
        for _ in 0..10_000 {
            if what(self) {
                return;
            }
            self.step(Duration::from_secs(3600));
        }
        panic!("it never came: {:#?}", self.told);
    }

    /// Lets the clock jump while the process is not running.
    pub(super) fn pause(&mut self, duration: Duration) {
        self.now += duration;
    }

    /// The connection breaks.
    pub(super) fn cut(&mut self) {
        if self.wire != Wire::Up {
            return;
        }
        let unwritten = if self.counts_unwritten { self.outgoing.len() } else { 0 };
        self.hang_up();
        self.session.connection_lost(self.now, Loss::Network("cut".to_owned()), unwritten);
        self.drain();
    }

    fn hang_up(&mut self) {
        self.probing = None;
        self.wire = Wire::None;
        self.ensemble.disconnected();
        self.outgoing.clear();
        self.incoming.clear();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            let told = match output {
                Output::Connect { host, .. } => {
                    assert_eq!(self.wire, Wire::None, "one connection at a time");
                    self.wire = Wire::Connecting(host.port);
                    Told::Connect(host.port)
                }
                Output::Disconnect { why } => {
                    assert_ne!(self.wire, Wire::None, "there is something to drop");
                    self.hang_up();
                    Told::Disconnect(why)
                }
                Output::Complete { reply, outcome } => Told::Complete(reply, outcome),
                Output::Watch { sink, notice } => Told::Watch(sink, notice),
                Output::Sasl { exchange, challenge } => {
                    self.mechanism.asked = Some((exchange, challenge.clone()));
                    Told::Sasl(exchange, challenge)
                }
                Output::State { state, epoch, .. } => Told::State(state, epoch),
                Output::Finished(failure) => Told::Finished(failure),
                Output::Probe { host, .. } => {
                    self.probing = Some(host.port);
                    Told::Probe(host.port)
                }
                Output::Detached(handover) => Told::Detached(handover),
                Output::PingAnswered { .. } => continue,
            };
            self.told.push((self.now, told));
        }
    }

    fn dial(&mut self) -> bool {
        let Wire::Connecting(port) = self.wire else {
            return false;
        };
        match self.ensemble.hosts[&port] {
            Host::Hangs => return false,
            Host::Down => {
                self.wire = Wire::None;
                self.session.connect_failed(self.now, "connection refused".to_owned());
            }
            _ => {
                self.wire = Wire::Up;
                self.ensemble.accept(port);
                self.session.connected(self.now);
            }
        }
        self.drain();
        true
    }

    fn authenticate(&mut self) -> bool {
        if self.mechanism.stalled {
            return false;
        }
        let Some((exchange, challenge)) = self.mechanism.asked.take() else {
            return false;
        };
        let step = self.mechanism.step(challenge.as_deref());
        self.session.sasl_stepped(self.now, exchange, step);
        self.drain();
        true
    }

    fn probe(&mut self) -> bool {
        let Some(host) = self.probing.and_then(|port| self.ensemble.hosts.get(&port)) else {
            return false;
        };
        if *host == Host::Hangs {
            return false;
        }
        let takes_writes = host.takes_writes();
        self.probing = None;
        self.session.probed(self.now, takes_writes);
        self.drain();
        true
    }

    fn move_to_server(&mut self) -> bool {
        if self.wire != Wire::Up {
            return false;
        }
        if self.outgoing.is_empty() {
            self.session.transmit(self.now, &mut self.outgoing);
            self.drain();
        }
        if self.outgoing.is_empty() || self.wire != Wire::Up || self.stalled_to_server {
            return false;
        }
        let len = self.cut_to_server_after.unwrap_or(usize::MAX).min(self.outgoing.len());
        self.bytes_to_server += len;
        self.ensemble.received(&self.outgoing.split_to(len));
        if let Some(left) = &mut self.cut_to_server_after {
            *left -= len;
            if *left == 0 {
                self.cut_to_server_after = None;
                self.cut();
            }
        }
        true
    }

    fn move_to_client(&mut self) -> bool {
        if self.wire != Wire::Up || self.stalled_to_client {
            return false;
        }
        let available = self.ensemble.out.len().min(self.read_len);
        if available == 0 {
            return self.server_closes();
        }
        let len = self.cut_to_client_after.unwrap_or(usize::MAX).min(available);
        self.bytes_to_client += len;
        self.incoming.unsplit(self.ensemble.out.split_to(len));
        self.session.received(self.now, &mut self.incoming);
        self.drain();
        if let Some(left) = &mut self.cut_to_client_after {
            *left -= len;
            if *left == 0 {
                self.cut_to_client_after = None;
                self.cut();
            }
        }
        true
    }

    fn server_closes(&mut self) -> bool {
        if !self.ensemble.closing {
            return false;
        }
        let unwritten = if self.counts_unwritten { self.outgoing.len() } else { 0 };
        self.hang_up();
        self.session.connection_lost(self.now, Loss::ClosedByServer, unwritten);
        self.drain();
        true
    }

    /// Bytes from the server that no server would send.
    pub(super) fn inject(&mut self, bytes: &[u8]) {
        self.ensemble.out.extend_from_slice(bytes);
        self.settle();
    }

    /// Submits a request and says its number.
    pub(super) fn submit(&mut self, request: Request<u32, u64>) -> u32 {
        let number = self.next_request;
        self.next_request += 1;
        self.session.submit(self.now, Request { reply: number, ..request });
        self.drain();
        number
    }

    pub(super) fn read(&mut self, path: &str) -> u32 {
        self.submit(get(path))
    }

    /// A write whose data is its own number.
    pub(super) fn write(&mut self, path: &str) -> u32 {
        let data = self.next_request.to_be_bytes();
        self.submit(set(path, &data))
    }

    /// A request that sets a watch, and the number of the watcher.
    pub(super) fn watch(&mut self, kind: WatchKind, path: &str) -> (u32, u64) {
        self.watch_until(kind, path, None)
    }

    pub(super) fn watch_until(
        &mut self,
        kind: WatchKind,
        path: &str,
        deadline: Option<Instant>,
    ) -> (u32, u64) {
        let sink = self.next_watcher;
        self.next_watcher += 1;
        let frame = match kind {
            WatchKind::Data => {
                encode_request(OpCode::GetData, &GetDataRequest { path, watch: true })
            }
            WatchKind::Exist => {
                encode_request(OpCode::Exists, &ExistsRequest { path, watch: true })
            }
            WatchKind::Child => {
                encode_request(OpCode::GetChildren2, &GetChildren2Request { path, watch: true })
            }
            WatchKind::Persistent => {
                encode_request(OpCode::AddWatch, &AddWatchRequest { path, mode: 0 })
            }
            WatchKind::Recursive => {
                encode_request(OpCode::AddWatch, &AddWatchRequest { path, mode: 1 })
            }
        };
        let watch = Watch { id: WatcherId(sink), kind, path: Arc::from(path), sink };
        let mut request = Request::new(frame, Class::Read, 0);
        (request.watch, request.deadline) = (Some(watch), deadline);
        (self.submit(request), sink)
    }

    /// A watch that is set when this returns.
    pub(super) fn set_watch(&mut self, kind: WatchKind, path: &str) -> u64 {
        let (_, watcher) = self.watch(kind, path);
        self.settle();
        watcher
    }

    pub(super) fn unwatch(&mut self, watcher: u64) {
        self.session.unwatch(self.now, WatcherId(watcher));
        self.drain();
    }

    pub(super) fn auth(&mut self, secret: &'static str) -> u32 {
        let number = self.next_request;
        self.next_request += 1;
        let secret = Bytes::from_static(secret.as_bytes());
        self.session.add_auth(self.now, "digest", secret, Some(number));
        self.drain();
        number
    }

    pub(super) fn close(&mut self) -> u32 {
        let number = self.next_request;
        self.next_request += 1;
        self.session.close(self.now, number);
        self.drain();
        number
    }
}

pub(super) fn get(path: &str) -> Request<u32, u64> {
    let frame = encode_request(OpCode::GetData, &GetDataRequest { path, watch: false });
    Request::new(frame, Class::Read, 0)
}

pub(super) fn set(path: &str, data: &[u8]) -> Request<u32, u64> {
    let record = SetDataRequest { path, data: Some(data), version: -1 };
    Request::new(encode_request(OpCode::SetData, &record), Class::Write, 0)
}
