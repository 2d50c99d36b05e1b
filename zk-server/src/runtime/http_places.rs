//! Who has a place at an HTTP port, and who has to leave it to somebody else.
//!
//! A place that nobody asks anything from is worth little, and a client that opens all of them would
//! keep everybody else waiting, the probes that decide whether the server is restarted among them.
//! So whoever comes when all are taken gets that of the oldest connection that is not being answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Connections of one port at the same time. Prometheus has one, a script one.
pub(super) const CONNECTIONS_MAX: usize = 50;

/// The same with those that have been told to leave and say their last words.
const WITH_LEAVING_MAX: usize = 2 * CONNECTIONS_MAX;

/// The places of one port.
#[derive(Default)]
pub(super) struct Places {
    /// Oldest first. One that only this list knows is free.
    taken: VecDeque<Arc<Place>>,
    leaving: Vec<Arc<Place>>,
    freed: Arc<Notify>,
}

/// One connection's place.
#[derive(Default)]
pub(super) struct Place {
    /// Grows whenever the connection gets on.
    progress: AtomicU64,
    answering: AtomicBool,
    leave: CancellationToken,
    freed: Arc<Notify>,
}

/// An answer that is being made or sent, as long as this exists.
pub(super) struct Answering(Arc<Place>);

impl Places {
    /// Whether somebody who comes now gets a place.
    pub(super) fn have_room(&mut self) -> bool {
        self.forget_who_left();
        self.taken.len() + self.leaving.len() < WITH_LEAVING_MAX
            && (self.taken.len() < CONNECTIONS_MAX || self.oldest_idle().is_some())
    }

    /// Gives a place to somebody for whom [there is room](Self::have_room).
    pub(super) fn take(&mut self) -> Arc<Place> {
        self.forget_who_left();
        if self.taken.len() >= CONNECTIONS_MAX
            && let Some(oldest) = self.oldest_idle()
            && let Some(place) = self.taken.remove(oldest)
        {
            place.leave.cancel();
            self.leaving.push(place);
        }
        let place = Arc::new(Place { freed: Arc::clone(&self.freed), ..Place::default() });
        self.taken.push_back(Arc::clone(&place));
        place
    }

    /// What wakes when there may be room again, but for connections that end.
    pub(super) fn freed(&self) -> Arc<Notify> {
        Arc::clone(&self.freed)
    }

    fn oldest_idle(&self) -> Option<usize> {
        self.taken.iter().position(|place| !place.answering.load(Ordering::Relaxed))
    }

    fn forget_who_left(&mut self) {
        self.taken.retain(|place| Arc::strong_count(place) > 1);
        self.leaving.retain(|place| Arc::strong_count(place) > 1);
    }
}

impl Place {
    /// Begins to answer a request.
    pub(super) fn answer(self: &Arc<Self>) -> Answering {
        self.answering.store(true, Ordering::Relaxed);
        self.progress.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Waits until somebody else needs the place.
    pub(super) async fn has_to_leave(&self) {
        self.leave.cancelled().await;
    }
}

impl Answering {
    /// Notes that the connection gets on.
    pub(super) fn note_progress(&self) {
        self.0.progress.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.store(false, Ordering::Relaxed);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_not_being_answered_leaves() {
        let mut places = Places::default();
        let all: Vec<_> = (0..CONNECTIONS_MAX).map(|_| places.take()).collect();
        let mut answers: VecDeque<_> = all.iter().map(Place::answer).collect();
        assert!(!places.have_room(), "nobody can leave");
        answers.truncate(10);
        for leaving in &all[10..] {
            assert!(places.have_room());
            let next = places.take();
            answers.push_back(next.answer());
            assert!(leaving.leave.is_cancelled());
        }
        assert!(!places.have_room(), "all are being answered again");
        assert!(all[..10].iter().all(|place| !place.leave.is_cancelled()));
        answers.pop_front();
        places.take();
        assert!(all[0].leave.is_cancelled());
    }

    #[test]
    fn those_who_leave_are_bounded_and_forgotten_when_they_have_left() {
        let mut places = Places::default();
        let mut all = Vec::new();
        while places.have_room() {
            all.push(places.take());
        }
        assert_eq!(all.len(), WITH_LEAVING_MAX);
        all.remove(0);
        assert!(places.have_room(), "one of them has left");
        all.clear();
        let free = (0..CONNECTIONS_MAX).map(|_| places.take()).collect::<Vec<_>>();
        assert!(free.iter().all(|place| !place.leave.is_cancelled()));
    }
}
