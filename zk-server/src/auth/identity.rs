//! Who a connection has shown to be.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::AuthFailure;

/// Most identities one connection can gather. Apache has no bound; a client that re-sends its
/// credentials gains nothing new, so only one that makes credentials up gets here.
pub const IDENTITY_COUNT_MAX: usize = 128;

/// Longest identity, in bytes: credentials may fill a frame, who they stand for is kept as long as
/// the connection lives.
pub const IDENTITY_LEN_MAX: usize = 4096;

/// One thing a connection has shown to be, under a scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The scheme that vouches for it: `ip`, `digest`, …, or `super`.
    pub scheme: Cow<'static, str>,
    /// Who, in the scheme's own notation; for `digest` it contains a password hash.
    pub id: String,
}

impl Identity {
    /// The scheme of identities that pass every check. No ACL entry can name it.
    pub const SUPER: &'static str = "super";

    /// An identity under one of the built-in schemes.
    #[must_use]
    pub fn new(scheme: &'static str, id: impl Into<String>) -> Self {
        Self { scheme: Cow::Borrowed(scheme), id: id.into() }
    }

    /// Whether it passes every check.
    #[must_use]
    pub fn is_super(&self) -> bool {
        self.scheme == Self::SUPER
    }
}

/// Shows the scheme only: a digest id is a password hash.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:..", self.scheme)
    }
}

/// All that a connection has shown to be. It only grows: there is no way to drop an identity but to
/// disconnect.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    list: Vec<Identity>,
    /// Places in `list`, sorted by what stands there.
    order: Vec<usize>,
}

impl Identities {
    /// Nobody: only what anyone may do is allowed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What a fresh connection is: its peer's address.
    #[must_use]
    pub fn of_peer(address: IpAddr) -> Self {
        let place = Identity::new(super::ip::SCHEME, super::ip::text_of(address));
        Self { list: vec![place], order: vec![0] }
    }

    /// Adds an identity; one that is there already changes nothing.
    ///
    /// # Errors
    ///
    /// When the identity is longer than [`IDENTITY_LEN_MAX`] or one too many.
    pub fn add(&mut self, identity: Identity) -> Result<(), AuthFailure> {
        let Err(at) = self.find(&identity.scheme, &identity.id) else { return Ok(()) };
        if identity.id.len() > IDENTITY_LEN_MAX {
            return Err(AuthFailure::IdentityTooLong);
        }
        if self.list.len() >= IDENTITY_COUNT_MAX {
            return Err(AuthFailure::TooManyIdentities);
        }
        self.order.insert(at, self.list.len());
        self.list.push(identity);
        Ok(())
    }

    /// Whether exactly this identity is among them. Takes time in the logarithm of their number.
    #[must_use]
    pub fn contains(&self, scheme: &str, id: &str) -> bool {
        self.find(scheme, id).is_ok()
    }

    /// Where it stands in `order`, or where it would.
    fn find(&self, scheme: &str, id: &str) -> Result<usize, usize> {
        self.order.binary_search_by(|&at| {
            let here = &self.list[at];
            (&*here.scheme, here.id.as_str()).cmp(&(scheme, id))
        })
    }

    /// The identities in the order they were gained.
    pub fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.list.iter()
    }

    /// Whether one of them passes every check.
    #[must_use]
    pub fn is_super(&self) -> bool {
        self.list.iter().any(Identity::is_super)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_hash() {
        let mut identities = Identities::of_peer([127, 0, 0, 1].into());
        identities.add(Identity::new("digest", "user:c2VjcmV0")).unwrap();
        let shown = format!("{identities:?}");
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
        assert!(shown.contains("digest"), "{shown}");
    }

    #[test]
    fn repeated_credentials_add_nothing_and_made_up_ones_are_bounded() {
        let mut identities = Identities::none();
        for _ in 0..2 * IDENTITY_COUNT_MAX {
            identities.add(Identity::new("digest", "same:hash")).unwrap();
        }
        assert_eq!(identities.iter().count(), 1);
        for i in 1..IDENTITY_COUNT_MAX {
            identities.add(Identity::new("digest", format!("u{i}:hash"))).unwrap();
        }
        let one_more = identities.add(Identity::new("digest", "last:hash"));
        assert_eq!(one_more, Err(AuthFailure::TooManyIdentities));
        let long = Identities::none().add(Identity::new("digest", "x".repeat(5000)));
        assert_eq!(long, Err(AuthFailure::IdentityTooLong));
    }
}
