//! The requests of a session: in line or in flight, and what becomes of each.
//!
//! ```text
//! push ─▶ queued ──send_next──▶ in flight ──answer──▶ done
//!           ▲  │                  │   │
//!           │  └ due              │   └ due: abandoned, its reply is swallowed
//!           └──── disconnected ───┘
//! ```
//!
//! Invariant: both lines are in the order of request ids, and each id in flight is below each id
//! queued. So a request is found by its id without a map, and what goes back in line after a lost
//! connection goes to its front.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;

use super::request::{Class, Request, RequestId, XID_AT};
use super::slot::{Owner, Registration, Slot};
use super::watches::{WatchKind, WatcherId};

/// How many connections may break over one read, as the oldest request without an answer, before
/// it fails: enough for any outage a session survives, and an end for a request that makes each
/// server drop the connection. Those behind it are not to blame.
pub(crate) const READ_RESENDS_MAX: u8 = 10;

/// Due times of requests that are done stay in the heap until there are this many of them or twice
/// the number of requests, whichever is more.
const STALE_DEADLINES_MIN: usize = 64;

/// All requests that have no outcome yet, and those in flight whose outcome was told early.
pub(crate) struct Pending<R, W> {
    queued: VecDeque<Slot<R, W>>,
    in_flight: VecDeque<Slot<R, W>>,
    /// Bytes of all frames.
    bytes: usize,
    next_id: u64,
    deadlines: BinaryHeap<Reverse<(Instant, RequestId)>>,
    /// Which request sets the watch of a watcher.
    watchers: HashMap<WatcherId, RequestId>,
}

impl<R, W> Pending<R, W> {
    pub(crate) fn new() -> Self {
        Self {
            queued: VecDeque::new(),
            in_flight: VecDeque::new(),
            bytes: 0,
            next_id: 0,
            deadlines: BinaryHeap::new(),
            watchers: HashMap::new(),
        }
    }

    /// Requests queued and in flight.
    pub(crate) fn len(&self) -> usize {
        self.queued.len() + self.in_flight.len()
    }

    /// Bytes of their frames.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a caller's request in line.
    pub(crate) fn push(&mut self, now: Instant, request: Request<R, W>) {
        let id = self.next_id();
        let registration = match request.watch {
            Some(watch) => {
                self.watchers.insert(watch.id, id);
                Registration::Set(watch)
            }
            None => Registration::None,
        };
        self.bytes += request.frame.len();
        self.queued.push_back(Slot {
            id,
            owner: Owner::Caller(request.reply),
            class: request.class,
            registration,
            since: now,
            sent_at: now,
            xid: 0,
            end: 0,
            deadline: request.deadline,
            resends: 0,
            frame: request.frame,
        });
        if let Some(deadline) = request.deadline {
            self.deadlines.push(Reverse((deadline, id)));
            self.drop_stale_deadlines();
        }
    }

    /// Puts a request in line that is the session's own, or closes it.
    pub(crate) fn push_own(&mut self, now: Instant, owner: Owner<R>, frame: BytesMut) {
        let id = self.next_id();
        self.bytes += frame.len();
        self.queued.push_back(Slot {
            id,
            owner,
            class: Class::Write,
            registration: Registration::None,
            since: now,
            sent_at: now,
            xid: 0,
            end: 0,
            deadline: None,
            resends: 0,
            frame,
        });
    }

    /// Takes a caller's request out of the line; `None` once it was sent.
    fn withdraw(&mut self, id: RequestId) -> Option<R> {
        let at = position(&self.queued, id)?;
        if !matches!(self.queued[at].owner, Owner::Caller(_)) {
            return None;
        }
        let slot = self.queued.remove(at)?;
        match self.release(slot).owner {
            Owner::Caller(reply) => Some(reply),
            _ => None,
        }
    }

    /// The first request in line.
    pub(crate) fn next_mut(&mut self) -> Option<&mut Slot<R, W>> {
        self.queued.front_mut()
    }

    /// Moves the first request in line to those in flight and writes its frame to `out`, of which
    /// `before` bytes of the connection have gone before.
    pub(crate) fn send_next(&mut self, now: Instant, xid: i32, before: u64, out: &mut BytesMut) {
        let Some(mut slot) = self.queued.pop_front() else {
            return;
        };
        if let Some(place) = slot.frame.get_mut(XID_AT..XID_AT + size_of::<i32>()) {
            place.copy_from_slice(&xid.to_be_bytes());
        }
        out.extend_from_slice(&slot.frame);
        (slot.sent_at, slot.xid, slot.end) = (now, xid, before + slot.frame.len() as u64);
        self.in_flight.push_back(slot);
    }

    /// The xid of the oldest request in flight: the only one that may be answered next.
    pub(crate) fn due_xid(&self) -> Option<i32> {
        self.in_flight.front().map(|slot| slot.xid)
    }

    /// Takes out the oldest request in flight, whose reply has come.
    pub(crate) fn answered(&mut self) -> Option<Slot<R, W>> {
        let slot = self.in_flight.pop_front()?;
        Some(self.release(slot))
    }

    /// The connection is gone, and with it all that was written, but for what follows the first
    /// `written` bytes. Returns what nobody can know the outcome of; the rest is in line again.
    pub(crate) fn disconnected(&mut self, written: u64) -> Vec<Slot<R, W>> {
        let mut lost = Vec::new();
        // From the youngest to the oldest, so that each goes to the front of the line.
        while let Some(mut slot) = self.in_flight.pop_back() {
            let sent = slot.end <= written;
            let again = match slot.owner {
                // The watch died with the connection, and who gave up asks for nothing.
                Owner::Removal { .. } | Owner::Abandoned => {
                    self.release(slot);
                    continue;
                }
                Owner::Caller(_) if slot.class == Class::Read => {
                    slot.resends += u8::from(sent && self.in_flight.is_empty());
                    slot.resends <= READ_RESENDS_MAX
                }
                Owner::Caller(_) | Owner::Close(_) => !sent,
            };
            if again {
                self.queued.push_front(slot);
            } else {
                let slot = self.release(slot);
                lost.push(slot);
            }
        }
        let bytes = &mut self.bytes;
        self.queued.retain(|slot| {
            let removal = matches!(slot.owner, Owner::Removal { .. });
            *bytes -= if removal { slot.frame.len() } else { 0 };
            !removal
        });
        lost.reverse();
        lost
    }

    /// Takes out everything, oldest first; true for what was in flight.
    pub(crate) fn take_all(&mut self) -> Vec<(bool, Slot<R, W>)> {
        self.bytes = 0;
        self.deadlines.clear();
        self.watchers.clear();
        let in_flight = self.in_flight.drain(..).map(|slot| (true, slot));
        in_flight.chain(self.queued.drain(..).map(|slot| (false, slot))).collect()
    }

    /// Takes out of the line what was submitted by `then`.
    pub(crate) fn take_queued_since(&mut self, then: Instant) -> Option<Slot<R, W>> {
        if self.queued.front()?.since > then {
            return None;
        }
        let slot = self.queued.pop_front()?;
        Some(self.release(slot))
    }

    /// When the first in line was submitted.
    pub(crate) fn queued_since(&self) -> Option<Instant> {
        self.queued.front().map(|slot| slot.since)
    }

    /// Takes out a request that is due: its caller, and whether it is in flight. Then it keeps its
    /// place, so that its reply is told from the next one's.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(R, bool)> {
        loop {
            let Reverse((deadline, id)) = *self.deadlines.peek()?;
            if deadline > now {
                return None;
            }
            self.deadlines.pop();
            if let Some(reply) = self.withdraw(id) {
                return Some((reply, false));
            }
            if let Some(reply) = self.abandon(id) {
                return Some((reply, true));
            }
        }
    }

    /// The next due time; of a request that is done, sometimes.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// What is on the books: bytes, due times, watchers.
    #[cfg(test)]
    pub(crate) fn books(&self) -> (usize, usize, usize) {
        (self.bytes, self.deadlines.len(), self.watchers.len())
    }

    /// A watcher of a request on its way is no longer wanted; the path it was to watch. Persistent
    /// watches cannot be left to themselves on the server.
    pub(crate) fn unwatch(&mut self, watcher: WatcherId) -> Option<Arc<str>> {
        let id = self.watchers.remove(&watcher)?;
        let slot = match (position(&self.in_flight, id), position(&self.queued, id)) {
            (Some(at), _) => &mut self.in_flight[at],
            (_, Some(at)) => &mut self.queued[at],
            (None, None) => return None,
        };
        let path = slot.registration.watched().map(|(_, path)| Arc::clone(path));
        slot.forget_watch();
        path
    }

    /// Whether a request on its way sets such a watch.
    pub(crate) fn sets_watch(&self, path: &str, kind: Option<WatchKind>) -> bool {
        let mut slots = self.in_flight.iter().chain(&self.queued);
        slots.any(|slot| match &slot.registration {
            Registration::Set(watch) => {
                *watch.path == *path && kind.is_none_or(|kind| kind == watch.kind)
            }
            Registration::None | Registration::Undo { .. } => false,
        })
    }

    fn next_id(&mut self) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        id
    }

    /// Leaves a request in flight without its caller.
    fn abandon(&mut self, id: RequestId) -> Option<R> {
        let at = position(&self.in_flight, id)?;
        let slot = &mut self.in_flight[at];
        if !matches!(slot.owner, Owner::Caller(_)) {
            return None;
        }
        if let Registration::Set(watch) = &slot.registration {
            self.watchers.remove(&watch.id);
        }
        slot.forget_watch();
        match std::mem::replace(&mut slot.owner, Owner::Abandoned) {
            Owner::Caller(reply) => Some(reply),
            _ => None,
        }
    }

    /// Takes a slot off the books.
    fn release(&mut self, slot: Slot<R, W>) -> Slot<R, W> {
        self.bytes -= slot.frame.len();
        if let Registration::Set(watch) = &slot.registration {
            self.watchers.remove(&watch.id);
        }
        slot
    }

    /// Keeps the heap in proportion to the requests; rare enough to cost nothing per request.
    fn drop_stale_deadlines(&mut self) {
        if self.deadlines.len() <= STALE_DEADLINES_MIN.max(2 * self.len()) {
            return;
        }
        let live = self.in_flight.iter().chain(&self.queued);
        self.deadlines = live
            .filter(|slot| matches!(slot.owner, Owner::Caller(_)))
            .filter_map(|slot| Some(Reverse((slot.deadline?, slot.id))))
            .collect();
    }
}

/// Where a request is in a line.
fn position<R, W>(line: &VecDeque<Slot<R, W>>, id: RequestId) -> Option<usize> {
    line.binary_search_by_key(&id, |slot| slot.id).ok()
}
