//! What the session is doing, for the application to see.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::watch;
use tokio_util::sync::ReusableBoxFuture;
use zk_proto::SessionId;

use crate::session::SessionState;

/// Everything the driver publishes about the session, as one value so that it is never torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) state: SessionState,
    /// The number of the session: one more as soon as a session is over.
    pub(crate) epoch: u64,
    /// How often a server took the client in; tells a blip that nobody saw from none.
    pub(crate) connections: u64,
    pub(crate) session: Option<SessionId>,
    pub(crate) timeout: Option<Duration>,
    /// Nothing will change any more.
    pub(crate) finished: bool,
}

impl Snapshot {
    pub(crate) const FIRST: Self = Self {
        state: SessionState::Connecting,
        epoch: 1,
        connections: 0,
        session: None,
        timeout: None,
        finished: false,
    };
}

/// The session's states, beginning with the one at the time it was asked for.
///
/// A consumer that falls behind is not handed every state it missed, but never misses what counts:
/// it sees [`Expired`](SessionState::Expired) for a lost session (once, even if several were lost
/// meanwhile), [`Suspended`](SessionState::Suspended) if the connection was changed meanwhile, and
/// always the latest state. So the stream needs no buffer that could overflow. It ends after a
/// final state.
///
/// A state is there to be read before any reply of a newer session.
#[must_use = "streams do nothing unless polled"]
pub struct SessionStates {
    changed: Changed,
    /// How things were when the stream was made: what happened since then is news, also to who
    /// polls late.
    first: Snapshot,
    /// What was handed out last, and in which snapshot; `None` at first.
    last: Option<(SessionState, Snapshot)>,
    ended: bool,
}

impl SessionStates {
    pub(crate) fn new(receiver: watch::Receiver<Snapshot>) -> Self {
        let first = *receiver.borrow();
        Self { changed: Changed::new(receiver), first, last: None, ended: false }
    }
}

/// The state to hand out on the way from `shown`, as things were `then`, to `now`.
fn next_state(shown: SessionState, then: Snapshot, now: Snapshot) -> Option<SessionState> {
    if now.epoch > then.epoch && !now.state.is_final() && shown != SessionState::Expired {
        return Some(SessionState::Expired);
    }
    let blinked = now.connections > then.connections && now.epoch == then.epoch;
    if shown.is_connected() && now.state.is_connected() && blinked {
        return Some(SessionState::Suspended);
    }
    (shown != now.state).then_some(now.state)
}

impl Stream for SessionStates {
    type Item = SessionState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SessionState>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Some((mut shown, mut then)) = self.last else {
            let first = self.first;
            self.last = Some((first.state, first));
            self.ended = first.finished;
            return Poll::Ready(Some(first.state));
        };
        loop {
            let now = self.changed.current();
            if let Some(state) = next_state(shown, then, now) {
                self.last = Some((state, now));
                self.ended = now.finished && state == now.state;
                return Poll::Ready(Some(state));
            }
            (shown, then) = (now.state, now);
            self.last = Some((shown, then));
            if now.finished || !ready!(self.changed.poll(cx)) {
                self.ended = true;
                return Poll::Ready(None);
            }
        }
    }
}

impl fmt::Debug for SessionStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.map(|(state, _)| state);
        f.debug_struct("SessionStates").field("last", &last).finish_non_exhaustive()
    }
}

/// Resolves when a session is over: expired, closed or refused. For everything that is bound to
/// one session, such as an ephemeral node.
#[must_use = "futures do nothing unless awaited"]
pub struct SessionEnded {
    changed: Changed,
    epoch: u64,
}

impl SessionEnded {
    pub(crate) fn new(receiver: watch::Receiver<Snapshot>, epoch: u64) -> Self {
        Self { changed: Changed::new(receiver), epoch }
    }
}

impl Future for SessionEnded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.changed.current();
            if now.epoch > self.epoch || now.finished {
                return Poll::Ready(());
            }
            if !ready!(self.changed.poll(cx)) {
                return Poll::Ready(());
            }
        }
    }
}

impl fmt::Debug for SessionEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEnded").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// A watch channel that can be polled: the future that waits owns the receiver and gives it back.
struct Changed {
    receiver: watch::Receiver<Snapshot>,
    waiting: Option<ReusableBoxFuture<'static, bool>>,
}

impl Changed {
    fn new(receiver: watch::Receiver<Snapshot>) -> Self {
        Self { receiver, waiting: None }
    }

    /// The latest value; [`poll`](Self::poll) then waits for a newer one.
    fn current(&mut self) -> Snapshot {
        if self.waiting.is_some() {
            return *self.receiver.borrow();
        }
        *self.receiver.borrow_and_update()
    }

    /// Waits for a value newer than the last `current`; false when no more will come.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let receiver = &self.receiver;
        let waiting = self.waiting.get_or_insert_with(|| {
            let mut receiver = receiver.clone();
            ReusableBoxFuture::new(async move { receiver.changed().await.is_ok() })
        });
        let more = ready!(waiting.poll(cx));
        self.waiting = None;
        Poll::Ready(more)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn connected(epoch: u64, connections: u64) -> Snapshot {
        Snapshot { state: SessionState::Connected, epoch, connections, ..Snapshot::FIRST }
    }

    fn drain(states: &mut SessionStates) -> Vec<SessionState> {
        std::iter::from_fn(|| states.next().now_or_never().flatten()).collect()
    }

    #[test]
    fn the_first_item_is_the_current_state() {
        let (_sender, receiver) = watch::channel(connected(1, 1));
        assert_eq!(drain(&mut SessionStates::new(receiver)), [SessionState::Connected]);
    }

    #[test]
    fn a_lost_session_is_reported_to_who_was_not_looking() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut states = SessionStates::new(receiver);
        drain(&mut states);
        sender.send_replace(connected(2, 2));
        assert_eq!(drain(&mut states), [SessionState::Expired, SessionState::Connected]);
    }

    #[test]
    fn a_session_lost_before_the_first_look_is_reported() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut states = SessionStates::new(receiver);
        sender.send_replace(connected(2, 2));
        let (connected, expired) = (SessionState::Connected, SessionState::Expired);
        assert_eq!(drain(&mut states), [connected, expired, connected]);
    }

    #[test]
    fn a_lost_session_is_reported_once() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut states = SessionStates::new(receiver);
        drain(&mut states);
        let over = Snapshot { state: SessionState::Expired, ..connected(2, 1) };
        sender.send_replace(over);
        assert_eq!(drain(&mut states), [SessionState::Expired]);
        sender.send_replace(Snapshot { state: SessionState::Connecting, ..over });
        sender.send_replace(connected(2, 2));
        assert_eq!(drain(&mut states), [SessionState::Connected]);
    }

    #[test]
    fn a_blip_is_reported_to_who_was_not_looking() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut states = SessionStates::new(receiver);
        drain(&mut states);
        sender.send_replace(connected(1, 2));
        assert_eq!(drain(&mut states), [SessionState::Suspended, SessionState::Connected]);
    }

    #[test]
    fn the_stream_ends_after_a_final_state() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut states = SessionStates::new(receiver);
        assert_eq!(drain(&mut states), [SessionState::Connected]);
        let closed = Snapshot { state: SessionState::Closed, finished: true, ..connected(2, 1) };
        sender.send_replace(closed);
        assert_eq!(states.next().now_or_never(), Some(Some(SessionState::Closed)));
        assert_eq!(states.next().now_or_never(), Some(None));
    }

    #[test]
    fn a_session_has_ended_as_soon_as_the_epoch_moves_on() {
        let (sender, receiver) = watch::channel(connected(1, 1));
        let mut ended = SessionEnded::new(receiver.clone(), 1);
        assert_eq!((&mut ended).now_or_never(), None);
        sender.send_replace(Snapshot { state: SessionState::Expired, ..connected(2, 1) });
        assert_eq!(ended.now_or_never(), Some(()));
        assert_eq!(SessionEnded::new(receiver, 1).now_or_never(), Some(()));
    }
}
