//! May they do this here?

use std::fmt;
use std::sync::Arc;

use zk_proto::{Acl, ClientInfo, Permissions};

use super::digest::Digest;
use super::ip::Ip;
use super::sasl::Sasl;
use super::x509::{self, X509};
use super::{AuthConfig, AuthFailure, Identities, Identity, Scheme};

/// The scheme of the entry that means everybody.
pub(super) const WORLD: &str = "world";
/// The only id of [`WORLD`].
pub(super) const ANYONE: &str = "anyone";

/// Authenticates connections and checks ACLs against what they have shown to be.
pub struct AccessControl {
    schemes: Vec<Box<dyn Scheme>>,
    required_schemes: Vec<String>,
    x509_super_user: Option<String>,
    skip_acl: bool,
    /// Most nodes' ACL, made once.
    pub(super) open: Arc<[Acl]>,
}

impl AccessControl {
    /// With the built-in schemes: `ip`, `digest` unless it is switched off, `sasl` if there is a
    /// login, `x509` if it is switched on.
    #[must_use]
    pub fn new(config: AuthConfig) -> Self {
        let mut schemes: Vec<Box<dyn Scheme>> = vec![Box::new(Ip)];
        if config.digest_enabled {
            schemes.push(Box::new(Digest { super_digest: config.super_digest }));
        }
        if config.sasl.login.is_some() || config.sasl.scheme_enabled {
            schemes.push(Box::new(Sasl { any_user: config.sasl.any_user }));
        }
        if config.x509_enabled {
            schemes.push(Box::new(X509));
        }
        let AuthConfig { required_schemes, x509_super_user, skip_acl, .. } = config;
        let open = Acl::open().into();
        Self { schemes, required_schemes, x509_super_user, skip_acl, open }
    }

    /// Adds what the credentials of an `auth` packet stand for to a connection's identities.
    ///
    /// # Errors
    ///
    /// When nobody vouches for them: answer AUTHFAILED and close the connection.
    pub fn authenticate(
        &self,
        scheme: &str,
        credentials: &[u8],
        identities: &mut Identities,
    ) -> Result<(), AuthFailure> {
        let scheme = self.scheme(scheme).ok_or(AuthFailure::UnknownScheme)?;
        if scheme.is_shown_at_connect()
            && identities.iter().any(|identity| identity.scheme == scheme.name())
        {
            return Ok(());
        }
        for identity in scheme.authenticate(credentials)? {
            identities.add(identity)?;
        }
        Ok(())
    }

    /// Whether a connection may ask for anything but authentication.
    #[must_use]
    pub fn admits(&self, identities: &Identities) -> bool {
        self.required_schemes.is_empty()
            || identities.iter().any(|identity| self.requires(&identity.scheme))
    }

    /// Whether an identity of this scheme is one that connections must have.
    #[must_use]
    pub fn requires(&self, scheme: &str) -> bool {
        self.required_schemes.iter().any(|required| required == scheme)
    }

    /// Adds the subject of the certificate that a connection has shown to its identities.
    ///
    /// # Errors
    ///
    /// When it is too long to be kept: close the connection.
    pub fn certified(
        &self,
        subject: String,
        identities: &mut Identities,
    ) -> Result<(), AuthFailure> {
        if self.x509_super_user.as_ref() == Some(&subject) {
            identities.add(Identity::new(Identity::SUPER, subject.clone()))?;
        }
        identities.add(Identity::new(x509::SCHEME, subject))
    }

    /// Whether an ACL allows a connection any of the wanted permissions.
    ///
    /// Only the list it is given counts: nothing is inherited from a parent. An empty list allows
    /// everything, as it always has.
    #[must_use]
    pub fn allows(&self, identities: &Identities, acl: &[Acl], wanted: Permissions) -> bool {
        if self.skip_acl || acl.is_empty() {
            return true;
        }
        let granting = || acl.iter().filter(|entry| entry.perms.allow_any(wanted));
        // Everybody first: the usual case, and it needs no look at the identities.
        granting().any(|entry| entry.scheme == WORLD && entry.id == ANYONE)
            || identities.is_super()
            || granting().any(|entry| self.matches(identities, entry))
    }

    /// The answer to `whoAmI`: each identity's scheme and user name, never a hash.
    #[must_use]
    pub fn who_am_i(&self, identities: &Identities) -> Vec<ClientInfo> {
        let describe = |identity: &super::Identity| {
            let scheme = self.scheme(&identity.scheme);
            let user = scheme.map_or("", |scheme| scheme.user_of(&identity.id));
            ClientInfo { scheme: identity.scheme.to_string(), user: user.to_owned() }
        };
        identities.iter().map(describe).collect()
    }

    /// The scheme of that name, if this server offers it.
    pub(super) fn scheme(&self, name: &str) -> Option<&dyn Scheme> {
        self.schemes.iter().map(Box::as_ref).find(|scheme| scheme.name() == name)
    }

    fn matches(&self, identities: &Identities, entry: &Acl) -> bool {
        let Some(scheme) = self.scheme(&entry.scheme) else {
            return false;
        };
        if scheme.is_exact() {
            return identities.contains(&entry.scheme, &entry.id);
        }
        let mut same_scheme = identities.iter().filter(|identity| identity.scheme == entry.scheme);
        same_scheme.any(|identity| scheme.matches(&identity.id, &entry.id))
    }
}

/// Shows which schemes are offered.
impl fmt::Debug for AccessControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.schemes.iter().map(|scheme| scheme.name()).collect();
        f.debug_struct("AccessControl")
            .field("schemes", &names)
            .field("skip_acl", &self.skip_acl)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::digest_id;

    fn acl(perms: Permissions, scheme: &str, id: &str) -> Acl {
        Acl { perms, scheme: scheme.into(), id: id.into() }
    }

    fn who(access: &AccessControl, credentials: &[&str]) -> Identities {
        let mut identities = Identities::of_peer([10, 0, 0, 7].into());
        for credentials in credentials {
            access.authenticate("digest", credentials.as_bytes(), &mut identities).unwrap();
        }
        identities
    }

    #[test]
    fn the_check_grants_by_any_entry_with_a_wanted_bit() {
        let access = AccessControl::new(AuthConfig::default());
        let nobody = who(&access, &[]);
        let alice = who(&access, &["alice:pw"]);
        let alice_id = digest_id("alice:pw");
        let both = Permissions::READ | Permissions::ADMIN;
        let cases = [
            (&nobody, acl(Permissions::READ, "world", "anyone"), Permissions::READ, true),
            (&nobody, acl(Permissions::READ, "world", "anyone"), Permissions::WRITE, false),
            (&nobody, acl(Permissions::READ, "world", "anyone"), both, true),
            (&nobody, acl(Permissions::READ, "world", "someone"), Permissions::READ, false),
            (&nobody, acl(Permissions::ALL, "digest", &alice_id), Permissions::READ, false),
            (&alice, acl(Permissions::ALL, "digest", &alice_id), Permissions::READ, true),
            (&alice, acl(Permissions::WRITE, "digest", &alice_id), Permissions::READ, false),
            (&nobody, acl(Permissions::ALL, "ip", "10.0.0.0/24"), Permissions::READ, true),
            (&nobody, acl(Permissions::ALL, "ip", "10.0.1.0/24"), Permissions::READ, false),
            (&alice, acl(Permissions::ALL, "kerberos", &alice_id), Permissions::READ, false),
        ];
        for (who, entry, wanted, expected) in cases {
            let shown = format!("{entry:?} for {wanted:?}");
            assert_eq!(access.allows(who, &[entry], wanted), expected, "{shown}");
        }
        assert!(access.allows(&nobody, &[], Permissions::ADMIN), "an empty list allows everything");
    }

    #[test]
    fn entries_add_up() {
        let access = AccessControl::new(AuthConfig::default());
        let list =
            [acl(Permissions::READ, "world", "anyone"), acl(Permissions::WRITE, "ip", "10.0.0.7")];
        let here = who(&access, &[]);
        assert!(access.allows(&here, &list, Permissions::READ));
        assert!(access.allows(&here, &list, Permissions::WRITE));
        assert!(!access.allows(&here, &list, Permissions::ADMIN));
    }

    #[test]
    fn super_and_skip_acl_pass_every_check() {
        let closed = [acl(Permissions::ALL, "digest", "x:y")];
        let config = AuthConfig { super_digest: Some(digest_id("super:pw")), ..Default::default() };
        let access = AccessControl::new(config);
        assert!(access.allows(&who(&access, &["super:pw"]), &closed, Permissions::READ));
        assert!(!access.allows(&who(&access, &["super:guess"]), &closed, Permissions::READ));

        let open = AccessControl::new(AuthConfig { skip_acl: true, ..Default::default() });
        assert!(open.allows(&who(&open, &[]), &closed, Permissions::READ));
    }

    #[test]
    fn schemes_that_are_not_offered_fail() {
        let access = AccessControl::new(AuthConfig { digest_enabled: false, ..Default::default() });
        let mut identities = Identities::none();
        for scheme in ["world", "super", "auth", "digest", "x509", ""] {
            let answer = access.authenticate(scheme, b"a:b", &mut identities);
            assert_eq!(answer, Err(AuthFailure::UnknownScheme), "{scheme}");
        }
        assert_eq!(identities.iter().count(), 0);
    }

    /// Everything about it is wrong but that it is exact.
    struct Exact;

    impl Scheme for Exact {
        fn name(&self) -> &'static str {
            "exact"
        }

        fn authenticate(&self, _: &[u8]) -> Result<Vec<crate::auth::Identity>, AuthFailure> {
            Err(AuthFailure::WrongCredentials)
        }

        fn is_valid(&self, _: &str) -> bool {
            true
        }

        fn matches(&self, id: &str, acl_id: &str) -> bool {
            panic!("{id} is not compared with {acl_id} and all the others")
        }

        fn is_exact(&self) -> bool {
            true
        }

        fn proves_person(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_long_acl_is_not_compared_with_each_of_many_identities() {
        let mut access = AccessControl::new(AuthConfig::default());
        access.schemes.push(Box::new(Exact));
        let mut identities = Identities::of_peer([10, 0, 0, 7].into());
        for i in [5, 3, 9, 7] {
            identities.add(crate::auth::Identity::new("exact", format!("user{i}"))).unwrap();
        }
        let list = |id: &str| [acl(Permissions::READ, "exact", id)];
        assert!(access.allows(&identities, &list("user3"), Permissions::READ));
        assert!(access.allows(&identities, &list("user9"), Permissions::READ));
        assert!(!access.allows(&identities, &list("user4"), Permissions::READ));
        assert!(
            !access.allows(&identities, &list("10.0.0.7"), Permissions::READ),
            "another scheme"
        );
    }

    #[test]
    fn who_am_i_names_users_without_hashes() {
        let config = AuthConfig { super_digest: Some(digest_id("super:pw")), ..Default::default() };
        let access = AccessControl::new(config);
        let told = access.who_am_i(&who(&access, &["bob:pw", "super:pw"]));
        let told: Vec<_> =
            told.iter().map(|info| (info.scheme.as_str(), info.user.as_str())).collect();
        let expected = [("ip", "10.0.0.7"), ("digest", "bob"), ("super", ""), ("digest", "super")];
        assert_eq!(told, expected);
    }
}
