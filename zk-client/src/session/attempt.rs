//! Getting a connection, getting the session on it, and losing it again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::codec::{Decode, Encode, Reader, encode_frame};
use zk_proto::{ConnectRequest, ConnectResponse, ErrorCode, SessionId};

use super::link::{Granted, Link, Phase};
use super::machine::Session;
use super::output::{Loss, Output, SessionState};
use super::read_only::Search;
use super::request::{Class, Failure};
use super::slot::Owner;
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
        let (session_id, password) = self.claim();
        let timeout = self.config.session_timeout.as_millis();
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.zxid_seen,
            timeout_ms: timeout.try_into().unwrap_or(i32::MAX),
            session_id,
            password,
            read_only: Some(self.config.read_only),
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
            Phase::Handshake if why == Loss::ClosedByServer => self.refused(now),
            Phase::Authenticating if why == Loss::ClosedByServer => {
                self.ended(now, Loss::SaslCutShort { mechanism: self.mechanism() }, 0);
            }
            Phase::Handshake | Phase::Authenticating => self.ended(now, why, 0),
            Phase::Established => self.ended(now, why, unwritten),
            Phase::Waiting | Phase::Connecting | Phase::Finished(_) => {}
        }
    }

    fn refused(&mut self, now: Instant) {
        let too_often = self.refused_once_too_often();
        self.ended(now, Loss::Refused, 0);
        if too_often && self.granted.is_some() {
            self.expire(now, Loss::Refused);
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
        let read_only = self.link.read_only;
        let written = self.link.written.saturating_sub(unwritten as u64);
        self.forget_connection();
        self.hop_ended();
        self.last_loss = why.clone();
        self.pause(now);
        if was_established {
            self.enter(SessionState::Suspended, Some(why));
            self.fail_lost(written, read_only);
            self.detach_if_idle();
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
        for timer in [Timer::Attempt, Timer::Read, Timer::Ping, Timer::Leave, Timer::Probe] {
            self.timers.clear(timer);
        }
    }

    /// A read-only server carries out no write, and loses its connections when it ceases to be one.
    fn fail_lost(&mut self, written: u64, read_only: bool) {
        for slot in self.pending.disconnected(written) {
            match slot.owner {
                Owner::Caller(reply) if read_only && slot.class == Class::Write => {
                    self.complete(reply, Err(Failure::Code(ErrorCode::NotReadOnly)));
                }
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
        let (claimed, _) = self.claim();
        let timeout_ms = u64::try_from(response.timeout_ms).unwrap_or(0);
        let read_only = response.read_only == Some(true);
        let asked_for = claimed != SessionId::NONE;
        if response.protocol_version != 0 {
            // ClickHouse Keeper says so by version 42 while it has no leader, with a session id of
            // zero, which is no word on the session that was asked for.
            return self.drop_connection(now, Loss::OtherProtocol(response.protocol_version));
        }
        self.link.read_only = read_only;
        if read_only && !self.config.read_only {
            return self.drop_connection(now, Loss::ReadOnly);
        }
        match response.session_id {
            // A server that is cut off from those that decide does not know.
            id if read_only && asked_for && (id != claimed || timeout_ms == 0) => {
                self.drop_connection(now, Loss::ReadOnly);
            }
            _ if timeout_ms == 0 && asked_for => {
                // Who says so is alive, which nobody knows of the next.
                self.hosts.stay();
                self.expire(now, Loss::Expired);
            }
            id if timeout_ms == 0 || id == SessionId::NONE => {
                self.drop_connection(now, Loss::Refused);
            }
            // What the application holds by its session is gone, whatever the server calls the
            // new one.
            id if asked_for && id != claimed => self.expire(now, Loss::SessionReplaced),
            _ if self.config.sasl.is_some() => {
                self.authenticate(now, response, Duration::from_millis(timeout_ms));
            }
            _ => self.established(now, response, Duration::from_millis(timeout_ms)),
        }
    }

    /// Takes up the session that the server has granted, once the server knows who the client is.
    pub(super) fn established(
        &mut self,
        now: Instant,
        response: ConnectResponse,
        timeout: Duration,
    ) {
        let read_only = response.read_only == Some(true);
        // Taking a client in counts as a sign of life from it, where it counts.
        let mut proved_at = self.link.greeted_at.unwrap_or(now);
        if read_only && let Some(settled) = self.settled() {
            proved_at = settled.proved_at;
        }
        let granted = Granted {
            id: response.session_id,
            password: response.password,
            provisional: read_only && self.settled().is_none() && self.resuming.is_none(),
            timeout,
            heard_at: now,
            proved_at,
        };
        self.phase = Phase::Established;
        self.connections += 1;
        if !self.link.leaving {
            self.hosts.connected();
        }
        self.link.rearm = self.watches.chunks(self.config.request_len_max);
        self.link.relative_zxid = self.zxid_seen;
        self.timers.clear(Timer::Attempt);
        self.timers.clear(Timer::NoSession);
        self.timers.set(Timer::Ping, now + granted.ping_interval());
        self.granted = Some(granted);
        self.heard(now);
        self.hop_ended();
        if read_only {
            if !self.timers.is_set(Timer::Expiry) {
                self.timers.set_after(Timer::Expiry, now, timeout * 4 / 3);
            }
            self.search(now);
            self.enter(SessionState::ConnectedReadOnly, None);
        } else {
            self.resuming = None;
            self.search = Search::default();
            self.enter(SessionState::Connected, None);
        }
        if self.link.leaving {
            self.leave(now);
        }
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
