//! Who has a place at an HTTP port, and who has to leave it to somebody else.
//!
//! A client that keeps the server waiting does nothing with its place, and clients that did so with
//! all of them would keep everybody else out, the probes that decide whether the server is restarted
//! among them. Whether such a client says nothing, stops in the middle of what it says or does not
//! read the answer makes no difference. So whoever comes when all places are taken gets one of these,
//! the first there is:
//!
//! 1. that of the client without a request that has had nothing to ask the longest, after [`HEARING`];
//! 2. that of the client whose body or whose reading has stood still the longest, after
//!    [`STALLED_MAX`];
//! 3. the oldest, though it is well used, after [`FULL_MAX`] at the door; but no backup that gets on:
//!    an operator waits for it. The first [`STAYING_MAX`] have this right.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Connections of one port at the same time. Prometheus has one, a script one.
pub(super) const CONNECTIONS_MAX: usize = 50;

/// Those that have been told to leave and say their last words.
const LEAVING_MAX: usize = CONNECTIONS_MAX;

/// How long a connection keeps a place that others want before it asks for something: enough for a
/// request to come right behind the connection.
const HEARING: Duration = Duration::from_millis(100);

/// How long a body, or the reading of an answer, may stand still while others want the place.
pub(super) const STALLED_MAX: Duration = Duration::from_millis(500);

/// How long somebody waits for a place while nobody is slow.
const FULL_MAX: Duration = Duration::from_secs(1);

/// Bytes that must move before whoever stood still counts as going on: drops do not.
pub(super) const PROGRESS_LEN: usize = 64 << 10;

/// Backups that keep their places: whoever may ask for one can read many of them slowly.
const STAYING_MAX: usize = 5;

/// The places of one port.
#[derive(Default)]
pub(super) struct Places {
    /// Oldest first. One that only this list knows is free.
    taken: VecDeque<Arc<Place>>,
    leaving: Vec<Arc<Place>>,
    changed: Arc<Notify>,
}

/// What somebody gets who wants a place.
pub(super) enum Taking {
    Place(Arc<Place>),
    /// None yet: ask again then, or when something has changed.
    Later(Option<Instant>),
}

/// One connection's place.
pub(super) struct Place {
    /// Grows whenever the connection gets on.
    progress: AtomicU64,
    exchange: Mutex<Exchange>,
    leave: CancellationToken,
    changed: Arc<Notify>,
}

/// How far a connection is with its request.
struct Exchange {
    /// Since when the client keeps the server waiting, be it for a request, for the rest of its body
    /// or for the answer to be read. `None`: it is for the server to go on.
    waits_since: Option<Instant>,
    /// Bytes since then.
    moved: usize,
    /// Whether a request is being answered.
    answering: bool,
    /// Whether the socket has no room for what is to be sent.
    blocked: bool,
    /// Whether it leaves only if it stands still.
    stays: bool,
}

/// An answer that is being made or sent, as long as this exists.
pub(super) struct Answering(Arc<Place>);

impl Places {
    /// Gives a place to somebody who `came` then.
    pub(super) fn take(&mut self, came: Instant, now: Instant) -> Taking {
        self.forget_who_left();
        if self.taken.len() >= CONNECTIONS_MAX {
            if self.leaving.len() >= LEAVING_MAX {
                return Taking::Later(None);
            }
            let (at, index) = self.next_to_leave(came, now);
            let leaving = if at <= now { self.taken.remove(index) } else { None };
            let Some(place) = leaving else { return Taking::Later(Some(at)) };
            place.leave.cancel();
            self.leaving.push(place);
        }
        let place = Arc::new(Place::new(Arc::clone(&self.changed), now));
        self.taken.push_back(Arc::clone(&place));
        Taking::Place(place)
    }

    /// What wakes when somebody may have to leave earlier than it seemed, but for connections that
    /// end.
    pub(super) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Who has to leave, or will be the first to, and when.
    fn next_to_leave(&self, came: Instant, now: Instant) -> (Instant, usize) {
        let (mut idle, mut stalled) = (None, None);
        for (index, place) in self.taken.iter().enumerate() {
            let exchange = place.exchange();
            let Some(since) = exchange.waits_since else { continue };
            let (kind, limit) = if exchange.answering || exchange.blocked {
                (&mut stalled, STALLED_MAX)
            } else {
                (&mut idle, HEARING)
            };
            let candidate = Some((since + limit, index));
            if kind.is_none() || candidate < *kind {
                *kind = candidate;
            }
        }
        let mut staying = 0;
        let oldest = self.taken.iter().position(|place| {
            staying += usize::from(place.exchange().stays);
            !place.exchange().stays || staying > STAYING_MAX
        });
        let oldest = (came + FULL_MAX, oldest.unwrap_or_default());
        let kinds = [idle, stalled, Some(oldest)];
        let due = kinds.iter().flatten().find(|(at, _)| *at <= now);
        let first = kinds.iter().flatten().min();
        due.or(first).copied().unwrap_or(oldest)
    }

    fn forget_who_left(&mut self) {
        self.taken.retain(|place| Arc::strong_count(place) > 1);
        self.leaving.retain(|place| Arc::strong_count(place) > 1);
    }
}

impl Place {
    fn new(changed: Arc<Notify>, now: Instant) -> Self {
        let (answering, blocked, stays) = (false, false, false);
        let exchange = Exchange { waits_since: Some(now), moved: 0, answering, blocked, stays };
        let (progress, exchange) = (AtomicU64::default(), Mutex::new(exchange));
        Self { progress, exchange, leave: CancellationToken::new(), changed }
    }

    /// Begins to answer a request.
    pub(super) fn answer(self: &Arc<Self>) -> Answering {
        self.progress.fetch_add(1, Ordering::Relaxed);
        let mut exchange = self.exchange();
        exchange.answering = true;
        if !exchange.blocked {
            exchange.waits_since = None;
        }
        Answering(Arc::clone(self))
    }

    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Waits until somebody else needs the place.
    pub(super) async fn has_to_leave(&self) {
        self.leave.cancelled().await;
    }

    /// Whether the client does not read what is sent to it.
    pub(super) fn is_blocked(&self) -> bool {
        self.exchange().blocked
    }

    /// Whether the client has kept the server waiting for so long that others need not wait for it.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        let since = self.exchange().waits_since;
        since.is_some_and(|since| now.saturating_duration_since(since) >= STALLED_MAX)
    }

    /// Notes that the socket has taken this much, and whether that was all there is.
    pub(super) fn note_sent(&self, len: usize, all: bool, now: Instant) {
        let mut exchange = self.exchange();
        exchange.blocked = !all;
        if all {
            exchange.caught_up(now);
            self.changed.notify_one();
        } else {
            exchange.moved(len, now);
        }
    }

    /// Notes that the socket takes nothing more.
    pub(super) fn note_blocked(&self, now: Instant) {
        self.exchange().blocked = true;
        self.awaits_client(now);
    }

    fn awaits_client(&self, now: Instant) {
        let mut exchange = self.exchange();
        if exchange.waits_since.is_none() {
            (exchange.waits_since, exchange.moved) = (Some(now), 0);
            self.changed.notify_one();
        }
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    fn moved(&mut self, len: usize, now: Instant) {
        self.moved += len;
        if self.moved >= PROGRESS_LEN {
            self.caught_up(now);
        }
    }

    fn caught_up(&mut self, now: Instant) {
        self.moved = 0;
        self.waits_since = (!self.answering).then_some(now);
    }
}

impl Answering {
    pub(super) fn place(&self) -> &Arc<Place> {
        &self.0
    }

    /// Keeps the place until the answer is sent, for as long as it gets on.
    pub(super) fn stay(&self) {
        self.0.exchange().stays = true;
    }

    /// Notes that the connection gets on.
    pub(super) fn note_progress(&self) {
        self.0.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that nothing more of the request's body is there.
    pub(super) fn awaits_body(&self, now: Instant) {
        self.0.awaits_client(now);
    }

    /// Notes that this much of it has come.
    pub(super) fn received(&self, len: usize, now: Instant) {
        self.0.exchange().moved(len, now);
    }

    /// Notes that it is for the server to go on: the body has come to its end, or waits to be taken.
    pub(super) fn awaits_server(&self, now: Instant) {
        self.0.exchange().caught_up(now);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        {
            let mut exchange = self.0.exchange();
            (exchange.answering, exchange.stays) = (false, false);
        }
        self.0.awaits_client(Instant::now());
        // Who was waited for already has less time now.
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
