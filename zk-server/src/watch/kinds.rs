//! The kinds of watch, and sets of them.

use zk_proto::{AddWatchMode, WatcherType};

/// How a watch was set, which decides what it sees and how long it stays. A connection can have all
/// four on one path; none replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these four")]
pub enum WatchKind {
    /// By `getData` or `exists`: one event about the node.
    Data,
    /// By `getChildren`: one event about the children or the node's deletion.
    Child,
    /// By `addWatch`: every event about the node and its children.
    Persistent,
    /// By `addWatch`: every event about the node and all nodes below, but none about children, since
    /// it sees the children themselves.
    Recursive,
}

impl From<AddWatchMode> for WatchKind {
    fn from(mode: AddWatchMode) -> Self {
        match mode {
            AddWatchMode::PersistentRecursive => Self::Recursive,
            _ => Self::Persistent,
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const DATA: Self = Self(1);
    pub(super) const CHILD: Self = Self(2);
    pub(super) const PERSISTENT: Self = Self(4);
    pub(super) const RECURSIVE: Self = Self(8);
    pub(super) const ALL: Self = Self(15);
    /// Apache has a list of watches on data, and one of those on children.
    pub(super) const DATA_LIST: Self = Self::DATA.or(Self::PERSISTENT).or(Self::RECURSIVE);
    const CHILD_LIST: Self = Self::CHILD.or(Self::PERSISTENT);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What they count in Apache's `watch_count`: a connection counts once for each of the two lists
    /// that has its path.
    pub(super) fn count(self) -> usize {
        let on_list = |list| usize::from(!self.and(list).is_empty());
        on_list(Self::DATA_LIST) + on_list(Self::CHILD_LIST)
    }
}

impl From<WatchKind> for Kinds {
    fn from(kind: WatchKind) -> Self {
        match kind {
            WatchKind::Data => Self::DATA,
            WatchKind::Child => Self::CHILD,
            WatchKind::Persistent => Self::PERSISTENT,
            WatchKind::Recursive => Self::RECURSIVE,
        }
    }
}

/// What `checkWatches` and `removeWatches` mean by a type.
impl From<WatcherType> for Kinds {
    fn from(kind: WatcherType) -> Self {
        match kind {
            WatcherType::Children => Self::CHILD,
            WatcherType::Data => Self::DATA,
            WatcherType::Persistent => Self::PERSISTENT,
            WatcherType::PersistentRecursive => Self::RECURSIVE,
            _ => Self::ALL,
        }
    }
}
