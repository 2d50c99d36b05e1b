//! Getting a connection, getting the session on it, and losing it again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::{ConnectRequest, ConnectResponse, Password, SessionId};

use super::link::{Granted, Link, Phase};
use super::machine::Session;
use super::output::{Loss, Output, SessionState};
use super::pending::Owner;
use super::request::Failure;
use super::timers::Timer;

/// An attempt may take at least this long, however many servers share the time there is, unless a
/// session that lives has less.
const ATTEMPT_MIN: Duration = Duration::from_secs(1);

/// An attempt takes at most this long: a session of hours is no reason to wait for a mute server.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// A pause takes at most this part of the session timeout.
const PAUSES_PER_TIMEOUT: u32 = 4;

impl<R, W: Clone> Session<R, W> {
    /// The driver has connected to the host it was given.
    pub(crate) fn connected(&mut self, now: Instant) {
        if self.expire_if_due(now) || self.phase != Phase::Connecting {
            return;
        }
        self.phase = Phase::Handshake;
        self.link = Link::default();
        let (session_id, password) = match &self.granted {
            Some(granted) => (granted.id, granted.password),
            None => (SessionId::NONE, Password::NONE),
        };
        let timeout = self.config.session_timeout.as_millis();
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.zxid_seen,
            timeout_ms: timeout.try_into().unwrap_or(i32::MAX),
            session_id,
            password,
            read_only: Some(false),
        };
        encode_frame(&mut self.link.greeting, |out| request.encode(out));
    }

    /// The driver could not connect to any address of the host it was given.
    pub(crate) fn connect_failed(&mut self, now: Instant, why: String) {
        if self.phase == Phase::Connecting {
            self.ended(now, Loss::Network(why), 0);
        }
    }

    /// The connection has ended. `unwritten` is how many of the bytes that
    /// [`transmit`](Self::transmit) gave never got into it: requests of which the server cannot
    /// have the last byte were not carried out, and go out again whatever they are. 0 if unknown.
    pub(crate) fn connection_lost(&mut self, now: Instant, why: Loss, unwritten: usize) {
        match self.phase {
            Phase::Handshake if why == Loss::ClosedByServer => self.ended(now, Loss::Refused, 0),
            Phase::Handshake | Phase::Established => self.ended(now, why, unwritten),
            Phase::Waiting | Phase::Connecting | Phase::Finished(_) => {}
        }
    }

    /// The driver has nothing left of the connection or the attempt.
    fn ended(&mut self, now: Instant, why: Loss, unwritten: usize) {
        if self.timers.is_due(Timer::Expiry, now) {
            self.phase = Phase::Waiting;
            self.last_loss = why;
            self.expire_if_due(now);
        } else {
            self.lose(now, why, unwritten);
        }
    }

    /// Tries the next server.
    pub(super) fn attempt(&mut self, now: Instant) {
        let Some(host) = self.hosts.next() else {
            self.finish(Failure::Unreachable, SessionState::Closed, Some(Loss::NotTried));
            return;
        };
        let within = self.attempt_timeout();
        self.phase = Phase::Connecting;
        self.timers.set_after(Timer::Attempt, now, within);
        self.outputs.push_back(Output::Connect { host, within });
    }

    pub(super) fn attempt_timed_out(&mut self, now: Instant) {
        let why = Loss::AttemptTimedOut(self.attempt_timeout());
        self.drop_connection(now, why);
    }

    pub(super) fn server_silent(&mut self, now: Instant) {
        let silence = self.granted.as_ref().map(Granted::read_timeout).unwrap_or_default();
        self.drop_connection(now, Loss::ServerSilent(silence));
    }

    /// Gives up the connection or the attempt, and tries the next server.
    pub(super) fn drop_connection(&mut self, now: Instant, why: Loss) {
        self.outputs.push_back(Output::Disconnect { why: why.clone() });
        self.lose(now, why, 0);
    }

    /// The connection or the attempt is gone.
    fn lose(&mut self, now: Instant, why: Loss, unwritten: usize) {
        let was_established = self.phase == Phase::Established;
        let written = self.link.written.saturating_sub(unwritten as u64);
        self.forget_connection();
        self.last_loss = why.clone();
        self.pause(now);
        if was_established {
            self.enter(SessionState::Suspended, Some(why));
            self.fail_lost(written);
        }
    }

    /// Waits before the next attempt; not so long that a session which lives would be lost by it.
    pub(super) fn pause(&mut self, now: Instant) {
        let whole = self.session_timeout().unwrap_or(Duration::MAX);
        let pause = self.backoff.next().min(whole / PAUSES_PER_TIMEOUT);
        self.phase = Phase::Waiting;
        self.timers.set_after(Timer::Reconnect, now, pause);
    }

    /// Nothing of the connection is left, except what was in flight on it.
    pub(super) fn forget_connection(&mut self) {
        self.link = Link::default();
        self.credentials.disconnected();
        for timer in [Timer::Attempt, Timer::Read, Timer::Ping] {
            self.timers.clear(timer);
        }
    }

    fn fail_lost(&mut self, written: u64) {
        for slot in self.pending.disconnected(written) {
            match slot.owner {
                Owner::Caller(reply) => self.complete(reply, Err(Failure::ConnectionLoss)),
                // The server may or may not have closed the session. It is over for the
                // application, and at the latest after its timeout for the servers.
                Owner::Close(reply) => {
                    self.complete(reply, Err(Failure::ConnectionLoss));
                    self.finish(Failure::Closed, SessionState::Closed, None);
                    return;
                }
                Owner::Abandoned | Owner::Removal { .. } => {}
            }
        }
    }

    /// The server has answered the connect request.
    pub(super) fn connect_answered(&mut self, now: Instant, frame: &Bytes) {
        let response = match ConnectResponse::decode(&mut Reader::of(frame)) {
            Ok(response) => response,
            Err(reason) => return self.drop_connection(now, reason.into()),
        };
        let resumed = self.granted.as_ref().map(|granted| granted.id);
        let timeout_ms = u64::try_from(response.timeout_ms).unwrap_or(0);
        match resumed {
            Some(_) if timeout_ms == 0 => {
                // Who says so is alive, which nobody knows of the next.
                self.hosts.stay();
                self.expire(now, Loss::Expired);
            }
            None if timeout_ms == 0 || response.session_id == SessionId::NONE => {
                self.drop_connection(now, Loss::Refused)
            }
            _ if response.read_only == Some(true) => self.drop_connection(now, Loss::ReadOnly),
            // What the application holds by its session is gone, whatever the server calls the
            // new one.
            Some(id) if id != response.session_id => self.expire(now, Loss::SessionReplaced),
            _ => self.established(now, response, Duration::from_millis(timeout_ms)),
        }
    }

    fn established(&mut self, now: Instant, response: ConnectResponse, timeout: Duration) {
        let granted = Granted {
            id: response.session_id,
            password: response.password,
            timeout,
            heard_at: now,
            // Taking a client in counts as a sign of life from it.
            proved_at: self.link.greeted_at.unwrap_or(now),
        };
        self.phase = Phase::Established;
        self.connections += 1;
        self.link.rearm = self.watches.chunks();
        self.link.relative_zxid = self.zxid_seen;
        self.timers.clear(Timer::Attempt);
        self.timers.clear(Timer::NoSession);
        self.timers.set(Timer::Ping, now + granted.ping_interval());
        self.granted = Some(granted);
        self.heard(now);
        self.enter(SessionState::Connected, None);
    }

    /// The servers share the time there is, so that each can be tried before it is over: a session's
    /// timeout, and for the first session also what the application gives the whole of it.
    fn attempt_timeout(&self) -> Duration {
        let config = &self.config;
        let first = || config.session_timeout.max(ATTEMPT_MIN).min(config.connect_timeout);
        let whole = self.session_timeout().unwrap_or_else(first);
        let share = u32::try_from(self.hosts.len()).map_or(Duration::ZERO, |hosts| whole / hosts);
        share.max(whole.min(ATTEMPT_MIN)).min(ATTEMPT_MAX)
    }
}
