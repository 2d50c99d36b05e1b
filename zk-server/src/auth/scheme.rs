//! What a scheme of identities must answer.

use super::Identity;

/// A way to say who somebody is. One per scheme name; stateless, so that a check depends on nothing
/// but its arguments.
pub trait Scheme: Send + Sync {
    /// The name, as it stands in ACL entries and `auth` packets.
    fn name(&self) -> &'static str;

    /// Who the credentials of an `auth` packet stand for, maybe several.
    ///
    /// # Errors
    ///
    /// When they prove nothing; the connection is then closed.
    fn authenticate(&self, credentials: &[u8]) -> Result<Vec<Identity>, AuthFailure>;

    /// Whether an ACL entry may carry this id.
    fn is_valid(&self, acl_id: &str) -> bool;

    /// Whether a connection with the identity `id` is whom the ACL entry means.
    fn matches(&self, id: &str, acl_id: &str) -> bool;

    /// Whether an ACL entry means exactly those whose identity is its id, so that [`matches`] need
    /// not be asked: it makes long ACLs cheap for those with many identities.
    ///
    /// [`matches`]: Self::matches
    fn is_exact(&self) -> bool {
        false
    }

    /// Whether identities come with the connection, and an `auth` packet only asks whether there is
    /// one.
    fn is_shown_at_connect(&self) -> bool {
        false
    }

    /// Whether the identity proves a person rather than a place, so that the ACL entry `auth` may
    /// be replaced by it.
    fn proves_person(&self) -> bool;

    /// The part of the identity to show in a `whoAmI` answer.
    fn user_of<'i>(&self, id: &'i str) -> &'i str {
        id
    }
}

/// Why an `auth` packet got nobody in. The client sees AUTHFAILED and loses the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthFailure {
    /// No such scheme here, or one that takes no `auth` packets.
    #[error("the client asked for an authentication scheme that this server does not offer")]
    UnknownScheme,
    /// The credentials prove nothing under their scheme.
    #[error("the client's credentials are wrong for their scheme")]
    WrongCredentials,
    /// The identity behind the credentials is longer than the server keeps.
    #[error("the client's identity is longer than {} bytes", super::IDENTITY_LEN_MAX)]
    IdentityTooLong,
    /// The connection has as many identities as the server keeps.
    #[error("the client has gathered {} identities on one connection", super::IDENTITY_COUNT_MAX)]
    TooManyIdentities,
}
