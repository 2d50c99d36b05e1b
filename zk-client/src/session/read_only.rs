//! Read-only servers: staying with one where there is no other, and looking for one that takes
//! writes. The rules are those of Apache's client (`ClientCnxn.pingRwServer`).
//!
//! A server that is cut off from its ensemble may serve reads if its operator allows it. It knows
//! nothing of what has become of sessions, so what it says of them counts for little:
//!
//! * A session that only a read-only server has granted is *provisional*: it has an id that no
//!   other server knows, so the next server is asked for a new one. Nothing can be bound to it but
//!   watches, which the client carries over; so it is no loss, and the epoch stays.
//! * A session that the ensemble has granted is not kept alive by a read-only server. It is offered
//!   to the next server that takes writes, and is over by the clock if none is found in time.

use std::time::{Duration, Instant};

use zk_proto::HostPort;

use super::link::{Granted, Phase};
use super::machine::Session;
use super::output::{Loss, Output};
use super::timers::Timer;

/// The first pause before another server is asked.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The longest; they double in between.
const INTERVAL_MAX: Duration = Duration::from_secs(60);
/// How long a server has for its answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often servers that say that they take writes may refuse a provisional session before it is
/// given up: they may be behind what the read-only server has shown.
const REFUSALS_MAX: u8 = 3;

/// The search for a server that takes writes. Goes on over connections until one is found that
/// keeps its word, so that one which does not costs less and less.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    interval: Duration,
    /// Whether the attempt under way is to a server that says that it takes writes.
    hopping: bool,
    refusals: u8,
}

impl Default for Search {
    fn default() -> Self {
        Self { interval: INTERVAL_MIN, hopping: false, refusals: 0 }
    }
}

impl<R, W: Clone> Session<R, W> {
    /// The driver's answer to [`Output::Probe`]: whether that server takes writes.
    pub(crate) fn probed(&mut self, now: Instant, takes_writes: bool) {
        if self.expire_if_due(now) || self.phase != Phase::Established {
            return;
        }
        let Some(host) = self.link.probing.take() else {
            return;
        };
        if takes_writes && !self.closing && self.hosts.prefer(&host) {
            self.drop_connection(now, Loss::ReadWriteFound(host));
            self.timers.clear(Timer::Reconnect);
            self.search.hopping = true;
            self.attempt(now);
        } else {
            self.timers.set_after(Timer::Probe, now, self.search.interval);
        }
    }

    /// A read-only server has taken the client in.
    pub(super) fn search(&mut self, now: Instant) {
        self.timers.set_after(Timer::Probe, now, self.search.interval);
    }

    pub(super) fn probe_due(&mut self, now: Instant) {
        let host: HostPort = match self.hosts.candidate() {
            Some(host) if self.phase == Phase::Established => host,
            _ => return,
        };
        self.link.probing = Some(host.clone());
        self.search.interval = (self.search.interval * 2).min(INTERVAL_MAX);
        // For a driver that never answers.
        self.timers.set_after(Timer::Probe, now, PROBE_TIMEOUT + self.search.interval);
        self.outputs.push_back(Output::Probe { host, within: PROBE_TIMEOUT });
    }

    /// A server has closed the connection instead of opening a session. Whether that was the last
    /// time a provisional session was refused by servers that take writes.
    pub(super) fn refused_once_too_often(&mut self) -> bool {
        let provisional = self.granted.as_ref().is_some_and(|granted| granted.provisional);
        if !provisional || !self.search.hopping {
            return false;
        }
        self.search.refusals += 1;
        self.search.refusals >= REFUSALS_MAX
    }

    /// An attempt has come to its end.
    pub(super) fn hop_ended(&mut self) {
        self.search.hopping = false;
    }

    /// A new session has shown nothing that servers could be behind of.
    pub(super) fn forget_refusals(&mut self) {
        self.search.refusals = 0;
    }

    /// Whether what the server says keeps the session alive: it is not cut off from those that
    /// decide, or the session is its own.
    pub(super) fn server_decides(&self) -> bool {
        !self.link.read_only || self.granted.as_ref().is_some_and(|granted| granted.provisional)
    }

    /// The session as the ensemble has granted it.
    pub(super) fn settled(&self) -> Option<&Granted> {
        self.granted.as_ref().filter(|granted| !granted.provisional)
    }
}
