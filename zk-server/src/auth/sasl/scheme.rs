//! The scheme `sasl` in ACLs.

use super::principal;
use crate::auth::{AuthFailure, Identity, Scheme};

/// The scheme's name.
pub const SCHEME: &str = "sasl";

/// The id that is whoever an entry of the scheme names.
const SUPER_ID: &str = "super";

/// Who has authenticated by SASL.
#[derive(Debug)]
pub struct Sasl {
    /// The id that means everybody who has.
    pub any_user: Option<String>,
}

impl Scheme for Sasl {
    fn name(&self) -> &'static str {
        SCHEME
    }

    /// Not by an `auth` packet.
    fn authenticate(&self, _: &[u8]) -> Result<Vec<Identity>, AuthFailure> {
        Err(AuthFailure::WrongCredentials)
    }

    fn is_valid(&self, acl_id: &str) -> bool {
        principal::is_valid(acl_id)
    }

    fn matches(&self, id: &str, acl_id: &str) -> bool {
        id == SUPER_ID || id == acl_id || self.any_user.as_deref() == Some(acl_id)
    }

    fn proves_person(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_means_its_user_and_super_and_everybody_where_it_says_so() {
        let sasl = Sasl { any_user: Some("anyone".to_owned()) };
        assert!(sasl.matches("bob", "bob"));
        assert!(!sasl.matches("bob", "alice"));
        assert!(sasl.matches("super", "alice"));
        assert!(sasl.matches("bob", "anyone"));
        assert!(!Sasl { any_user: None }.matches("bob", "anyone"));
        assert!(sasl.authenticate(b"bob").is_err());
    }
}
