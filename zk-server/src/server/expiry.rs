//! What happens because time passes.

use std::time::{Duration, Instant};

use zk_proto::SessionId;

use super::connection::Phase;
use super::{CloseReason, Now, Server};
use crate::request::ServerRequest;

/// For how long what sweeps remove counts against what they may.
const SWEPT_WINDOW: Duration = Duration::from_secs(60);

/// What sweeps have removed in the minute that runs.
#[derive(Debug, Default)]
pub(super) struct Swept {
    count: usize,
    /// When the minute ends that began with the first of them.
    until: Option<Instant>,
}

impl Swept {
    /// How many more may be removed now.
    fn left(&mut self, now: Instant, max: usize) -> usize {
        if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
        max.saturating_sub(self.count)
    }

    fn add(&mut self, now: Instant, count: usize) {
        if count > 0 {
            self.until.get_or_insert(now + SWEPT_WINDOW);
            self.count += count;
        }
    }
}

/// If a session is due and nothing at all happens for so long, the process or the machine was
/// stopped: a server that is merely busy has something to do.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// How long the sessions that came due in a pause have to be heard, in ms. What a client sent
/// meanwhile is there to be read at once; one that gave up the connection comes back within two
/// seconds, by the pauses that clients make.
const HEARING_MS: i32 = 2000;

impl Server {
    /// When to say [`Event::Tick`](super::Event::Tick) next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let sessionless = self.sessionless.front().map(|(deadline, _)| *deadline);
        let at_once = self.watches.has_departed().then_some(self.last_event.instant);
        [self.sessions.next_deadline(), sessionless, Some(self.next_sweep), at_once]
            .into_iter()
            .flatten()
            .min()
    }

    /// After a pause in which sessions came due, those that spoke meanwhile must not end for not
    /// having been heard. To be asked before [`Server::last_event`] is moved on.
    pub(super) fn notice_pause(&mut self, now: Now) {
        let last = self.last_event.instant;
        if now.instant.saturating_duration_since(last) < PAUSE_MIN {
            return;
        }
        let due = self.sessions.next_deadline().map(|due| due.max(last) + PAUSE_MIN);
        if due.is_some_and(|late| late <= now.instant) {
            self.sessions.postpone(now.instant, HEARING_MS);
        }
    }

    pub(super) fn tick(&mut self, now: Now) {
        self.watches.sweep();
        let tree = &self.tree;
        let expired = self.sessions.expire(now.instant, |id| tree.ephemeral_count_of(id));
        for session in expired {
            self.stats.sessions_expired += 1;
            self.propose_own(now, ServerRequest::CloseSession { session, cxid: 0 }, None);
        }
        self.close_sessionless(now.instant);
        self.stats.rotate(now.instant);
        if self.next_sweep <= now.instant {
            self.next_sweep = now.instant + self.config.container_check_interval;
            self.sweep(now);
        }
    }

    /// Ends a session as if its timeout had passed. False if it is unknown or ending already.
    pub fn expire_session(&mut self, now: Now, session: SessionId) -> bool {
        let closed = self.sessions.close(session);
        if closed {
            self.stats.sessions_expired += 1;
            self.propose_own(now, ServerRequest::CloseSession { session, cxid: 0 }, None);
        }
        closed
    }

    /// Gives every session its full timeout from now: for a runtime that knows that it did not
    /// hear the clients for a while.
    pub fn renew_sessions(&mut self, now: Now) {
        self.sessions.renew_all(now.instant);
    }

    /// Ephemerals whose session is in no record of the log have lost their owner.
    pub(super) fn close_orphaned_sessions(&mut self, now: Now) {
        let orphaned: Vec<SessionId> = self
            .tree
            .sessions_with_ephemerals()
            .filter(|session| !self.sessions.is_live(*session))
            .collect();
        for session in orphaned {
            self.propose_own(now, ServerRequest::CloseSession { session, cxid: 0 }, None);
        }
    }

    fn close_sessionless(&mut self, now: Instant) {
        while let Some(&(deadline, conn)) = self.sessionless.front()
            && deadline <= now
        {
            self.sessionless.pop_front();
            let waits = self.connections.get(&conn).map(|connection| connection.phase);
            if waits == Some(Phase::Handshake) {
                self.stats.sessionless_expired += 1;
                self.close(conn, CloseReason::Sessionless);
            }
        }
    }

    fn sweep(&mut self, now: Now) {
        let left = self.swept.left(now.instant, self.config.container_max_per_minute);
        let never_used = self.config.container_never_used_max.unwrap_or_default().as_millis();
        let never_used_ms = i64::try_from(never_used).unwrap_or(i64::MAX);
        let candidates = self.tree.sweep_candidates(now.wall_ms, never_used_ms, left);
        self.swept.add(now.instant, candidates.len());
        // What was too much for this minute does not wait for longer than that.
        if candidates.len() == left
            && let Some(until) = self.swept.until
        {
            self.next_sweep = self.next_sweep.min(until);
        }
        for path in candidates {
            self.propose_own(now, ServerRequest::DeleteContainer { path }, None);
        }
    }
}
