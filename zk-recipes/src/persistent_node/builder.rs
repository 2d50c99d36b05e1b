//! How to keep a node alive.

use bytes::Bytes;
use zk_client::Client;

use super::PersistentNode;
use super::kind::Manner;
use crate::error::Result;
use crate::options::NodeOptions;

/// What to do about somebody else's node at the path, before the own one is there. Afterwards it is
/// waited for in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Conflict {
    /// Wait until it is gone.
    #[default]
    Wait,
    /// Put the own one in its place, in one step. Its owner, if alive, waits from then on.
    Replace,
    /// Give up: [`Error::Taken`](crate::Error::Taken).
    Fail,
}

/// Options of a node that is kept alive, in any order; may be used many times.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it starts"]
pub struct PersistentNodeBuilder {
    path: String,
    data: Bytes,
    options: NodeOptions,
    conflict: Conflict,
}

impl PersistentNodeBuilder {
    pub(super) fn new(path: String) -> Self {
        let (data, options, conflict) = (Bytes::new(), NodeOptions::new(), Conflict::default());
        Self { path, data, options, conflict }
    }

    /// The data of the node. Default: empty.
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// The ACL of the node, and what to do about missing parents.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// What to do about somebody else's node at the path. Default: wait until it is gone.
    pub fn on_conflict(mut self, conflict: Conflict) -> Self {
        self.conflict = conflict;
        self
    }

    /// Creates the node, keeps it alive, and returns when it is there. Cancel-safe: dropped, what
    /// was created is removed in the background.
    pub async fn start(&self, client: &Client) -> Result<PersistentNode> {
        let manner = Manner { conflict: self.conflict, ..Manner::default() };
        let (data, options) = (self.data.clone(), self.options.clone());
        PersistentNode::keep(client, &self.path, data, options, manner).await
    }
}
