//! The way of a write: proposed, logged, applied, watched, answered.

use std::sync::Arc;
use std::time::Instant;

use zk_proto::{ErrorCode, OpCode, SessionId, Zxid};

use super::audit::Audited;
use super::connection::{Deferred, Phase, Waiting};
use super::{Action, CloseReason, Now, Server};
use crate::ConnectionId;
use crate::auth::Verdicts;
use crate::request::respond::{self, ReplyShape};
use crate::request::{self, Proposal, Requester, ServerRequest, SessionStanding, Slot};
use crate::storage::log::TxnRecord;
use crate::tree::Outcome;

/// A transaction on its way through the log.
#[derive(Debug)]
pub(super) struct Proposed {
    record: Arc<TxnRecord>,
    /// Who waits for it; nobody for what the server proposed by itself.
    origin: Option<Origin>,
}

impl Proposed {
    /// Bytes of the request behind it, if it was a large one.
    pub(super) fn large(&self) -> usize {
        self.origin.as_ref().map_or(0, |origin| origin.large)
    }
}

/// Who gets the answer to a write.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) conn: ConnectionId,
    pub(super) xid: i32,
    pub(super) op: OpCode,
    pub(super) answer: Answer,
    pub(super) received: Instant,
    /// What to note of it in the audit log, if there is one.
    pub(super) audited: Option<Box<Audited>>,
    /// Bytes of the request, if it was a large one.
    pub(super) large: usize,
}

/// What the answer to a write looks like.
#[derive(Debug)]
pub(super) enum Answer {
    /// A connect response, with the read-only byte if the request had one.
    Connected { ask_ro: bool },
    /// The reply to a request.
    Reply(ReplyShape),
    /// A header and nothing else: the outcome is an error.
    Refused,
    /// A header, and then the connection closes.
    Closed,
}

impl Server {
    pub(super) fn propose_write(
        &mut self,
        now: Now,
        conn: ConnectionId,
        session: SessionId,
        request: Deferred,
    ) {
        let Some(connection) = self.connections.get(&conn) else { return };
        let Ok(op) = request.op else { return };
        let slot = self.next_slot(now);
        let mut audited = None;
        let (proposal, answer) = match request::decode(op, &request.body) {
            Ok(body) => {
                let requester = Requester {
                    session,
                    cxid: request.xid,
                    standing: SessionStanding::Live,
                    identities: &connection.identities,
                };
                let shape = ReplyShape::of(&body);
                if self.config.operators.audit {
                    audited = Some(Box::new(Audited::of(session, &body)));
                }
                let (tree, access) = (&self.tree, &self.access);
                let proposal = self.proposer.propose(tree, access, &requester, &body, slot);
                (proposal, Answer::Reply(shape))
            }
            // It is refused at its turn, like a read.
            Err(error) if !request::is_recorded_undecoded(op, &error) => {
                return self.read_or_wait(now, conn, session, request);
            }
            Err(_) => {
                let code = ErrorCode::MarshallingError;
                (self.proposer.refuse(session, request.xid, code, slot), Answer::Refused)
            }
        };
        let Deferred { xid, received, large, .. } = request;
        self.large_in_flight += large;
        let origin = Origin { conn, xid, op, answer, received, audited, large };
        self.append(proposal, Some(origin));
    }

    pub(super) fn propose_close(
        &mut self,
        now: Now,
        conn: ConnectionId,
        session: SessionId,
        request: &Deferred,
    ) {
        if self.sessions.close(session) {
            let (xid, received) = (request.xid, request.received);
            let op = OpCode::CloseSession;
            let origin =
                Origin { conn, xid, op, answer: Answer::Closed, received, audited: None, large: 0 };
            let close = ServerRequest::CloseSession { session, cxid: xid };
            self.propose_own(now, close, Some(origin));
        }
    }

    /// Proposes what no client's request body says: sessions, containers to remove.
    pub(super) fn propose_own(&mut self, now: Now, request: ServerRequest, origin: Option<Origin>) {
        let slot = self.next_slot(now);
        let proposal = self.proposer.propose_server(&self.tree, request, slot);
        self.append(proposal, origin);
    }

    pub(super) fn next_slot(&self, now: Now) -> Slot {
        // The counter running over into the epoch is what a standalone Apache does, too.
        Slot { zxid: Zxid(self.last_proposed.0 + 1), wall_ms: now.wall_ms }
    }

    pub(super) fn append(&mut self, proposal: Proposal, origin: Option<Origin>) {
        let Proposal { header, txn, digest } = proposal;
        self.last_proposed = header.zxid;
        let record = Arc::new(TxnRecord { header, txn, digest });
        if let Some(origin) = &origin
            && let Some(connection) = self.connections.get_mut(&origin.conn)
        {
            connection.lane.push_back(Waiting::Write);
        }
        self.stats.proposals += 1;
        self.in_flight += 1;
        self.actions.push_back(Action::Append(Arc::clone(&record)));
        self.proposed.push_back(Proposed { record, origin });
    }

    /// The log is durable up to here: nothing up to here can be lost any more.
    pub(super) fn durable(&mut self, now: Now, zxid: Zxid) {
        self.stats.log_queue.record(self.proposed.len() as u64);
        while let Some(proposed) = self.proposed.front()
            && proposed.record.header.zxid <= zxid
            && let Some(proposed) = self.proposed.pop_front()
        {
            self.in_flight -= 1;
            self.commit(now, proposed);
        }
        self.relieve();
    }

    fn commit(&mut self, now: Now, proposed: Proposed) {
        let Proposed { record, origin } = proposed;
        if let Some(origin) = &origin {
            self.large_in_flight -= origin.large;
            self.answer_all_before_write(now.instant, origin.conn);
        }
        let applied = self.tree.apply(&record.header, &record.txn);
        let zxid = applied.zxid;
        self.proposer.applied(zxid);
        self.stats.commits += 1;
        self.stats.propagated(now.wall_ms.saturating_sub(record.header.time_ms));
        self.check_digest(&record);
        let verdicts = Verdicts::default();
        for change in &applied.changes {
            let (connections, access) = (&self.connections, &self.access);
            let notifications = self.watches.fire(change, |conn, acl| {
                connections.get(&conn).is_some_and(|connection| {
                    let asker = (Some(conn), &connection.identities);
                    verdicts.allows(access, asker, acl, zk_proto::Permissions::READ)
                })
            });
            for notification in notifications {
                self.notify(zxid, notification);
            }
        }
        if let Outcome::SessionClosed { session } = applied.outcome
            && self.config.operators.audit
        {
            self.audit_end_of_session(session, &applied.changes);
        }
        self.stats.wrote(&record.txn, &applied.changes);
        let asked_by = origin.as_ref().map(|origin| origin.conn);
        if let Some(origin) = origin {
            self.complete(now, origin, zxid, &applied.outcome);
        }
        if let Outcome::SessionClosed { session } = applied.outcome {
            self.forget_session(session, asked_by);
        }
        self.lift_barriers(now, zxid);
        if let Some(conn) = asked_by {
            self.advance(now.instant, conn);
        }
    }

    /// The log says already what the tree should add up to now. If it does not, whoever replays the
    /// log will have another tree than this server has.
    fn check_digest(&mut self, record: &TxnRecord) {
        let actual = self.tree.digest();
        let Some(promised) = record.digest.filter(|digest| *digest != actual) else { return };
        self.stats.digest_mismatches += 1;
        let zxid = record.header.zxid;
        debug_assert_eq!(promised, actual, "the proposer foresees what {zxid:?} does");
        if self.stats.digest_mismatches == 1 {
            tracing::error!(
                "the tree after {zxid:?} is not what its transaction says. This is a fault of the \
                 server: please report it. Further ones are only counted"
            );
        }
    }

    fn complete(&mut self, now: Now, origin: Origin, zxid: Zxid, outcome: &Outcome<'_>) {
        let Origin { conn, xid, op, answer, received, audited, .. } = origin;
        if let Some(audited) = audited {
            self.audit(conn, &audited, outcome);
        }
        let connection = self.connections.get_mut(&conn);
        let Some(connection) = connection.filter(|it| it.phase != Phase::Closing) else {
            self.stats.stale_replies += 1;
            return;
        };
        let answered = connection.lane.pop_front();
        debug_assert!(matches!(answered, Some(Waiting::Write)), "answers keep the order");
        match answer {
            Answer::Connected { ask_ro } => {
                if let Outcome::SessionCreated { session, timeout_ms } = *outcome {
                    self.greet(conn, session, timeout_ms, ask_ro);
                }
            }
            Answer::Reply(shape) => {
                self.reply_with_zxid(conn, xid, zxid, |body| respond::encode(&shape, outcome, body))
            }
            Answer::Refused => self.reply_with_zxid(conn, xid, zxid, |_| match outcome {
                Outcome::Failed(code) => Err(*code),
                _ => Err(ErrorCode::MarshallingError),
            }),
            Answer::Closed => {
                self.reply_with_zxid(conn, xid, zxid, |_| Ok(()));
                self.close(conn, CloseReason::SessionClosed);
            }
        }
        let taken = now.instant.saturating_duration_since(received);
        self.stats.update(taken);
        self.note_answer(conn, op, xid, taken);
    }

    /// The session is gone from the tree; so is its claim to a connection.
    fn forget_session(&mut self, session: SessionId, asked_by: Option<ConnectionId>) {
        let owner = self.sessions.remove(session);
        if let Some(owner) = owner
            && asked_by != Some(owner)
        {
            self.close(owner, CloseReason::SessionExpired);
        }
    }

    /// Lets connections go on that waited for writes of their session's former connection.
    fn lift_barriers(&mut self, now: Now, zxid: Zxid) {
        while let Some(&(barrier, conn)) = self.barriers.front()
            && barrier <= zxid
        {
            self.barriers.pop_front();
            if let Some(connection) = self.connections.get_mut(&conn)
                && matches!(connection.lane.front(), Some(Waiting::FormerWrites))
            {
                connection.lane.pop_front();
                self.advance(now.instant, conn);
            }
        }
    }

    /// Answers what waited behind a write that has been answered, until more waits for the client
    /// to read than it should: the rest then waits for the client.
    pub(super) fn advance(&mut self, now: Instant, conn: ConnectionId) {
        self.unstall(conn);
        let high_water = self.config.limits.output_high_water;
        while self.connections.get(&conn).is_some_and(|c| c.output.len() < high_water)
            && self.answer_next(now, conn)
        {}
        self.note_stall(conn);
        self.resume_if_possible(conn);
    }

    /// A write is to be answered, and everything before it must have been: it is about to show.
    fn answer_all_before_write(&mut self, now: Instant, conn: ConnectionId) {
        self.unstall(conn);
        while self.answer_next(now, conn) {
            self.cut_off_if_flooded(conn);
        }
    }

    /// Answers the request at the front of the lane. False if none is there.
    fn answer_next(&mut self, now: Instant, conn: ConnectionId) -> bool {
        if let Some(connection) = self.connections.get_mut(&conn)
            && let Some(session) = connection.session()
            && matches!(connection.lane.front(), Some(Waiting::Request(_)))
            && let Some(Waiting::Request(request)) = connection.lane.pop_front()
        {
            self.in_flight -= 1;
            self.large_in_flight -= request.large;
            self.answer(now, conn, session, &request);
            return true;
        }
        false
    }

    /// Requests at the front of a lane that are not answered wait for their client only; they
    /// must not count as load that others have to wait for.
    fn note_stall(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && matches!(connection.lane.front(), Some(Waiting::Request(_)))
        {
            connection.stalled = true;
            self.in_flight -= connection.deferred();
        }
    }

    fn unstall(&mut self, conn: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&conn)
            && connection.stalled
        {
            connection.stalled = false;
            self.in_flight += connection.deferred();
        }
    }
}
