//! Watches that fire once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Sink, WatchedEvent};
use crate::chroot::Chroot;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::queue::Command;
use crate::session::{Notice, Watch, WatchKind, WatcherId};
use crate::shared::Shared;

/// A watch that was set along with a read: a future of the one event it fires with.
///
/// It survives reconnections, and fires for what happened meanwhile. It fails with
/// [`Error::SessionExpired`], [`Error::AuthFailed`] or [`Error::Closed`] if the session ends
/// first: the event is then unknown, so read again. The event is there to be awaited before any
/// read shows the change it tells of.
///
/// Dropping it costs nothing and forgets the watch.
#[must_use = "a watch that is dropped tells nothing"]
pub struct OneshotWatch {
    slot: Arc<Slot>,
    id: WatcherId,
    shared: Arc<Shared>,
    chroot: Chroot,
    /// Nothing is set that would have to be forgotten.
    over: bool,
}

impl OneshotWatch {
    /// A watch to be, and what the session needs to set it.
    pub(crate) fn new(client: &Client, kind: WatchKind, path: &str) -> (Watch<Sink>, Self) {
        let slot = Arc::new(Slot::default());
        let (shared, chroot) = (Arc::clone(client.shared()), client.chroot().clone());
        let id = shared.next_watcher();
        let sink = Sink::Oneshot(Arc::clone(&slot));
        let request = Watch { id, kind, path: path.into(), sink };
        (request, Self { slot, id, shared, chroot, over: false })
    }

    /// The request that was to set the watch has failed.
    pub(crate) fn was_never_set(&mut self) {
        self.over = true;
    }

    fn event(&self, notice: Notice) -> Result<WatchedEvent> {
        match notice {
            Notice::Event(event) => {
                WatchedEvent::new(&event, &self.chroot).ok_or_else(|| Error::Protocol {
                    op: "notification",
                    path: self.chroot.to_client(&event.path).to_owned(),
                    reason: format!("{:?} is not for servers to send", event.kind),
                })
            }
            Notice::Ended(failure) => Err(Error::from_end(&failure)),
            // One-shot watches are never told this; if they were, reading again is right.
            Notice::Rearmed => Err(Error::SessionExpired),
        }
    }
}

impl Future for OneshotWatch {
    type Output = Result<WatchedEvent>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(notice) = self.slot.poll(cx) else {
            return Poll::Pending;
        };
        self.over = true;
        Poll::Ready(self.event(notice))
    }
}

impl Drop for OneshotWatch {
    fn drop(&mut self) {
        if !self.over && !self.slot.is_filled() {
            // A client that has ended has no watches left to forget.
            let _ = self.shared.queue.command(Command::Unwatch(self.id));
        }
    }
}

impl fmt::Debug for OneshotWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneshotWatch").field("over", &self.over).finish_non_exhaustive()
    }
}

/// Room for the one notice, shared by the driver and the [`OneshotWatch`].
#[derive(Default)]
pub(crate) struct Slot(Mutex<SlotState>);

#[derive(Default)]
struct SlotState {
    notice: Option<Notice>,
    waker: Option<Waker>,
}

impl Slot {
    pub(super) fn put(&self, notice: Notice) {
        let mut state = self.lock();
        state.notice.get_or_insert(notice);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Option<Notice> {
        let mut state = self.lock();
        if state.notice.is_none() {
            state.waker = Some(cx.waker().clone());
        }
        state.notice.take()
    }

    fn is_filled(&self) -> bool {
        self.lock().notice.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        // No code that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
