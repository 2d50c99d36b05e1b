//! Taking over a session, and leaving one to a successor.

use std::time::Instant;

use zk_proto::{Password, SessionId};

use super::machine::Session;
use super::output::{Loss, Output, SessionState};
use super::request::Failure;
use super::timers::Timer;
use crate::handover::SessionHandover;

impl<R, W: Clone> Session<R, W> {
    /// What a successor needs to go on with the session; `None` while there is none to go on with.
    pub(crate) fn handover(&self) -> Option<SessionHandover> {
        let taken_over = || self.resuming.clone();
        let own = self.settled().map(|granted| {
            let (id, timeout) = (granted.id, granted.timeout);
            SessionHandover::new(id, granted.password.0, timeout, self.zxid_seen)
        });
        own.or_else(taken_over)
    }

    /// Lets what is queued and in flight finish, within the close timeout, and ends the machine
    /// without ending the session. What a successor needs comes as [`Output::Detached`]; it does
    /// not come if the session is over.
    pub(crate) fn detach(&mut self, now: Instant) {
        self.expire_if_due(now);
        if self.finished().is_some() || self.closing {
            return;
        }
        (self.closing, self.detaching) = (true, true);
        self.timers.set_after(Timer::Close, now, self.config.close_timeout);
        if self.settled().is_none() {
            // Nothing of the session that was to be taken over is this client's yet.
            return self.hand_over();
        }
        self.detach_if_idle();
    }

    pub(super) fn detach_if_idle(&mut self) {
        if self.detaching && self.finished().is_none() && self.pending.len() == 0 {
            self.hand_over();
        }
    }

    pub(super) fn hand_over(&mut self) {
        self.detaching = false;
        self.outputs.extend(self.handover().map(Output::Detached));
        self.finish(Failure::Closed, SessionState::Closed, Some(Loss::Closed));
    }

    /// The session to ask a server for.
    pub(super) fn claim(&self) -> (SessionId, Password) {
        match (self.settled(), &self.resuming) {
            (Some(granted), _) => (granted.id, granted.password),
            (None, Some(handover)) => (handover.session_id(), Password(handover.password())),
            (None, None) => (SessionId::NONE, Password::NONE),
        }
    }
}
