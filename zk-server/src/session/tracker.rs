//! Sessions and when they end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant};

use zk_proto::SessionId;

use super::ids;
use crate::ConnectionId;

/// How much [`SessionTracker::expire`] gives out in one call, a session counting as one more than
/// it has ephemeral nodes: a hundred thousand sessions or nodes that end at once must not keep the
/// pings of the others waiting. A session with more nodes comes alone.
pub const EXPIRY_BATCH: usize = 1000;

/// The sessions of a server, in buckets of one tick by the time they end.
///
/// A session ends at the first bucket boundary that lies strictly later than its timeout after the
/// last sign of life: between `timeout` and `timeout + tick` of silence. Rounding up costs the
/// clients nothing and lets a touch within the same tick do no work.
///
/// Each session is owned by at most one connection, the one that resumed it last.
#[derive(Debug)]
pub struct SessionTracker {
    origin: Instant,
    tick_ms: u64,
    next_id: SessionId,
    sessions: HashMap<SessionId, Session>,
    /// By bucket number; a bucket ends `number * tick` after the origin.
    buckets: BTreeMap<u64, BTreeSet<SessionId>>,
    /// The bucket of the sessions that were [postponed](Self::postpone) last.
    postponed: u64,
}

#[derive(Debug)]
struct Session {
    timeout_ms: i32,
    bucket: u64,
    owner: Option<ConnectionId>,
    closing: bool,
}

/// A session, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) bucket: u64,
    /// How many sessions the bucket has.
    pub(crate) count: usize,
    pub(crate) ends: Instant,
    pub(crate) session: SessionId,
}

impl SessionTracker {
    /// No sessions; ids start with `first_id`. `tick` below a millisecond counts as one.
    #[must_use]
    pub fn new(first_id: SessionId, tick: Duration, origin: Instant) -> Self {
        let tick_ms = u64::try_from(tick.as_millis()).unwrap_or(u64::MAX).max(1);
        let next_id = match first_id {
            SessionId::NONE => ids::following(first_id),
            id => id,
        };
        let (sessions, buckets) = (HashMap::new(), BTreeMap::new());
        Self { origin, tick_ms, next_id, sessions, buckets, postponed: 0 }
    }

    /// An id that no known session has and that was never given out by this tracker.
    pub fn next_id(&mut self) -> SessionId {
        let mut id = self.next_id;
        while self.sessions.contains_key(&id) {
            id = ids::following(id);
        }
        self.next_id = ids::following(id);
        id
    }

    /// Makes sure that ids seen in the log are not given out again, whatever the clock says.
    pub fn remember_id(&mut self, seen: SessionId) {
        if same_server(seen, self.next_id) && seen >= self.next_id {
            self.next_id = ids::following(seen);
        }
    }

    /// Starts to follow a session; an already known one gets a new timeout and owner.
    pub fn open(
        &mut self,
        id: SessionId,
        timeout_ms: i32,
        owner: Option<ConnectionId>,
        now: Instant,
    ) {
        self.remove(id);
        let bucket = self.bucket(now, timeout_ms);
        self.sessions.insert(id, Session { timeout_ms, bucket, owner, closing: false });
        self.buckets.entry(bucket).or_default().insert(id);
    }

    /// Whether the session exists and is not on its way out.
    #[must_use]
    pub fn is_live(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| !session.closing)
    }

    /// Notes a sign of life. False if there is no such session any more, or it is closing: what
    /// gave the sign must then be dropped.
    pub fn touch(&mut self, id: SessionId, now: Instant) -> bool {
        let Some(session) = self.sessions.get(&id).filter(|session| !session.closing) else {
            return false;
        };
        let (from, to) = (session.bucket, self.bucket(now, session.timeout_ms));
        if to > from {
            self.move_bucket(id, from, to);
        }
        true
    }

    /// Hands a live session to another connection, with a new timeout from now on.
    /// Returns the connection that owned it so far.
    pub fn take_over(
        &mut self,
        id: SessionId,
        timeout_ms: i32,
        owner: ConnectionId,
        now: Instant,
    ) -> Option<ConnectionId> {
        let to = self.bucket(now, timeout_ms);
        let session = self.sessions.get_mut(&id)?;
        session.timeout_ms = timeout_ms;
        let from = session.bucket;
        let former = session.owner.replace(owner);
        self.move_bucket(id, from, to);
        former
    }

    /// The connection is gone; its session lives on.
    pub fn disown(&mut self, id: SessionId, owner: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(&id)
            && session.owner == Some(owner)
        {
            session.owner = None;
        }
    }

    /// Marks a session as ending: it takes no further requests and cannot be resumed, and it no
    /// longer waits in a bucket. False if it did not exist or was ending already.
    pub fn close(&mut self, id: SessionId) -> bool {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| !session.closing) else {
            return false;
        };
        session.closing = true;
        let bucket = session.bucket;
        self.leave_bucket(id, bucket);
        true
    }

    /// Forgets a session for good. Returns the connection that owned it.
    pub fn remove(&mut self, id: SessionId) -> Option<ConnectionId> {
        let session = self.sessions.remove(&id)?;
        self.leave_bucket(id, session.bucket);
        session.owner
    }

    /// Takes up to [`EXPIRY_BATCH`] sessions and nodes of theirs whose bucket has ended, oldest
    /// bucket first, and marks the sessions as closing.
    pub fn expire(
        &mut self,
        now: Instant,
        nodes_of: impl Fn(SessionId) -> usize,
    ) -> Vec<SessionId> {
        let mut expired = Vec::new();
        let mut room = EXPIRY_BATCH;
        while let Some((&bucket, ids)) = self.buckets.first_key_value()
            && self.end_of(bucket) <= now
            && let Some(&id) = ids.first()
        {
            let weight = nodes_of(id).saturating_add(1);
            if weight > room && !expired.is_empty() {
                break;
            }
            room = room.saturating_sub(weight);
            self.close(id);
            expired.push(id);
        }
        expired
    }

    /// Gives every live session its full timeout again, counted from `now`: for a server that
    /// could not hear its clients for a while.
    pub fn renew_all(&mut self, now: Instant) {
        self.buckets.clear();
        let (origin, tick_ms) = (self.origin, self.tick_ms);
        for (&id, session) in &mut self.sessions {
            if !session.closing {
                session.bucket = bucket_of(origin, tick_ms, now, session.timeout_ms);
                self.buckets.entry(session.bucket).or_default().insert(id);
            }
        }
    }

    /// Lets the sessions that are due live for `by_ms` from now, and to the end of that bucket: for a
    /// server that was stopped, and has yet to read what they may have said meanwhile. Who was let
    /// live and still said nothing is not let live again.
    pub fn postpone(&mut self, now: Instant, by_ms: i32) {
        let to = self.bucket(now, by_ms);
        let unheard = self.buckets.range(self.postponed + 1..);
        let due = unheard.take_while(|(bucket, _)| self.end_of(**bucket) <= now);
        let due: Vec<_> =
            due.flat_map(|(bucket, ids)| ids.iter().map(|id| (*bucket, *id))).collect();
        if !due.is_empty() {
            self.postponed = to;
        }
        for (from, id) in due {
            self.move_bucket(id, from, to);
        }
    }

    /// When the next bucket ends.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.buckets.first_key_value().map(|(&bucket, _)| self.end_of(bucket))
    }

    /// The sessions that are known, closing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether no session is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The ids of the known sessions, in ascending order.
    #[must_use]
    pub fn ids(&self) -> Vec<SessionId> {
        let mut ids: Vec<_> = self.sessions.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The known sessions and their timeouts in ms, in the order of their ids.
    #[must_use]
    pub fn timeouts(&self) -> Vec<(SessionId, i32)> {
        let mut timeouts: Vec<_> =
            self.sessions.iter().map(|(id, session)| (*id, session.timeout_ms)).collect();
        timeouts.sort_unstable();
        timeouts
    }

    /// How many buckets there are.
    pub(crate) fn bucket_count(&self) -> usize {
        self.buckets.len()
    }

    /// How many sessions wait in buckets: all that are not closing.
    pub(crate) fn waiting_count(&self) -> usize {
        self.buckets.values().map(BTreeSet::len).sum()
    }

    /// The sessions by when they end, behind one of a bucket: a list that can be gone through in
    /// pieces while sessions come and go.
    pub(crate) fn waiting(&self, after: Option<(u64, SessionId)>) -> impl Iterator<Item = Waiting> {
        let from = after.map_or(0, |(bucket, _)| bucket);
        self.buckets.range(from..).flat_map(move |(&bucket, ids)| {
            let behind = after.filter(|(from, _)| *from == bucket);
            let behind = behind.map_or(Bound::Unbounded, |(_, id)| Bound::Excluded(id));
            let (count, ends) = (ids.len(), self.end_of(bucket));
            let ids = ids.range((behind, Bound::Unbounded));
            ids.map(move |&session| Waiting { bucket, count, ends, session })
        })
    }

    /// When a session ends unless it is heard; `None` if it is unknown.
    pub(crate) fn ends(&self, id: SessionId) -> Option<Instant> {
        self.sessions.get(&id).map(|session| self.end_of(session.bucket))
    }

    /// The timeout of a session in ms.
    pub(crate) fn timeout_ms(&self, id: SessionId) -> Option<i32> {
        self.sessions.get(&id).map(|session| session.timeout_ms)
    }

    fn bucket(&self, now: Instant, timeout_ms: i32) -> u64 {
        bucket_of(self.origin, self.tick_ms, now, timeout_ms)
    }

    fn end_of(&self, bucket: u64) -> Instant {
        self.origin + Duration::from_millis(bucket.saturating_mul(self.tick_ms))
    }

    fn move_bucket(&mut self, id: SessionId, from: u64, to: u64) {
        self.leave_bucket(id, from);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.bucket = to;
            self.buckets.entry(to).or_default().insert(id);
        }
    }

    fn leave_bucket(&mut self, id: SessionId, bucket: u64) {
        if let Some(ids) = self.buckets.get_mut(&bucket) {
            ids.remove(&id);
            if ids.is_empty() {
                self.buckets.remove(&bucket);
            }
        }
    }
}

fn bucket_of(origin: Instant, tick_ms: u64, now: Instant, timeout_ms: i32) -> u64 {
    let elapsed_ms = now.saturating_duration_since(origin).as_millis();
    let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(u64::MAX / 2);
    (elapsed_ms + u64::from(timeout_ms.max(0).unsigned_abs())) / tick_ms + 1
}

fn same_server(one: SessionId, other: SessionId) -> bool {
    one.0 >> 56 == other.0 >> 56
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
