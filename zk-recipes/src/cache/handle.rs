//! The handle of a cache.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use zk_client::Client;

use super::task::Task;
use super::{CacheChange, CacheChanges, CachedNode};
use crate::error::Result;
use crate::parents::child;
use crate::runtime;

/// How many changes a consumer may be behind before it is told that it missed some.
pub const CHANGES_BUFFERED: usize = 1024;

/// What is cached, by path.
pub type CachedNodes = Arc<BTreeMap<String, Arc<CachedNode>>>;

/// A copy of a node, or of a subtree, that is kept equal to what the server has. Dropping it ends
/// it. See the [module](super).
#[derive(Debug)]
pub struct Cache {
    root: String,
    state: watch::Receiver<State>,
    /// Kept to subscribe to; the task has the sending side.
    changes: broadcast::WeakSender<CacheChange>,
    stop: CancellationToken,
}

/// What a cache shows at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) nodes: CachedNodes,
    /// Whether the connection is gone or the cache has ended, so that changes may be unseen.
    pub(super) stale: bool,
}

impl Cache {
    /// Caches the node at `path`, which need not exist. Loaded when this returns.
    pub async fn node(client: &Client, path: &str) -> Result<Self> {
        Self::with_depth(client, path, 0).await
    }

    /// Caches the node at `path` and its children. Loaded when this returns.
    pub async fn children(client: &Client, path: &str) -> Result<Self> {
        Self::with_depth(client, path, 1).await
    }

    /// Caches the node at `path` and everything below it. Loaded when this returns.
    pub async fn tree(client: &Client, path: &str) -> Result<Self> {
        Self::with_depth(client, path, usize::MAX).await
    }

    /// Caches the node at `path` and `depth` levels below it. Loaded when this returns.
    ///
    /// # Errors
    ///
    /// The root may not be read, or the list of some node's children does not fit into a frame.
    /// What may not be read below the root is left out.
    pub async fn with_depth(client: &Client, path: &str, depth: usize) -> Result<Self> {
        let (state, receiver) = watch::channel(State::default());
        let (changes, _) = broadcast::channel(CHANGES_BUFFERED);
        let weak_changes = changes.downgrade();
        let task = Task::load(client, path.to_owned(), depth, state, changes).await?;
        let stop = CancellationToken::new();
        runtime::spawn_resident(client, task.run(stop.clone()));
        Ok(Self { root: path.to_owned(), state: receiver, changes: weak_changes, stop })
    }

    /// The path of the topmost node that is cached.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.root
    }

    /// The node at `path`; `None` if it does not exist, or is not cached.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Arc<CachedNode>> {
        self.state.borrow().nodes.get(path).cloned()
    }

    /// The topmost node; `None` while it does not exist.
    #[must_use]
    pub fn root(&self) -> Option<Arc<CachedNode>> {
        self.get(&self.root)
    }

    /// All nodes by path, as they are now. Costs nothing: no copy, no request. While it is kept, the
    /// next change copies the map (not the nodes).
    #[must_use]
    pub fn nodes(&self) -> CachedNodes {
        self.state.borrow().nodes.clone()
    }

    /// The children of the node at `path` that are cached, by path.
    #[must_use]
    pub fn children_of(&self, path: &str) -> Vec<Arc<CachedNode>> {
        let below = child(path, "");
        let state = self.state.borrow();
        let nodes = state.nodes.range(below.clone()..);
        nodes
            .take_while(|(path, _)| path.starts_with(&below))
            .filter(|(path, _)| path.len() > below.len() && !path[below.len()..].contains('/'))
            .map(|(_, node)| node.clone())
            .collect()
    }

    /// Whether the connection is gone, or the cache has ended because its root may not be read any
    /// more or the client is closed: the nodes are those last seen.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.state.borrow().stale
    }

    /// The changes from now on. Ask for them before reading [`nodes`](Self::nodes) and none falls
    /// between the two (one may show in both). A change is in the nodes before it is in the stream.
    pub fn changes(&self) -> CacheChanges {
        match self.changes.upgrade() {
            Some(changes) => CacheChanges::new(changes.subscribe()),
            // The cache has ended: a stream that has ended.
            None => CacheChanges::new(broadcast::channel(1).1),
        }
    }

    /// Waits until the nodes are such as `wanted` accepts; `None` when the cache ends before.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&BTreeMap<String, Arc<CachedNode>>) -> bool,
    ) -> Option<CachedNodes> {
        let mut state = self.state.clone();
        let found = state.wait_for(|state| wanted(&state.nodes)).await.ok()?;
        Some(found.nodes.clone())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
