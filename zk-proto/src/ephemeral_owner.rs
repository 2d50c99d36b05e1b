//! The 64 bits that say what ends a znode.

use crate::SessionId;

/// What ends a znode, as servers keep and log it in one 64-bit field
/// (Apache's `EphemeralType`). Clients only ever see a session id or 0 there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the field has no room for another kind")]
pub enum EphemeralOwner {
    /// Nothing but a delete.
    Persistent,
    /// The end of a session.
    Session(SessionId),
    /// The end of the last child.
    Container,
    /// An age in ms since the data was last set, from 1 to [`TTL_MS_MAX`].
    Ttl(i64),
}

/// The longest time to live in ms: 40 bits, about 34 years.
pub const TTL_MS_MAX: i64 = 0xff_ffff_ffff;

const CONTAINER: i64 = i64::MIN;
const EXTENDED_MASK: i64 = 0xff << 56;
const EXTENDED_FEATURE_MASK: i64 = 0xffff << 40;

impl EphemeralOwner {
    /// The field's 64 bits.
    ///
    /// A time to live is cut to its 40 bits; [`is_valid_ttl`](Self::is_valid_ttl) says which need
    /// no cut.
    #[must_use]
    pub fn bits(self) -> i64 {
        match self {
            Self::Persistent => 0,
            Self::Session(id) => id.0,
            Self::Container => CONTAINER,
            Self::Ttl(ms) => EXTENDED_MASK | (ms & TTL_MS_MAX),
        }
    }

    /// What the 64 bits mean.
    ///
    /// `extended_types` is the server's `extendedTypesEnabled`: without it what would be a time to
    /// live is the id of a session. An extended kind that no server has ever written reads as a
    /// session too, so that such a node is kept rather than lost.
    #[must_use]
    pub fn from_bits(bits: i64, extended_types: bool) -> Self {
        match bits {
            0 => Self::Persistent,
            CONTAINER => Self::Container,
            _ if extended_types
                && bits & EXTENDED_MASK == EXTENDED_MASK
                && bits & EXTENDED_FEATURE_MASK & !EXTENDED_MASK == 0 =>
            {
                Self::Ttl(bits & TTL_MS_MAX)
            }
            _ => Self::Session(SessionId(bits)),
        }
    }

    /// The field a client sees in a [`Stat`](crate::Stat): a session or nothing.
    #[must_use]
    pub fn visible(self) -> SessionId {
        match self {
            Self::Session(id) => id,
            Self::Persistent | Self::Container | Self::Ttl(_) => SessionId::NONE,
        }
    }

    /// Whether a time to live in ms fits: from 1 to [`TTL_MS_MAX`].
    #[must_use]
    pub fn is_valid_ttl(ms: i64) -> bool {
        (1..=TTL_MS_MAX).contains(&ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_apaches() {
        assert_eq!(EphemeralOwner::Container.bits().cast_unsigned(), 0x8000_0000_0000_0000);
        assert_eq!(EphemeralOwner::Ttl(60_000).bits().cast_unsigned(), 0xff00_0000_0000_ea60);
        assert_eq!(EphemeralOwner::Ttl(TTL_MS_MAX).bits().cast_unsigned(), 0xff00_00ff_ffff_ffff);
    }

    #[test]
    fn bits_read_back() {
        let owners = [
            EphemeralOwner::Persistent,
            EphemeralOwner::Session(SessionId(0x0100_abcd_1234_5678)),
            EphemeralOwner::Container,
            EphemeralOwner::Ttl(1),
            EphemeralOwner::Ttl(TTL_MS_MAX),
        ];
        for owner in owners {
            assert_eq!(EphemeralOwner::from_bits(owner.bits(), true), owner);
        }
    }

    #[test]
    fn without_extended_types_a_ttl_is_a_session() {
        let bits = EphemeralOwner::Ttl(5).bits();
        let owner = EphemeralOwner::from_bits(bits, false);
        assert_eq!(owner, EphemeralOwner::Session(SessionId(bits)));
    }
}
