//! The machine itself: its state, what the application asks of it, and the clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use zk_proto::{SessionId, Zxid};

use super::auth::{Added, Credentials};
use super::backoff::Backoff;
use super::config::Config;
use super::hosts::HostList;
use super::link::{Granted, Link, Phase};
use super::output::{Loss, Output, SessionState};
use super::pending::Pending;
use super::read_only::Search;
use super::request::{Failure, Outcome, Reply, Request, XID_AT};
use super::slot::is_frame;
use super::timers::{Timer, Timers};
use super::watches::{Registry, WatcherId, rearming_len};
use crate::handover::SessionHandover;

/// A client's session. See the [module](super) for how to drive it.
///
/// `R` is what the caller gets back with the outcome of a request, `W` what it gets with an event
/// of a watch.
///
/// Invariants:
/// * requests are in flight only while a connection is established;
/// * `granted` is what a server has granted and nothing has ended since; every watch is of it;
/// * timers: `Expiry` is set while `granted` is; `Attempt` from connecting to being taken in;
///   `Read` while established; `Reconnect` while waiting.
pub(crate) struct Session<R, W> {
    pub(super) config: Config,
    pub(super) hosts: HostList,
    pub(super) backoff: Backoff,
    pub(super) search: Search,
    pub(super) timers: Timers,
    pub(super) phase: Phase,
    pub(super) link: Link,
    pub(super) granted: Option<Granted>,
    /// The session to take over from another client, until a server has said what became of it.
    pub(super) resuming: Option<SessionHandover>,
    pub(super) state: SessionState,
    /// The number of the current session, from 1.
    pub(super) epoch: u64,
    /// How often a server has taken the client in.
    pub(super) connections: u64,
    /// The highest zxid in a reply of this session.
    pub(super) zxid_seen: Zxid,
    pub(super) next_xid: i32,
    pub(super) pending: Pending<R, W>,
    pub(super) watches: Registry<W>,
    pub(super) credentials: Credentials<R>,
    /// How many SASL exchanges have begun: the number of the current one.
    pub(super) sasl_exchanges: u64,
    /// Whether the application closes the session.
    pub(super) closing: bool,
    /// Whether it does so without ending it on the server.
    pub(super) detaching: bool,
    /// What the last connection or attempt failed with.
    pub(super) last_loss: Loss,
    pub(super) outputs: VecDeque<Output<R, W>>,
}

impl<R, W: Clone> Session<R, W> {
    /// A machine that makes its first attempt at once. All its randomness comes from the seed.
    pub(crate) fn new(config: Config, seed: u64, now: Instant) -> Self {
        let mut rng = Rng::with_seed(seed);
        let hosts = HostList::new(config.hosts.clone(), rng.fork());
        let resuming = config.resume.clone();
        let backoff = Backoff::new(config.backoff_min, config.backoff_max, hosts.len(), rng);
        let mut session = Self {
            hosts,
            backoff,
            search: Search::default(),
            timers: Timers::default(),
            phase: Phase::Waiting,
            link: Link::default(),
            granted: None,
            zxid_seen: resuming.as_ref().map_or(Zxid::ZERO, SessionHandover::last_zxid),
            resuming,
            state: SessionState::Connecting,
            epoch: 1,
            connections: 0,
            next_xid: 1,
            pending: Pending::new(),
            watches: Registry::new(),
            credentials: Credentials::new(),
            sasl_exchanges: 0,
            closing: false,
            detaching: false,
            last_loss: Loss::NotTried,
            outputs: VecDeque::new(),
            config,
        };
        if !session.config.lazy {
            session.limit_wait_for_session(now);
        }
        session.attempt(now);
        session
    }

    /// Puts a request in line. It ends with exactly one [`Output::Complete`].
    pub(crate) fn submit(&mut self, now: Instant, request: Request<R, W>) {
        self.expire_if_due(now);
        if let Err(failure) = self.admit(&request) {
            return self.complete(request.reply, Err(failure));
        }
        if let Some(deadline) = request.deadline {
            self.timers.set_earlier(Timer::Request, deadline);
        }
        self.limit_wait_for_session(now);
        self.pending.push(now, request);
    }

    /// Somebody waits who needs a session.
    pub(super) fn limit_wait_for_session(&mut self, now: Instant) {
        if self.granted.is_none() && !self.timers.is_set(Timer::NoSession) {
            self.timers.set_after(Timer::NoSession, now, self.config.connect_timeout);
        }
    }

    fn admit(&self, request: &Request<R, W>) -> Result<(), Failure> {
        debug_assert!(is_frame(&request.frame), "a frame of encode_request");
        if let Phase::Finished(failure) = &self.phase {
            return Err(failure.clone());
        }
        if self.closing {
            return Err(Failure::Closed);
        }
        if request.epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(Failure::SessionExpired);
        }
        // A watch that could not be set again would cost each connection.
        let rearming = request.watch.as_ref().map_or(0, |watch| rearming_len(&watch.path));
        let len = rearming.max(request.frame.len() - XID_AT);
        let limit = self.config.request_len_max;
        if len > limit {
            return Err(Failure::RequestTooLong { len, limit });
        }
        if self.can_accept() { Ok(()) } else { Err(Failure::QueueFull) }
    }

    /// Remembers a credential and shows it to this server and all that follow. If somebody waits,
    /// the server's word on it comes as [`Output::Complete`], in whatever session, or that there is
    /// no server; a refusal ends the machine.
    pub(crate) fn add_auth(&mut self, now: Instant, scheme: &str, auth: Bytes, reply: Option<R>) {
        self.expire_if_due(now);
        let ended = match &self.phase {
            Phase::Finished(failure) => Some(failure.clone()),
            _ if self.closing => Some(Failure::Closed),
            _ => None,
        };
        let (reply, outcome) = match ended {
            Some(failure) => (reply, Err(failure)),
            None => match self.credentials.add(scheme, auth, reply) {
                Added::Remembered => return self.limit_wait_for_session(now),
                Added::Known(reply) => (reply, Ok(Reply::NONE)),
                Added::TooMany(reply) => (reply, Err(Failure::TooManyCredentials)),
            },
        };
        if let Some(reply) = reply {
            self.complete(reply, outcome);
        }
    }

    /// Forgets a watcher, wherever its watch is: set, on its way, or gone already.
    pub(crate) fn unwatch(&mut self, now: Instant, watcher: WatcherId) {
        self.expire_if_due(now);
        match self.watches.remove(watcher) {
            Some((kind, path)) => {
                self.retire(now, kind, Arc::clone(&path));
                self.tidy(now, &path);
            }
            None => {
                if let Some(path) = self.pending.unwatch(watcher) {
                    self.tidy(now, &path);
                }
            }
        }
    }

    /// The next timer has come due.
    pub(crate) fn timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Expiry => self.expire_by_clock(now),
                Timer::NoSession => self.give_up_waiting(now),
                Timer::Close => self.close_timed_out(),
                Timer::Request => self.requests_timed_out(now),
                Timer::Attempt => self.attempt_timed_out(now),
                Timer::Read => self.server_silent(now),
                Timer::Ping => self.ping_due(now),
                Timer::Reconnect => self.attempt(now),
                Timer::Leave => self.leave_now(now),
                Timer::Probe => self.probe_due(now),
            }
        }
        self.detach_if_idle();
    }

    pub(super) fn requests_timed_out(&mut self, now: Instant) {
        while let Some((reply, in_flight)) = self.pending.take_due(now) {
            self.complete(reply, Err(Failure::TimedOut { in_flight }));
        }
        self.tidy_all(now);
        if let Some(next) = self.pending.next_deadline() {
            self.timers.set(Timer::Request, next);
        }
    }

    /// What to do next and whom to tell, in order.
    pub(crate) fn poll_output(&mut self) -> Option<Output<R, W>> {
        self.outputs.pop_front()
    }

    /// When to call [`timeout`](Self::timeout); `None` once the machine has ended.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Bytes of the requests that are queued or in flight.
    pub(crate) fn request_bytes(&self) -> usize {
        self.pending.bytes()
    }

    /// Where the client stands with its session.
    pub(crate) fn state(&self) -> SessionState {
        self.state
    }

    /// The number of the current session, from 1. Goes up when one is over.
    #[cfg(test)]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How often a server has taken the client in.
    pub(crate) fn connections(&self) -> u64 {
        self.connections
    }

    /// The session's id, while there is one that the ensemble has granted.
    pub(crate) fn session_id(&self) -> Option<SessionId> {
        self.settled().map(|granted| granted.id)
    }

    /// The highest zxid that a reply of this session had.
    pub(crate) fn zxid_seen(&self) -> Zxid {
        self.zxid_seen
    }

    /// The session timeout that the server has granted.
    pub(crate) fn session_timeout(&self) -> Option<Duration> {
        self.granted.as_ref().map(|granted| granted.timeout)
    }

    /// Until when the servers cannot have expired the session: its timeout after the last request
    /// or ping that was answered was sent. Past it, presume the session lost, told or not.
    pub(crate) fn session_deadline(&self) -> Option<Instant> {
        let settled = self.settled().filter(|_| self.resuming.is_none());
        settled.map(|granted| granted.proved_at + granted.timeout)
    }

    /// Requests queued and in flight.
    pub(crate) fn request_count(&self) -> usize {
        self.pending.len()
    }

    /// Watches that are set, or will be again on the next connection.
    pub(crate) fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Whether another request would be let in.
    pub(crate) fn can_accept(&self) -> bool {
        self.pending.len() < self.config.requests_max
            && self.pending.bytes() < self.config.request_bytes_max
    }

    /// What the machine has ended with, if it has.
    pub(crate) fn finished(&self) -> Option<&Failure> {
        match &self.phase {
            Phase::Finished(failure) => Some(failure),
            _ => None,
        }
    }

    pub(super) fn complete(&mut self, reply: R, outcome: Outcome) {
        self.outputs.push_back(Output::Complete { reply, outcome });
    }

    pub(super) fn enter(&mut self, state: SessionState, why: Option<Loss>) {
        self.state = state;
        self.outputs.push_back(Output::State { state, epoch: self.epoch, why });
    }
}

/// Shows where the machine stands. What it holds is the application's: passwords, data.
impl<R, W> fmt::Debug for Session<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("phase", &self.phase)
            .field("state", &self.state)
            .field("epoch", &self.epoch)
            .field("granted", &self.granted)
            .field("zxid_seen", &self.zxid_seen)
            .field("requests", &self.pending.len())
            .finish_non_exhaustive()
    }
}
