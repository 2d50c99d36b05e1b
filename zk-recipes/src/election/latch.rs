//! A participant of an election.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use zk_client::Client;

use super::task::{Requeue, Shared, run};
use super::{
    LatchBuilder, LatchState, LatchStates, LeaderObserver, Leadership, Participant, participants,
};
use crate::cleaner::Released;
use crate::contest::{Contest, Standing};
use crate::error::{Error, Result};
use crate::runtime;
use crate::sequence::Mark;

/// A participant of an election. See the [module](super) for what that means.
///
/// Dropped, it leaves the election in the background; [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct LeaderLatch {
    shared: Arc<Shared>,
}

impl LeaderLatch {
    /// Joins the election at `path` as `id`, which any UTF-8 text can be and which the others see.
    ///
    /// Returns once the participant is in line.
    pub async fn start(client: &Client, path: &str, id: &str) -> Result<Self> {
        Self::builder(path, id).start(client).await
    }

    /// Options for taking part in the election at `path` as `id`.
    pub fn builder(path: impl Into<String>, id: impl Into<String>) -> LatchBuilder {
        LatchBuilder::new(path.into(), id.into())
    }

    pub(super) fn run(contest: Contest, id: String, standing: Standing, requeue: Requeue) -> Self {
        let shared = Arc::new(Shared::new(contest, id, requeue));
        let (task, ended) = (run(shared.clone(), standing), shared.clone());
        runtime::spawn_resident_to_end(&shared.contest.client, task, move || ended.end());
        Self { shared }
    }

    /// The id this participant joined with.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The path of the election.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.shared.contest.directory
    }

    /// Waits until this participant leads, and hands out the term.
    ///
    /// A term is handed out once: while its guard lives, another call waits for the next term. Fails
    /// only when the latch or its client is closed. Cancel-safe: a term nobody took stays for the
    /// next call.
    pub async fn lead(&self) -> Result<Leadership> {
        let mut states = self.shared.states.subscribe();
        loop {
            let is_closed = *states.borrow_and_update() == LatchState::Closed;
            if let Some(leadership) = self.shared.take_offer() {
                return Ok(leadership);
            }
            if is_closed || states.changed().await.is_err() {
                return Err(Error::LatchClosed { path: self.path().to_owned() });
            }
        }
    }

    /// Whether this participant leads right now, whoever has the guard.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.shared.current().is_some_and(|term| term.is_held())
    }

    /// What the latch is doing.
    #[must_use]
    pub fn state(&self) -> LatchState {
        self.shared.states.borrow().clone()
    }

    /// What the latch is doing, as it changes; the current state first.
    pub fn states(&self) -> LatchStates {
        LatchStates::new(self.shared.states.subscribe())
    }

    /// Everybody who takes part, the leader first, as the server this client talks to sees it.
    ///
    /// Cost: one list, then all nodes are read at once. Who leaves meanwhile is left out.
    pub async fn participants(&self) -> Result<Vec<Participant>> {
        let contest = &self.shared.contest;
        participants::list(&contest.client, self.path(), contest.mark).await
    }

    /// Who leads; `None` when nobody takes part.
    pub async fn leader(&self) -> Result<Option<Participant>> {
        let contest = &self.shared.contest;
        participants::leader(&contest.client, self.path(), contest.mark).await
    }

    /// [`participants`](Self::participants) of the election at `path`, for who is not one of them.
    pub async fn participants_of(client: &Client, path: &str) -> Result<Vec<Participant>> {
        participants::list(client, path, Mark::LATCH).await
    }

    /// [`leader`](Self::leader) of the election at `path`, for who takes no part.
    pub async fn leader_of(client: &Client, path: &str) -> Result<Option<Participant>> {
        participants::leader(client, path, Mark::LATCH).await
    }

    /// Follows who leads at `path`, for who takes no part. The directory need not exist yet.
    pub async fn observe(client: &Client, path: &str) -> Result<LeaderObserver> {
        LeaderObserver::start(client, path, Mark::LATCH).await
    }

    /// Ends the term if this participant leads, and goes to the tail of the line.
    ///
    /// The term's guard is lost from the call on; the call returns when the server has confirmed
    /// it. A participant that does not lead keeps its place.
    pub async fn resign(&self) -> Result<Released> {
        match self.shared.current() {
            Some(term) => term.give_up().await,
            None => Ok(Released::AlreadyGone),
        }
    }

    /// Leaves the election and waits until the server has confirmed it, through disconnects.
    ///
    /// The term's guard, if there is one, is lost from the call on. Should the client's runtime be
    /// shut down, this ends, perhaps with an error, and the node goes with the session.
    pub async fn close(self) -> Result<()> {
        self.leave().await
    }

    /// The name of this participant's node, as it changes; `None` while there is none.
    pub(crate) fn node(&self) -> watch::Receiver<Option<String>> {
        self.shared.node.subscribe()
    }

    /// Makes this participant look at the line again: who stands in it watches the one ahead, and
    /// so does not see that its own node is deleted.
    pub(crate) fn look_again(&self) -> Arc<Notify> {
        self.shared.look_again.clone()
    }

    /// The term that is led now is the last: afterwards the latch is closed.
    pub(crate) fn set_last_term(&self) {
        self.shared.set_last_term();
    }

    /// As [`close`](Self::close), and may be called again.
    pub(crate) async fn leave(&self) -> Result<()> {
        self.shared.stop.cancel();
        let mut states = self.shared.states.subscribe();
        // The sender lives in `shared`, so this ends by the state alone.
        let _ = states.wait_for(|state| *state == LatchState::Closed).await;
        self.shared.close_result()
    }
}

impl Drop for LeaderLatch {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
