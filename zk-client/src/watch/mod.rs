//! Hearing of changes: once, as a stream of events, or as a stream of states.
//!
//! | | what it gives | servers |
//! | --- | --- | --- |
//! | [`OneshotWatch`] | one event, set along with a read | all |
//! | [`WatchStream`] | every change of a node, or of a subtree | from 3.6 |
//! | [`Observe`] | what a node is now, each time that changes | all |

mod event;
mod observe;
mod oneshot;
mod stream;

pub use event::{EventType, WatchMode, WatchedEvent};
pub use observe::Observe;
pub use oneshot::OneshotWatch;
pub use stream::{WATCH_BUFFER_LEN, Watch, WatchStream};

use std::sync::Arc;

use crate::session::Notice;

/// Where the driver puts what a watch reports.
#[derive(Clone)]
pub(crate) enum Sink {
    Oneshot(Arc<oneshot::Slot>),
    Stream(Arc<stream::Buffer>),
}

impl Sink {
    /// Hands a notice to whoever waits. Never blocks.
    pub(crate) fn put(&self, notice: Notice) {
        match self {
            Self::Oneshot(slot) => slot.put(notice),
            Self::Stream(buffer) => buffer.put(notice),
        }
    }
}
