//! The `digest` scheme: a user name and the hash of a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest as _, Sha1};

use super::{AuthFailure, Identity, Scheme};

/// The scheme's name.
pub(super) const SCHEME: &str = "digest";

/// The id of `user:password` under the digest scheme: `user:base64(sha1("user:password"))`.
///
/// The user is the text before the first colon, or everything where there is none.
#[must_use]
pub fn digest_id(user_and_password: &str) -> String {
    let user = user_and_password.split(':').next().unwrap_or_default();
    format!("{user}:{}", BASE64.encode(Sha1::digest(user_and_password)))
}

/// Hashes what it is given: it cannot fail, but the resulting id may match no ACL entry.
pub(super) struct Digest {
    /// The id that also makes its owner super.
    pub(super) super_digest: Option<String>,
}

impl Scheme for Digest {
    fn name(&self) -> &'static str {
        SCHEME
    }

    fn authenticate(&self, credentials: &[u8]) -> Result<Vec<Identity>, AuthFailure> {
        let id = digest_id(&String::from_utf8_lossy(credentials));
        let mut identities = Vec::with_capacity(2);
        if self.super_digest.as_ref() == Some(&id) {
            identities.push(Identity::new(Identity::SUPER, ""));
        }
        identities.push(Identity::new(SCHEME, id));
        Ok(identities)
    }

    /// Two parts around a colon, where empty parts at the end do not count (as Java splits).
    fn is_valid(&self, acl_id: &str) -> bool {
        let kept = acl_id.trim_end_matches(':');
        !kept.is_empty() && kept.matches(':').count() == 1
    }

    fn matches(&self, id: &str, acl_id: &str) -> bool {
        id == acl_id
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn proves_person(&self) -> bool {
        true
    }

    fn user_of<'i>(&self, id: &'i str) -> &'i str {
        id.split(':').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: Digest = Digest { super_digest: None };

    /// From Apache's `DigestAuthenticationProvider.generateDigest("super:test")`.
    #[test]
    fn the_hash_is_apaches() {
        assert_eq!(digest_id("super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
    }

    #[test]
    fn the_user_ends_at_the_first_colon() {
        assert!(digest_id("a:b:c").starts_with("a:"));
        assert!(digest_id("nocolon").starts_with("nocolon:"));
        assert!(digest_id("").starts_with(':'));
        assert_eq!(DIGEST.user_of("a:hash"), "a");
    }

    #[test]
    fn ids_in_acls_have_two_parts() {
        for valid in ["a:b", ":b", "a:b:", "a:b::"] {
            assert!(DIGEST.is_valid(valid), "{valid}");
        }
        for invalid in ["", ":", "a", "a:", "a:b:c", "::b"] {
            assert!(!DIGEST.is_valid(invalid), "{invalid}");
        }
    }

    #[test]
    fn the_super_digest_gives_two_identities() {
        let digest = Digest { super_digest: Some(digest_id("super:test")) };
        let identities = digest.authenticate(b"super:test").unwrap();
        assert!(identities[0].is_super());
        assert_eq!(identities[1].id, digest_id("super:test"));
        assert_eq!(digest.authenticate(b"super:guess").unwrap().len(), 1);
    }
}
