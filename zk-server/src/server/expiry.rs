//! What happens because time passes.

use std::time::Instant;

use zk_proto::SessionId;

use super::connection::Phase;
use super::{CloseReason, Now, Server};
use crate::request::ServerRequest;

/// Containers and nodes past their time to live that one sweep removes at most; Apache's
/// `znode.container.maxPerMinute`.
const SWEEP_MAX: usize = 10_000;

/// How long a container that never had a child is kept, in ms of wall time; 0 is for ever, which
/// is what 3.6 to 3.9 do.
const CONTAINER_NEVER_USED_MS: i64 = 0;

impl Server {
    /// When to say [`Event::Tick`](super::Event::Tick) next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let sessionless = self.sessionless.front().map(|(deadline, _)| *deadline);
        [self.sessions.next_deadline(), sessionless, Some(self.next_sweep)]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn tick(&mut self, now: Now) {
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
        let candidates =
            self.tree.sweep_candidates(now.wall_ms, CONTAINER_NEVER_USED_MS, SWEEP_MAX);
        for path in candidates {
            self.propose_own(now, ServerRequest::DeleteContainer { path }, None);
        }
    }
}
