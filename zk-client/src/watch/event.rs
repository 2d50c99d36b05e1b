//! What watches report.

use zk_proto::{AddWatchMode, Zxid};

use crate::chroot::Chroot;
use crate::session::{NodeEvent, WatchKind};

/// What happened to a node, or to the watch itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventType {
    /// The node was created.
    NodeCreated,
    /// The node was deleted.
    NodeDeleted,
    /// The node's data was set. Not said for its ACL.
    NodeDataChanged,
    /// A child was created or deleted.
    NodeChildrenChanged,
    /// Events may have been missed: read what you watch again. Only from a
    /// [`WatchStream`](crate::WatchStream), after a reconnection, in a new session, or when the
    /// consumer fell too far behind. The path is the watched one.
    Resync,
}

impl EventType {
    /// The events that servers send; the others are made up by clients, for themselves.
    pub(crate) fn from_wire(kind: zk_proto::EventType) -> Option<Self> {
        Some(match kind {
            zk_proto::EventType::NodeCreated => Self::NodeCreated,
            zk_proto::EventType::NodeDeleted => Self::NodeDeleted,
            zk_proto::EventType::NodeDataChanged => Self::NodeDataChanged,
            zk_proto::EventType::NodeChildrenChanged => Self::NodeChildrenChanged,
            _ => return None,
        })
    }
}

/// A watch fired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WatchedEvent {
    /// What happened.
    pub kind: EventType,
    /// The node it happened to.
    pub path: String,
    /// The transaction that did it. `None` before server 3.9, for what was missed while
    /// disconnected, and for [`EventType::Resync`].
    pub zxid: Option<Zxid>,
}

impl WatchedEvent {
    /// The event as the application sees it; `None` for a kind that no server sends.
    pub(crate) fn new(event: &NodeEvent, chroot: &Chroot) -> Option<Self> {
        let kind = EventType::from_wire(event.kind)?;
        Some(Self { kind, path: chroot.to_client(&event.path).to_owned(), zxid: event.zxid })
    }
}

/// How far a [`WatchStream`](crate::WatchStream) sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WatchMode {
    /// Changes of the node's data, its creation and deletion, and those of its children.
    Persistent,
    /// Creation, deletion and data changes of the node and of everything below it. Never
    /// [`EventType::NodeChildrenChanged`], which the events of the children themselves imply.
    PersistentRecursive,
}

impl WatchMode {
    pub(crate) fn to_wire(self) -> AddWatchMode {
        match self {
            Self::Persistent => AddWatchMode::Persistent,
            Self::PersistentRecursive => AddWatchMode::PersistentRecursive,
        }
    }

    pub(crate) fn kind(self) -> WatchKind {
        match self {
            Self::Persistent => WatchKind::Persistent,
            Self::PersistentRecursive => WatchKind::Recursive,
        }
    }
}
