//! The handle of a node that is kept alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, EventType, OneshotWatch, SessionId};

use super::PersistentNodeBuilder;
use super::kind::Manner;
use super::node::{Kept, Pass};
use crate::cleaner::Released;
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::runtime::{self, Pauses};

/// Where a node that is kept alive stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeState {
    /// On its way to the server: not there yet, or being put there again in a new session.
    Creating,
    /// The node is there, with the data that is wanted.
    Present,
    /// Somebody else's node is there. Ours comes when it goes.
    Taken {
        /// The session that owns it; 0 if it is no ephemeral node.
        owner: SessionId,
    },
    /// The server refuses the node; it is tried again.
    Failing {
        /// What went wrong.
        reason: String,
    },
    /// Closed. Final.
    Closed,
}

/// A node that is kept alive. Dropping it removes the node in the background. See the
/// [module](super).
#[derive(Debug)]
#[must_use = "dropping it removes the node"]
pub struct PersistentNode {
    shared: Arc<Shared>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    /// The path as it was given.
    path: String,
    /// Where the node was last.
    place: watch::Sender<String>,
    manner: Manner,
    /// The data that the owner wants.
    wanted: watch::Sender<Bytes>,
    /// Held by whoever talks to the server about the node, one at a time.
    node: Mutex<Kept>,
    states: watch::Sender<NodeState>,
    stop: CancellationToken,
}

/// How a pass ended, for who waits for the next one.
enum Agreed {
    Present { epoch: u64, watch: OneshotWatch },
    Taken { watch: OneshotWatch },
}

impl PersistentNode {
    /// Creates the node at `path`, keeps it alive, and returns when it is there.
    ///
    /// If somebody else's node is there, this waits until it is gone: a process that starts again
    /// waits for the session of the one that died. [`builder`](Self::builder) knows other ways.
    pub async fn start(client: &Client, path: &str, data: impl Into<Bytes>) -> Result<Self> {
        Self::builder(path).data(data).start(client).await
    }

    /// Options for a node at `path`.
    pub fn builder(path: impl Into<String>) -> PersistentNodeBuilder {
        PersistentNodeBuilder::new(path.into())
    }

    /// The handle exists before the first request is sent: dropping the future drops the handle,
    /// which takes back whatever has been done.
    pub(crate) async fn keep(
        client: &Client,
        path: &str,
        data: Bytes,
        options: NodeOptions,
        manner: Manner,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            client: client.clone(),
            path: path.to_owned(),
            place: watch::Sender::new(path.to_owned()),
            manner,
            wanted: watch::Sender::new(data),
            node: Mutex::new(Kept::new(client, path, options, manner)),
            states: watch::Sender::new(NodeState::Creating),
            stop: CancellationToken::new(),
        });
        let node = Self { shared: shared.clone(), closed: AtomicBool::new(false) };
        let agreed = loop {
            match shared.agree().await? {
                // Whatever happened, the next pass tells; also that the client was closed.
                Agreed::Taken { watch } => drop(watch.await),
                present => break present,
            }
        };
        if !manner.unattended {
            let ended = shared.clone();
            let task = keep(shared, agreed);
            runtime::spawn_resident_to_end(client, task, move || ended.end());
        }
        Ok(node)
    }

    /// The path of the node.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.shared.path
    }

    /// Where the node is, or was last: the path, and the number of a numbered one.
    pub(crate) fn place(&self) -> String {
        self.shared.place.borrow().clone()
    }

    /// Nothing makes the node again, and nothing removes it.
    pub(super) fn abandon(&self) {
        self.shared.stop.cancel();
        self.closed.store(true, Ordering::Relaxed);
        self.shared.publish(NodeState::Closed);
    }

    /// What belongs to the node cannot be done for now.
    pub(super) fn fail(&self, error: &Error) {
        self.shared.publish(NodeState::Failing { reason: error.to_string() });
    }

    /// The data that the node has, or will have.
    #[must_use]
    pub fn data(&self) -> Bytes {
        self.shared.wanted.borrow().clone()
    }

    /// Where the node stands.
    #[must_use]
    pub fn state(&self) -> NodeState {
        self.shared.states.borrow().clone()
    }

    /// Waits until the state is one that `wanted` accepts, and returns it.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&NodeState) -> bool) -> NodeState {
        let mut states = self.shared.states.subscribe();
        match states.wait_for(|state| wanted(state)).await {
            Ok(state) => state.clone(),
            // Cannot happen while `self` owns the sender.
            Err(_) => NodeState::Closed,
        }
    }

    /// Sets the data, and waits until the server has it. It is what the node gets whenever it is
    /// made again. Of two calls the later one wins.
    pub async fn set_data(&self, data: impl Into<Bytes>) -> Result<()> {
        self.shared.wanted.send_replace(data.into());
        self.confirm().await
    }

    /// Waits until the server has the node as it is wanted.
    pub(crate) async fn confirm(&self) -> Result<()> {
        while let Agreed::Taken { watch } = self.shared.agree().await? {
            let _ = watch.await;
        }
        Ok(())
    }

    /// Removes the node and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on nothing makes it again. Dropped half-way, the work goes on in the
    /// background. Deletes only this handle's own node.
    pub async fn close(&self) -> Result<Released> {
        self.shared.stop.cancel();
        let released = self.shared.withdraw().await?;
        self.closed.store(true, Ordering::Relaxed);
        Ok(released)
    }
}

impl Drop for PersistentNode {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        // A start that did not get through takes back what it did, whatever becomes of the node
        // later.
        let stays = self.shared.manner.stays && *self.shared.states.borrow() != NodeState::Creating;
        if *self.closed.get_mut() || stays {
            return;
        }
        let shared = self.shared.clone();
        runtime::spawn_cleanup(&self.shared.client, async move {
            if let Err(error) = shared.withdraw().await {
                warn!(path = %shared.path, %error, "could not remove a dropped node");
            }
        });
    }
}

impl Shared {
    /// Brings the server to what is wanted.
    async fn agree(&self) -> Result<Agreed> {
        let mut node = self.node.lock().await;
        loop {
            if self.gave_way() {
                return Err(Error::Replaced { path: self.path.clone() });
            }
            if self.stop.is_cancelled() {
                return Err(Error::Unregistered { path: self.path.clone() });
            }
            let data = self.wanted.borrow().clone();
            let pass = node.reconcile(&data).await;
            self.place.send_if_modified(|place| {
                let is_new = place.as_str() != node.path();
                node.path().clone_into(place);
                is_new
            });
            let pass = pass?;
            // New data during the pass: what was agreed on is old already.
            if *self.wanted.borrow() != data {
                continue;
            }
            let (state, agreed) = match pass {
                Pass::Agreed { epoch, watch } => {
                    (NodeState::Present, Agreed::Present { epoch, watch })
                }
                Pass::Taken { owner, watch } => {
                    (NodeState::Taken { owner }, Agreed::Taken { watch })
                }
            };
            self.publish(state);
            if !self.gave_way() {
                return Ok(agreed);
            }
        }
    }

    /// Whether somebody else has the path for good.
    fn gave_way(&self) -> bool {
        self.manner.gives_way && matches!(*self.states.borrow(), NodeState::Taken { .. })
    }

    /// Nothing keeps the node any more. If its owner does not say so, the client was closed or its
    /// runtime shut down, and the owner may be waiting to hear of it.
    fn end(&self) {
        if !self.stop.is_cancelled() && !self.gave_way() {
            self.publish(NodeState::Closed);
        }
    }

    async fn withdraw(&self) -> Result<Released> {
        let released = self.node.lock().await.withdraw().await?;
        self.publish(NodeState::Closed);
        Ok(released)
    }

    fn publish(&self, state: NodeState) {
        runtime::publish(&self.states, state);
    }

    /// Resolves when the handle is gone or its client is closing.
    async fn stopped(&self) {
        runtime::stopped(&self.stop, &self.client).await;
    }

    /// Waits until something happened to the node: it changed, or its session is over.
    async fn disturbed(&self, agreed: Agreed) {
        match agreed {
            Agreed::Present { epoch, watch } => {
                tokio::select! {
                    biased;
                    event = watch => match event {
                        Ok(event) if event.kind != EventType::NodeDeleted => return,
                        Ok(_) => {}
                        // The watch ended with the session.
                        Err(_) => self.client.session_ended(epoch).await,
                    },
                    () = self.client.session_ended(epoch) => {}
                }
                self.publish(NodeState::Creating);
            }
            Agreed::Taken { watch } => drop(watch.await),
        }
    }
}

/// Keeps the node, of which `first` was agreed on, as wanted until the handle is gone.
async fn keep(shared: Arc<Shared>, first: Agreed) {
    let mut pauses = Pauses::new();
    let mut known = Some(first);
    loop {
        let pass = async {
            let agreed = match known.take() {
                Some(agreed) => Ok(agreed),
                None => shared.agree().await,
            };
            match agreed {
                Ok(agreed) => {
                    pauses = Pauses::new();
                    shared.disturbed(agreed).await;
                }
                Err(Error::Replaced { path }) => {
                    warn!(%path, "somebody else has the node now");
                    shared.stop.cancelled().await;
                }
                Err(error) => {
                    warn!(path = %shared.path, %error, "cannot keep a node alive for now");
                    shared.publish(NodeState::Failing { reason: error.to_string() });
                    pauses.pause().await;
                }
            }
        };
        tokio::select! {
            biased;
            // First: once it has stopped, a pass that has given way ends at once, again and again.
            () = shared.stopped() => return,
            () = pass => {}
        }
    }
}
