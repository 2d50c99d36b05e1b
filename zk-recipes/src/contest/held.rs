//! Holding: the guard behind a lock and a leadership.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use zk_client::ops::Guarded;
use zk_client::{Client, Error as ClientError, SessionId};

use super::{FencingToken, OwnNode, Reconnects, revoke};
use crate::cleaner::{self, Released, is_passing};
use crate::error::Result;
use crate::runtime::{self, Pauses};

/// Who holds for no longer than this does not look after its own node: it costs a request and a
/// watch, and a word from an operator or a peer may as well come so much later.
const SHORT_HOLD: Duration = Duration::from_millis(10);

/// Why a guard holds no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// The session expired; the server removed the node and somebody else may hold by now.
    SessionExpired,
    /// No server answered for as long as the session may live. Whether it still does is unknown,
    /// so it counts as lost: nobody promised anything beyond this point.
    DeadlinePassed,
    /// Somebody deleted the holder's node.
    NodeDeleted,
    /// The connection broke, and the builder said to let go right then.
    Suspended,
    /// The holder itself let go: released, resigned or dropped.
    Released,
    /// The client was closed.
    ClientClosed,
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionExpired => "the session expired",
            Self::DeadlinePassed => "no server answered for as long as the session may live",
            Self::NodeDeleted => "somebody deleted the holder's node",
            Self::Suspended => "the connection broke",
            Self::Released => "the holder let go",
            Self::ClientClosed => "the client was closed",
        })
    }
}

/// What a guard knows about itself at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HoldState {
    /// Held: a server answers for the session.
    Held,
    /// The connection is gone but the session should still live: nobody else can hold yet, and
    /// nothing can be proved either. Turns to `Held` or `Lost`.
    Unsure,
    /// Lost, for good.
    Lost(LostReason),
}

/// One term of holding, shared by the guard, the task that watches over it, and whoever waits for
/// its end. It ends exactly once.
#[derive(Clone, Debug)]
pub(crate) struct Term(Arc<TermState>);

#[derive(Debug)]
struct TermState {
    client: Client,
    path: String,
    token: FencingToken,
    session: SessionId,
    epoch: u64,
    reason: OnceLock<LostReason>,
    ended: CancellationToken,
    /// Somebody asks to let go.
    revoked: CancellationToken,
}

impl Term {
    fn new(node: &OwnNode) -> Self {
        Self(Arc::new(TermState {
            client: node.client.clone(),
            path: node.path.clone(),
            token: node.token,
            session: node.session,
            epoch: node.epoch,
            reason: OnceLock::new(),
            ended: CancellationToken::new(),
            revoked: CancellationToken::new(),
        }))
    }

    pub(crate) fn token(&self) -> FencingToken {
        self.0.token
    }

    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// Writes that take effect only while this process holds.
    pub(crate) fn writes(&self) -> Guarded<'_> {
        self.0.client.guarded_by(&self.0.path).in_session(self.0.epoch)
    }

    pub(crate) fn session_id(&self) -> SessionId {
        self.0.session
    }

    /// Ends the term unless it has ended; the reason it ended for.
    pub(crate) fn end(&self, reason: LostReason) -> LostReason {
        let settled = *self.0.reason.get_or_init(|| reason);
        self.0.ended.cancel();
        settled
    }

    /// The state now. Looks at the clock, so it notices a pause of the whole process that no task
    /// had a chance to notice; what it finds is final.
    pub(crate) fn state(&self) -> HoldState {
        if let Some(reason) = self.0.reason.get() {
            return HoldState::Lost(*reason);
        }
        let client = &self.0.client;
        // The deadline before the session: sessions never come back, so if it is still ours
        // afterwards, the deadline was its own.
        let deadline = client.session_deadline();
        if client.session_id() != Some(self.0.session) || client.session_epoch() != self.0.epoch {
            return HoldState::Lost(self.end(self.session_over()));
        }
        match deadline {
            Some(deadline) if runtime::now() < deadline => {
                if client.state().takes_writes() {
                    HoldState::Held
                } else {
                    HoldState::Unsure
                }
            }
            _ => HoldState::Lost(self.end(LostReason::DeadlinePassed)),
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        !matches!(self.state(), HoldState::Lost(_))
    }

    /// Resolves when the term has ended.
    pub(crate) fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        let term = self.clone();
        async move {
            term.0.ended.cancelled().await;
            // Set before the token is cancelled.
            term.0.reason.get().copied().unwrap_or(LostReason::Released)
        }
    }

    /// A token cancelled when the term ends; cancelling it oneself does not end the term.
    pub(crate) fn cancellation(&self) -> CancellationToken {
        self.0.ended.child_token()
    }

    /// Resolves to true when somebody asks to let go, to false when the term ends without.
    pub(crate) fn revoke_requested(&self) -> impl Future<Output = bool> + Send + use<> {
        let term = self.clone();
        async move {
            tokio::select! {
                biased;
                () = term.0.revoked.cancelled() => true,
                () = term.0.ended.cancelled() => false,
            }
        }
    }

    /// Ends the term and removes its node, and waits until that is done.
    pub(crate) async fn give_up(&self) -> Result<Released> {
        match self.end(LostReason::Released) {
            LostReason::SessionExpired | LostReason::ClientClosed => Ok(Released::SessionEnded),
            LostReason::NodeDeleted => Ok(Released::AlreadyGone),
            _ => Ok(cleaner::delete(&self.0.client, &self.0.path, self.0.epoch).await?),
        }
    }

    pub(super) fn session_over(&self) -> LostReason {
        if self.0.client.is_closed() {
            LostReason::ClientClosed
        } else {
            LostReason::SessionExpired
        }
    }
}

/// The right itself: whoever owns this value holds. Dropped, it is given up in the background.
#[derive(Debug)]
pub(crate) struct Held {
    node: OwnNode,
    term: Term,
}

impl Held {
    pub(crate) fn start(node: OwnNode, let_go_when_suspended: bool) -> Self {
        let term = Term::new(&node);
        let (task, ended) = (watch_over(term.clone(), let_go_when_suspended), term.clone());
        // A task that is dropped on its way goes with the runtime of the client.
        runtime::spawn_resident_to_end(&term.0.client, task, move || {
            ended.end(LostReason::ClientClosed);
        });
        Self { node, term }
    }

    pub(crate) fn term(&self) -> &Term {
        &self.term
    }

    pub(super) fn node(&self) -> &OwnNode {
        &self.node
    }

    pub(super) fn node_mut(&mut self) -> &mut OwnNode {
        &mut self.node
    }

    /// Gives up and waits until the node is gone for certain.
    pub(crate) async fn release(mut self) -> Result<Released> {
        let released = self.term.give_up().await?;
        self.node.set_gone();
        Ok(released)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        use LostReason::{ClientClosed, NodeDeleted, SessionExpired};
        // Ended before the node goes, so that nobody acts as the holder meanwhile.
        if let SessionExpired | NodeDeleted | ClientClosed = self.term.end(LostReason::Released) {
            self.node.set_gone();
        }
    }
}

/// Ends the term when it is lost, from whatever side that shows.
async fn watch_over(term: Term, let_go_when_suspended: bool) {
    let client = term.0.client.clone();
    let reason = tokio::select! {
        biased;
        reason = term.lost() => reason,
        // Also when the client is closed.
        () = client.session_ended(term.0.epoch) => term.session_over(),
        () = deadline_passed(&client) => LostReason::DeadlinePassed,
        () = broken(&client), if let_go_when_suspended => LostReason::Suspended,
        () = node_deleted(&term) => LostReason::NodeDeleted,
    };
    let reason = term.end(reason);
    debug!(path = %term.0.path, token = %term.token(), %reason, "no longer held");
    if let LostReason::DeadlinePassed | LostReason::Suspended = reason {
        // The session may live on, and would block the line with a node that nobody stands for.
        drop(cleaner::delete(&client, &term.0.path, term.0.epoch));
    }
}

/// Resolves when the session has not been answered for as long as it may live.
async fn deadline_passed(client: &Client) {
    while let Some(deadline) = client.session_deadline() {
        if runtime::now() >= deadline {
            return;
        }
        // Answers move the deadline, so this wakes about once per session timeout.
        runtime::sleep_until(deadline).await;
    }
    // No session: its end is somebody else's news.
    std::future::pending().await
}

/// Resolves when the connection breaks.
async fn broken(client: &Client) {
    Reconnects::new(client).broken().await;
}

/// Resolves when the holder's own node is deleted: by an operator, or by a server that expired the
/// session before the client heard of it.
async fn node_deleted(term: &Term) {
    runtime::sleep(SHORT_HOLD).await;
    let TermState { client, path, session, .. } = &*term.0;
    let mut pauses = Pauses::new();
    loop {
        match client.get(path).watch().await {
            Ok((data, stat, watch)) if stat.ephemeral_owner == *session => {
                if revoke::is_asked_for(&data, &stat) {
                    term.0.revoked.cancel();
                }
                if watch.await.is_err() {
                    return std::future::pending().await;
                }
            }
            Ok(_) | Err(ClientError::NoNode { .. }) => return,
            Err(error) if is_passing(&error) => pauses.pause().await,
            Err(ClientError::SessionExpired | ClientError::Closed) => {
                return std::future::pending().await;
            }
            Err(error) => {
                warn!(%path, %error, "cannot watch the own node: its deletion will go unnoticed");
                return std::future::pending().await;
            }
        }
    }
}
