//! The one task of a participant: every input (line, session, owner) passes through it, so there is no
//! moment at which two of them decide about leading.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use zk_client::Error as ClientError;

use super::{LatchState, Leadership};
use crate::contest::{Contest, Held, Standing, Term, Turn};
use crate::error::{Error, Result};
use crate::runtime::{self, Pauses};

/// What the latch and its task share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) contest: Contest,
    pub(super) id: String,
    pub(super) states: watch::Sender<LatchState>,
    /// The name of the own node, while there is one.
    pub(super) node: watch::Sender<Option<String>>,
    /// Tells of a suspicion that the own node is gone.
    pub(super) look_again: Arc<Notify>,
    /// Cancelled when the owner wants out.
    pub(super) stop: CancellationToken,
    requeue: Requeue,
    /// Set when the running term is the last one, whatever `requeue` says.
    last_term: AtomicBool,
    terms: Mutex<Terms>,
}

/// What happens after a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requeue {
    /// Whether the participant gets in line again, unless it is told otherwise meanwhile.
    pub(super) again: bool,
    /// A random part of this passes before it does.
    pub(super) jitter: Duration,
}

impl Requeue {
    pub(super) const AT_ONCE: Self = Self { again: true, jitter: Duration::ZERO };
}

#[derive(Debug, Default)]
struct Terms {
    /// The running term.
    current: Option<Term>,
    /// Its guard, until somebody takes it.
    offer: Option<Leadership>,
    /// What went wrong at the end.
    failure: Option<Error>,
}

impl Shared {
    pub(super) fn new(contest: Contest, id: String, requeue: Requeue) -> Self {
        let stop = CancellationToken::new();
        Self {
            contest,
            id,
            states: watch::Sender::new(LatchState::Joining),
            node: watch::Sender::new(None),
            look_again: Arc::default(),
            stop,
            requeue,
            last_term: AtomicBool::new(!requeue.again),
            terms: Mutex::default(),
        }
    }

    fn terms(&self) -> MutexGuard<'_, Terms> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        self.terms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the running term the participant is not to get in line again.
    pub(super) fn set_last_term(&self) {
        self.last_term.store(true, Ordering::Relaxed);
    }

    pub(super) fn current(&self) -> Option<Term> {
        self.terms().current.clone()
    }

    /// The guard of the running term, if it is still to be had.
    pub(super) fn take_offer(&self) -> Option<Leadership> {
        let offer = self.terms().offer.take();
        offer.filter(|leadership| leadership.is_held())
    }

    /// The task is over. Where it did not get to its end, its runtime was shut down.
    pub(super) fn end(&self) {
        if *self.states.borrow() != LatchState::Closed {
            self.terms().failure = Some(Error::Client(ClientError::Closed));
            self.publish(LatchState::Closed);
        }
    }

    pub(super) fn close_result(&self) -> Result<()> {
        self.terms().failure.clone().map_or(Ok(()), Err)
    }

    fn publish(&self, state: LatchState) {
        runtime::publish(&self.states, state);
    }

    /// Resolves when the latch is to leave: its owner or the client is closing.
    async fn stopped(&self) {
        runtime::stopped(&self.stop, &self.contest.client).await;
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.contest.client.is_closed()
    }
}

/// Takes part until the latch is stopped or the client is of no further use.
pub(super) async fn run(shared: Arc<Shared>, first: Standing) {
    let mut pauses = Pauses::new();
    let mut standing = Some(first);
    while let Some(place) = standing.take() {
        shared.node.send_replace(Some(place.name().to_owned()));
        let result = shared.take_part(place).await;
        shared.node.send_replace(None);
        if shared.is_stopped() {
            shared.terms().failure = result.err();
            break;
        }
        match result {
            // A term was served: what went wrong before is over.
            Ok(Some(Turn::Won)) => {
                pauses = Pauses::new();
                if shared.last_term.load(Ordering::Relaxed) {
                    break;
                }
                shared.rest().await;
            }
            Ok(_) => pauses.pause().await,
            Err(error) => shared.report(&error, &mut pauses).await,
        }
        standing = shared.rejoin(&mut pauses).await;
    }
    shared.publish(LatchState::Closed);
}

impl Shared {
    /// Waits for the turn and serves the term; the turn it came to, or `None` when stopped.
    async fn take_part(&self, mut standing: Standing) -> Result<Option<Turn>> {
        let mut ahead = |ahead| self.publish(LatchState::Waiting { ahead });
        let turn = loop {
            tokio::select! {
                biased;
                () = self.stopped() => break None,
                turn = standing.turn(&mut ahead) => break Some(turn?),
                () = self.look_again.notified() => {}
            }
        };
        match turn {
            None => drop(standing.leave().await?),
            Some(Turn::Won) => self.serve(standing.hold()).await?,
            Some(turn) => debug!(path = %self.contest.directory, ?turn, "lost the place in line"),
        }
        Ok(turn)
    }

    /// One term, from taking it up to its end.
    async fn serve(&self, held: Held) -> Result<()> {
        let term = held.term().clone();
        let token = term.token();
        {
            let mut terms = self.terms();
            terms.current = Some(term.clone());
            terms.offer = Some(Leadership::new(held));
        }
        let mut states = self.contest.client.states();
        let mut lost = std::pin::pin!(term.lost());
        let ended = loop {
            tokio::select! {
                biased;
                reason = &mut lost => {
                    debug!(path = %self.contest.directory, %token, %reason, "leads no more");
                    break Ok(());
                }
                () = self.stopped() => break term.give_up().await.map(drop),
                Some(state) = states.next() => self.publish(if state.takes_writes() {
                    LatchState::Leading { token }
                } else {
                    LatchState::Unsure { token }
                }),
            }
        };
        let offer = {
            let mut terms = self.terms();
            terms.current = None;
            terms.offer.take()
        };
        drop(offer);
        self.publish(LatchState::Joining);
        ended
    }

    /// Lets others have a turn, and a failing process some peace.
    async fn rest(&self) {
        if self.requeue.jitter.is_zero() {
            return;
        }
        tokio::select! {
            biased;
            () = runtime::sleep(runtime::jitter(self.requeue.jitter)) => {}
            () = self.stopped() => {}
        }
    }

    /// Gets in line again, however often it takes; `None` when there is no point any more.
    async fn rejoin(&self, pauses: &mut Pauses) -> Option<Standing> {
        while !self.is_stopped() {
            self.publish_joining();
            // Not given up half-way when the owner wants out: who waits for that wants the node gone,
            // and only who knows it can wait for its end.
            match self.contest.enter().await {
                Ok(standing) => return Some(standing),
                Err(Error::Client(ClientError::Closed | ClientError::AuthFailed { .. })) => {
                    return None;
                }
                Err(error) => self.report(&error, pauses).await,
            }
        }
        None
    }

    /// Keeps the reason visible while trying again.
    fn publish_joining(&self) {
        if !matches!(*self.states.borrow(), LatchState::NotParticipating { .. }) {
            self.publish(LatchState::Joining);
        }
    }

    async fn report(&self, error: &Error, pauses: &mut Pauses) {
        let path = &self.contest.directory;
        warn!(%path, id = %self.id, %error, "takes no part in the election for now");
        self.publish(LatchState::NotParticipating { reason: error.to_string() });
        tokio::select! {
            biased;
            () = pauses.pause() => {}
            () = self.stopped() => {}
        }
    }
}
