//! The `x509` scheme: whoever the certificate is for that a client showed in its TLS handshake.
//!
//! The runtime verifies the certificate and says so by
//! [`Event::Certified`](crate::server::Event::Certified); the identity is the certificate's subject,
//! written as Java writes it, so that ACLs made on Apache's servers mean the same here.

mod name;
mod subject;

use super::{AuthFailure, Identity, Scheme};

pub use subject::subject_of;

/// The scheme's name.
pub(super) const SCHEME: &str = "x509";

/// Identities come with the connection; an ACL id is a distinguished name.
pub(super) struct X509;

impl Scheme for X509 {
    fn name(&self) -> &'static str {
        SCHEME
    }

    /// A packet proves nothing: see [`Scheme::is_shown_at_connect`].
    fn authenticate(&self, _credentials: &[u8]) -> Result<Vec<Identity>, AuthFailure> {
        Err(AuthFailure::WrongCredentials)
    }

    fn is_valid(&self, acl_id: &str) -> bool {
        name::is_distinguished_name(acl_id)
    }

    /// Letter by letter, as in Apache: the same name written in another way is another id.
    fn matches(&self, id: &str, acl_id: &str) -> bool {
        id == acl_id
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn is_shown_at_connect(&self) -> bool {
        true
    }

    fn proves_person(&self) -> bool {
        true
    }
}
