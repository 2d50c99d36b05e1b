//! Going to another server although this one is fine: the list of servers has changed.

use std::time::Instant;

use zk_proto::HostPort;

use super::link::{Granted, Phase};
use super::machine::Session;
use super::output::Loss;
use super::timers::Timer;

impl<R, W: Clone> Session<R, W> {
    /// The servers are these from now on. The session moves to another of them, if it must or if
    /// that is its part in spreading all clients evenly: see [`HostList`](super::hosts::HostList).
    pub(crate) fn update_hosts(&mut self, now: Instant, hosts: Vec<HostPort>) {
        self.expire_if_due(now);
        if self.finished().is_some() || hosts.is_empty() {
            return;
        }
        let must_move = self.hosts.update(hosts);
        self.backoff.set_hosts(self.hosts.len());
        match self.phase {
            Phase::Established if must_move => self.leave(now),
            Phase::Handshake | Phase::Authenticating if must_move && self.hosts.has_last() => {
                // The server may be opening a session: it is moved, rather than left to expire.
                self.link.leaving = true;
            }
            Phase::Connecting | Phase::Handshake | Phase::Authenticating if must_move => {
                self.drop_connection(now, Loss::Moving);
            }
            _ => {}
        }
    }

    /// Sends nothing more, and goes when all that was sent is answered: no outcome becomes unknown
    /// by a move. A server that does not answer is left all the same.
    pub(super) fn leave(&mut self, now: Instant) {
        let patience = self.granted.as_ref().map(Granted::ping_interval).unwrap_or_default();
        self.link.leaving = true;
        self.timers.set_after(Timer::Leave, now, patience);
        self.leave_if_idle(now);
    }

    pub(super) fn leave_if_idle(&mut self, now: Instant) {
        let idle = self.pending.due_xid().is_none()
            && self.link.rearming.is_empty()
            && self.credentials.due().is_none();
        if self.link.leaving && idle && self.phase == Phase::Established {
            self.drop_connection(now, Loss::Moving);
        }
    }

    pub(super) fn leave_now(&mut self, now: Instant) {
        self.drop_connection(now, Loss::Moving);
    }
}
