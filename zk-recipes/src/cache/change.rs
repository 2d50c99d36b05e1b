//! How a cache tells what changed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};
use zk_client::Stat;

/// A node as it was when it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedNode {
    /// The path of the node.
    pub path: String,
    /// Its data.
    pub data: Bytes,
    /// Its metadata. What it says of the children is as old as the data.
    pub stat: Stat,
}

/// One change of what is cached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheChange {
    /// A node came.
    Added(Arc<CachedNode>),
    /// A node has new data, or the same set again.
    Updated(Arc<CachedNode>),
    /// A node was deleted and created again, and nobody saw it missing.
    Replaced(Arc<CachedNode>),
    /// A node went; this is what was last known of it.
    Removed(Arc<CachedNode>),
    /// This consumer was too slow and missed changes: read the [`nodes`](super::Cache::nodes)
    /// again.
    Missed {
        /// How many changes were dropped.
        count: u64,
    },
}

/// The changes of a cache from the moment it was asked for. Ends when the cache does.
#[must_use = "streams do nothing unless polled"]
pub struct CacheChanges(BoxStream<'static, CacheChange>);

impl CacheChanges {
    pub(super) fn new(receiver: broadcast::Receiver<CacheChange>) -> Self {
        Self(Box::pin(stream::unfold(receiver, |mut receiver| async move {
            match receiver.recv().await {
                Ok(change) => Some((change, receiver)),
                Err(RecvError::Lagged(count)) => Some((CacheChange::Missed { count }, receiver)),
                Err(RecvError::Closed) => None,
            }
        })))
    }
}

impl Stream for CacheChanges {
    type Item = CacheChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<CacheChange>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for CacheChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheChanges")
    }
}
