//! How a view tells what changed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::ServiceInstance;

/// One change of a service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServiceChange {
    /// An instance came.
    Added(Arc<ServiceInstance>),
    /// An instance has new data, or was registered anew under the same id.
    Updated(Arc<ServiceInstance>),
    /// An instance went; this is what was last known of it.
    Removed(Arc<ServiceInstance>),
    /// A node is not an instance, or may not be read. What was known of it before stays in the
    /// view.
    Malformed {
        /// The node.
        path: String,
        /// What the parser or the server said.
        reason: String,
    },
    /// This consumer was too slow and missed changes: read
    /// [`instances`](super::ServiceView::instances) again.
    Missed {
        /// How many changes were dropped.
        count: u64,
    },
}

/// The changes of a service from the moment it was asked for. Ends when the view does.
#[must_use = "streams do nothing unless polled"]
pub struct ServiceChanges(BoxStream<'static, ServiceChange>);

impl ServiceChanges {
    pub(super) fn new(receiver: broadcast::Receiver<ServiceChange>) -> Self {
        Self(Box::pin(stream::unfold(receiver, |mut receiver| async move {
            match receiver.recv().await {
                Ok(change) => Some((change, receiver)),
                Err(RecvError::Lagged(count)) => Some((ServiceChange::Missed { count }, receiver)),
                Err(RecvError::Closed) => None,
            }
        })))
    }
}

impl Stream for ServiceChanges {
    type Item = ServiceChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServiceChange>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for ServiceChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceChanges")
    }
}
