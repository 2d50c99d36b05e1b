//! PURE: who a connection is, and what it may do.
//!
//! A connection collects [`Identities`]: its address from the start, and one more for each `auth`
//! packet. A znode has a list of ACL entries. [`AccessControl`] brings the two together:
//!
//! | question | answered by |
//! | --- | --- |
//! | do these credentials hold, and who are they? | [`AccessControl::authenticate`] |
//! | may they do this here? | [`AccessControl::allows`] |
//! | what is stored when a client sends this ACL? | [`AccessControl::fix_up`] |
//! | what does a reader without ADMIN see of it? | [`redact`](redact::redact) |
//! | who am I? | [`AccessControl::who_am_i`] |
//!
//! Each scheme that needs more than a comparison is a [`Scheme`] in a file of its own; schemes that
//! take their identities from elsewhere (a TLS certificate, a SASL exchange) join by implementing
//! it and adding to [`Identities`] when their exchange is done.

pub mod redact;
pub mod sasl;

mod access;
mod digest;
mod fix_up;
mod identity;
mod ip;
mod scheme;
mod verdicts;
mod x509;

pub use access::AccessControl;
pub use digest::digest_id;
pub use fix_up::{ACL_LEN_MAX, AclRoom, InvalidAcl};
pub use identity::{IDENTITY_COUNT_MAX, IDENTITY_LEN_MAX, Identities, Identity};
pub use scheme::{AuthFailure, Scheme};
pub(crate) use verdicts::Verdicts;
pub use x509::subject_of;

use sasl::SaslConfig;

/// How the server authenticates and authorises. The default is Apache's.
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthConfig {
    /// `super:<base64 of the SHA-1 of super:password>`: who authenticates with that password by the
    /// digest scheme passes every check. `None` (the default): nobody does.
    pub super_digest: Option<String>,
    /// Whether ACLs are stored but not enforced. Default false.
    pub skip_acl: bool,
    /// Whether the digest scheme is offered. Default true.
    pub digest_enabled: bool,
    /// Authentication by SASL. By default there is none.
    pub sasl: SaslConfig,
    /// The schemes of which a connection must have one identity before it may ask for anything
    /// (`enforce.auth.enabled` with `enforce.auth.schemes`, or `sessionRequireClientSASLAuth`).
    /// Empty, the default: none.
    pub required_schemes: Vec<String>,
    /// Whether the x509 scheme is offered, as it is where clients can connect by TLS. Default
    /// false.
    pub x509_enabled: bool,
    /// The subject of a certificate whose owner passes every check
    /// (`X509AuthenticationProvider.superUser`). `None` (the default): nobody does.
    pub x509_super_user: Option<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            super_digest: None,
            skip_acl: false,
            digest_enabled: true,
            sasl: SaslConfig::default(),
            required_schemes: Vec::new(),
            x509_enabled: false,
            x509_super_user: None,
        }
    }
}

/// The super digest is as good as a password to whoever can try hashes offline.
impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthConfig")
            .field("super_digest", &self.super_digest.as_ref().map(|_| ".."))
            .field("skip_acl", &self.skip_acl)
            .field("digest_enabled", &self.digest_enabled)
            .field("sasl", &self.sasl)
            .field("required_schemes", &self.required_schemes)
            .field("x509_enabled", &self.x509_enabled)
            .field("x509_super_user", &self.x509_super_user)
            .finish()
    }
}
