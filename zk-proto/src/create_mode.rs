//! The kinds of znode a client can ask for.

use crate::codec::DecodeError;

/// How a znode is named and how long it lives. The number is the `flags` field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a new mode would be a new protocol")]
#[repr(i32)]
pub enum CreateMode {
    /// Stays until it is deleted.
    Persistent = 0,
    /// Is deleted when the session that created it ends. Has no children.
    Ephemeral = 1,
    /// Persistent; the server appends ten digits that grow with each child created there.
    PersistentSequential = 2,
    /// Ephemeral, named like [`PersistentSequential`](Self::PersistentSequential).
    EphemeralSequential = 3,
    /// Is deleted by the server some time after its last child was deleted. Since 3.5.1.
    Container = 4,
    /// Is deleted by the server when it has no children and its data was not set for a while.
    /// Since 3.5.3, where the server has `extendedTypesEnabled`.
    PersistentWithTtl = 5,
    /// As [`PersistentWithTtl`](Self::PersistentWithTtl), named like
    /// [`PersistentSequential`](Self::PersistentSequential).
    PersistentSequentialWithTtl = 6,
}

impl CreateMode {
    /// The number on the wire.
    #[must_use]
    pub fn flags(self) -> i32 {
        self as i32
    }

    /// Whether the server appends a sequence number to the name.
    #[must_use]
    pub fn is_sequential(self) -> bool {
        matches!(
            self,
            Self::PersistentSequential
                | Self::EphemeralSequential
                | Self::PersistentSequentialWithTtl
        )
    }

    /// Whether the node ends with the session.
    #[must_use]
    pub fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    /// Whether the node ends after its last child.
    #[must_use]
    pub fn is_container(self) -> bool {
        self == Self::Container
    }

    /// Whether the node ends by its age.
    #[must_use]
    pub fn is_ttl(self) -> bool {
        matches!(self, Self::PersistentWithTtl | Self::PersistentSequentialWithTtl)
    }
}

impl TryFrom<i32> for CreateMode {
    type Error = DecodeError;

    fn try_from(flags: i32) -> Result<Self, DecodeError> {
        Ok(match flags {
            0 => Self::Persistent,
            1 => Self::Ephemeral,
            2 => Self::PersistentSequential,
            3 => Self::EphemeralSequential,
            4 => Self::Container,
            5 => Self::PersistentWithTtl,
            6 => Self::PersistentSequentialWithTtl,
            value => return Err(DecodeError::UnknownValue { what: "create mode", value }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_modes_are_one_to_one() {
        for flags in 0..=6 {
            assert_eq!(CreateMode::try_from(flags).map(CreateMode::flags), Ok(flags));
        }
        assert!(CreateMode::try_from(7).is_err());
        assert!(CreateMode::try_from(-1).is_err());
    }
}
