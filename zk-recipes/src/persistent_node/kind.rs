//! What kind of node is kept, and by whose rules.

use zk_client::{CreateMode, SessionId, Stat};

use super::Conflict;

/// The kind of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It goes with its session.
    #[default]
    Ephemeral,
    /// The same, with a number appended to its name, another one in each session.
    Numbered,
    /// It outlives sessions and processes.
    Persistent,
    /// It goes when its last child does, and belongs to whoever has children there.
    Container,
}

/// How a node is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    pub(crate) kind: Kind,
    pub(crate) conflict: Conflict,
    /// Whether losing the path to somebody else is the end, instead of waiting until it is free.
    pub(crate) gives_way: bool,
    /// Whether the node stays when the handle is dropped.
    pub(crate) stays: bool,
    /// Whether the node is left to itself once it is there.
    pub(crate) unattended: bool,
}

impl Kind {
    pub(super) fn mode(self) -> CreateMode {
        match self {
            Self::Ephemeral => CreateMode::Ephemeral,
            Self::Numbered => CreateMode::EphemeralSequential,
            Self::Persistent => CreateMode::Persistent,
            Self::Container => CreateMode::Container,
        }
    }

    pub(super) fn is_ephemeral(self) -> bool {
        self.mode().is_ephemeral()
    }

    /// Whether a node found at the path can be one that was made in `session`.
    pub(super) fn can_be(self, stat: &Stat, session: Option<SessionId>) -> bool {
        if self.is_ephemeral() {
            stat.ephemeral_owner != SessionId::NONE && session == Some(stat.ephemeral_owner)
        } else {
            stat.ephemeral_owner == SessionId::NONE
        }
    }
}
