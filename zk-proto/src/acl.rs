//! Who may do what: ACL entries and permissions.

use std::fmt;
use std::ops::BitOr;

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader, record};

record! {
    /// One entry of a znode's ACL: what the holders of an identity may do.
    ///
    /// Only a node's own list counts (for creating and deleting a child, the parent's): nothing is
    /// inherited.
    #[derive(Hash)]
    pub struct Acl {
        /// What is granted.
        pub perms: Permissions,
        /// How the identity was proved: `world`, `auth`, `digest`, `ip`, `sasl`, `x509`.
        pub scheme: String,
        /// The identity, in the form its scheme gives it.
        pub id: String,
    }
}

impl Acl {
    /// An entry from its parts.
    ///
    /// The id of `digest` is `user:` and the Base64 of the SHA-1 of `user:password`; `world` knows
    /// only `anyone`; `auth` with an empty id is whoever the client has shown to be.
    pub fn new(perms: Permissions, scheme: impl Into<String>, id: impl Into<String>) -> Self {
        Self { perms, scheme: scheme.into(), id: id.into() }
    }

    /// Everyone may do everything (Apache's `OPEN_ACL_UNSAFE`).
    #[must_use]
    pub fn open() -> Vec<Self> {
        vec![Self::new(Permissions::ALL, "world", "anyone")]
    }

    /// Everyone may read (Apache's `READ_ACL_UNSAFE`).
    #[must_use]
    pub fn read_only() -> Vec<Self> {
        vec![Self::new(Permissions::READ, "world", "anyone")]
    }

    /// Whoever creates the node may do everything, nobody else anything (`CREATOR_ALL_ACL`). The
    /// server refuses it (`InvalidAcl`) to a client that has not authenticated.
    #[must_use]
    pub fn creator_all() -> Vec<Self> {
        vec![Self::new(Permissions::ALL, "auth", "")]
    }
}

/// A set of permissions. Servers don't check that no other bits are set, and keep those that are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Permissions(pub i32);

impl Permissions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Read the data and list the children.
    pub const READ: Self = Self(1);
    /// Set the data.
    pub const WRITE: Self = Self(2);
    /// Create children.
    pub const CREATE: Self = Self(4);
    /// Delete children.
    pub const DELETE: Self = Self(8);
    /// Set the ACL, and see the hashes in it.
    pub const ADMIN: Self = Self(16);
    /// All of the above.
    pub const ALL: Self = Self(31);

    /// Whether any permission of `wanted` is in this set.
    #[must_use]
    pub fn allow_any(self, wanted: Self) -> bool {
        self.0 & wanted.0 != 0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The letters of ZooKeeper's command line: `cdrwa`.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Permissions, &str); 5] = [
            (Permissions::CREATE, "c"),
            (Permissions::DELETE, "d"),
            (Permissions::READ, "r"),
            (Permissions::WRITE, "w"),
            (Permissions::ADMIN, "a"),
        ];
        for (permission, letter) in LETTERS {
            if self.allow_any(permission) {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

impl Encode for Permissions {
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
}

impl<'a> Decode<'a> for Permissions {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        i32::decode(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_read_as_letters() {
        assert_eq!(Permissions::ALL.to_string(), "cdrwa");
        assert_eq!((Permissions::READ | Permissions::ADMIN).to_string(), "ra");
        assert!(!Permissions::READ.allow_any(Permissions::WRITE));
    }
}
