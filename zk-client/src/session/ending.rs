//! How a session ends: by expiry, by closing, by a refusal; and how the machine does.

use std::time::Instant;

use zk_proto::{OpCode, Zxid};

use super::link::{Granted, Phase};
use super::machine::Session;
use super::output::{Loss, Notice, Output, SessionState};
use super::request::{Class, Failure, Reply, encode_bare_request};
use super::slot::Owner;
use super::timers::Timer;

impl<R, W: Clone> Session<R, W> {
    /// Lets what is queued and in flight finish, closes the session on the server and ends the
    /// machine, all within the close timeout. `reply` completes with `Ok` if the server has closed
    /// the session or there was none; else the session is left to expire.
    pub(crate) fn close(&mut self, now: Instant, reply: R) {
        self.expire_if_due(now);
        if let Phase::Finished(failure) = &self.phase {
            let failure = failure.clone();
            return self.complete(reply, Err(failure));
        }
        if self.closing {
            return self.complete(reply, Err(Failure::Closed));
        }
        // A session of a read-only server is nothing that would have to be ended.
        let connected = self.phase == Phase::Established;
        let none = self.settled().is_none() && self.resuming.is_none();
        if none && !(connected && self.granted.is_some()) {
            self.complete(reply, Ok(Reply::NONE));
            return self.finish(Failure::Closed, SessionState::Closed, Some(Loss::Closed));
        }
        self.closing = true;
        self.timers.set_after(Timer::Close, now, self.config.close_timeout);
        let frame = encode_bare_request(OpCode::CloseSession);
        self.pending.push_own(now, Owner::Close(reply), frame);
    }

    /// Ends the machine now. The session, if there is one, is left to expire on the server.
    pub(crate) fn abort(&mut self, now: Instant) {
        self.expire_if_due(now);
        self.finish(Failure::Closed, SessionState::Closed, Some(Loss::Closed));
    }

    pub(super) fn close_timed_out(&mut self) {
        if self.detaching {
            return self.hand_over();
        }
        self.finish(Failure::Closed, SessionState::Closed, Some(Loss::Closed));
    }

    /// Declares the session over before anything else happens, if its time is up: after a pause of
    /// this process nothing must be done in the name of a session that others hold to be gone.
    pub(super) fn expire_if_due(&mut self, now: Instant) -> bool {
        let due = self.timers.take_if_due(Timer::Expiry, now);
        if due {
            self.expire_by_clock(now);
        }
        due
    }

    pub(super) fn expire_by_clock(&mut self, now: Instant) {
        let after = self.granted.as_ref().map(Granted::expiry_timeout).unwrap_or_default();
        let last = match self.phase {
            Phase::Established if self.link.read_only => Loss::ReadOnly,
            Phase::Established => Loss::ServerSilent(after),
            _ => self.last_loss.clone(),
        };
        self.expire(now, Loss::ExpiredByClock { after, last: Box::new(last) });
    }

    /// The session is over. Everything that was bound to it is told, then a new one begins.
    pub(super) fn expire(&mut self, now: Instant, why: Loss) {
        self.disconnect(&why);
        self.timers.clear(Timer::Expiry);
        (self.granted, self.resuming) = (None, None);
        self.forget_refusals();
        // The order that a client sees is that of one session: the next may start on a server, or
        // an ensemble restored from a backup, that is behind what this one has seen.
        self.zxid_seen = Zxid::ZERO;
        self.last_loss = why.clone();
        self.enter(SessionState::Expired, Some(why));
        self.epoch += 1;
        self.fail_all(&Failure::SessionExpired);
        if self.credentials.are_awaited() {
            self.limit_wait_for_session(now);
        }
        if self.closing {
            self.finish(Failure::Closed, SessionState::Closed, None);
        } else if self.config.renew {
            self.enter(SessionState::Connecting, None);
            self.pause(now);
        } else {
            self.finish(Failure::SessionExpired, SessionState::Expired, None);
        }
    }

    /// Those who wait for a session have waited long enough.
    pub(super) fn give_up_waiting(&mut self, now: Instant) {
        let within = self.config.connect_timeout;
        if self.connections == 0 && !self.config.lazy {
            let last = Box::new(self.last_loss.clone());
            let why = Loss::Unreachable { within, last };
            return self.finish(Failure::Unreachable, SessionState::Closed, Some(why));
        }
        // They need not have waited all of it themselves: there was no server for as long.
        self.fail_credentials(&Failure::Unreachable);
        let Some(then) = now.checked_sub(within) else {
            return;
        };
        while let Some(slot) = self.pending.take_queued_since(then) {
            if let Owner::Caller(reply) = slot.owner {
                self.complete(reply, Err(Failure::Unreachable));
            }
        }
        if let Some(since) = self.pending.queued_since() {
            self.timers.set_after(Timer::NoSession, since, within);
        }
    }

    /// The client cannot show who it is: trying again would end the same way.
    pub(super) fn auth_failed(&mut self, why: Loss) {
        let failure = Failure::AuthFailed(why.to_string().into());
        self.finish(failure, SessionState::AuthFailed, Some(why));
    }

    /// Ends the machine: nothing stays outstanding, and nothing will be let in.
    pub(super) fn finish(&mut self, failure: Failure, state: SessionState, why: Option<Loss>) {
        if self.finished().is_some() {
            return;
        }
        self.disconnect(why.as_ref().unwrap_or(&Loss::Closed));
        self.timers.clear_all();
        self.phase = Phase::Finished(failure.clone());
        (self.granted, self.resuming) = (None, None);
        if self.state != state {
            self.enter(state, why);
            self.epoch += 1;
        }
        self.fail_all(&failure);
        self.fail_credentials(&failure);
        self.outputs.push_back(Output::Finished(failure));
    }

    /// Tells those who wait for the server's word on a credential. It stays remembered.
    fn fail_credentials(&mut self, failure: &Failure) {
        for reply in self.credentials.take_waiting() {
            self.complete(reply, Err(failure.clone()));
        }
    }

    /// Drops the connection or the attempt, if there is one.
    fn disconnect(&mut self, why: &Loss) {
        if self.phase == Phase::Connecting || self.phase.has_connection() {
            self.outputs.push_back(Output::Disconnect { why: why.clone() });
            self.phase = Phase::Waiting;
        }
        self.forget_connection();
    }

    /// Ends all requests and watches. Of a write in flight nobody knows the outcome, whatever the
    /// reason.
    fn fail_all(&mut self, failure: &Failure) {
        for (in_flight, slot) in self.pending.take_all() {
            match slot.owner {
                Owner::Caller(reply) if in_flight && slot.class == Class::Write => {
                    self.complete(reply, Err(Failure::ConnectionLoss));
                }
                Owner::Caller(reply) => self.complete(reply, Err(failure.clone())),
                // Who asked for the close learns that the server has not confirmed it.
                Owner::Close(reply) if *failure == Failure::Closed => {
                    self.complete(reply, Err(Failure::TimedOut { in_flight }));
                }
                Owner::Close(reply) => self.complete(reply, Err(failure.clone())),
                Owner::Abandoned | Owner::Removal { .. } => {}
            }
        }
        for sink in self.watches.take_all() {
            let notice = Notice::Ended(failure.clone());
            self.outputs.push_back(Output::Watch { sink, notice });
        }
    }
}
