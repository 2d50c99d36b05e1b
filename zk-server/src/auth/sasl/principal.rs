//! Names of Kerberos.

use super::LocalNames;
use super::local_names::Parts;

/// How the principal of a client becomes its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrincipalRules {
    /// Whether `name/host@REALM` becomes `name@REALM` (`kerberos.removeHostFromPrincipal`).
    pub remove_host: bool,
    /// Whether `name@REALM` becomes `name` (`kerberos.removeRealmFromPrincipal`), where the realm
    /// is the server's own. Another realm stays: its `admin` is not ours.
    pub remove_realm: bool,
    /// The server's own realm.
    pub realm: Option<String>,
    /// Rules that make a short name of a principal (`security.auth_to_local`). Host and realm follow
    /// the short name unless they [go](Self::remove_host); a principal that no rule applies to stays
    /// as it is, host and realm included. `None`: the names stay.
    pub local_names: Option<LocalNames>,
}

impl PrincipalRules {
    /// The id of a client with this principal; `None` if it is none that an ACL can name.
    #[must_use]
    pub fn id(&self, principal: &str) -> Option<String> {
        let (names, realm) = split(principal)?;
        if let (Some(local_names), Some(realm)) = (&self.local_names, realm) {
            return Some(self.local_id(local_names, principal, names, realm));
        }
        let name = match names.split_once('/') {
            Some((name, _)) if self.remove_host => name,
            _ => names,
        };
        Some(match realm {
            Some(realm) if !(self.remove_realm && self.realm.as_deref() == Some(realm)) => {
                format!("{name}@{realm}")
            }
            _ => name.to_owned(),
        })
    }

    /// Whoever no rule applies to keeps the whole name: Apache takes what the client says it wants
    /// to be.
    fn local_id(&self, rules: &LocalNames, principal: &str, names: &str, realm: &str) -> String {
        let (first, second) = match names.split_once('/') {
            Some((first, second)) => (first, Some(second)),
            None => (names, None),
        };
        let parts = Parts { realm, first, second };
        let Some(mut id) = rules.short_name(&parts, self.realm.as_deref()) else {
            return principal.to_owned();
        };
        if let Some(host) = second.filter(|_| !self.remove_host) {
            id.extend(["/", host]);
        }
        if !self.remove_realm {
            id.extend(["@", realm]);
        }
        id
    }
}

/// Whether an ACL can name somebody so: anything without a realm, or at most two parts and a realm,
/// as in Apache.
pub(super) fn is_valid(id: &str) -> bool {
    split(id).is_some()
}

fn split(principal: &str) -> Option<(&str, Option<&str>)> {
    let Some((names, realm)) = principal.split_once('@') else {
        return Some((principal, None));
    };
    let whole = names.matches('/').count() <= 1 && !realm.contains(['@', '/']);
    whole.then_some((names, Some(realm)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Apache 3.8 says.
    #[test]
    fn ids_are_names_of_kerberos_or_have_no_realm() {
        for valid in ["", "bob", "a/b", "a/b/c", "a/b@c", "@", "a@", "super", "ü"] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in ["a@b@c", "a/b/c@d", "a@b/c"] {
            assert!(!is_valid(invalid), "{invalid}");
        }
    }

    #[test]
    fn hosts_and_the_own_realm_can_go() {
        let rules = |remove_host, remove_realm| PrincipalRules {
            remove_host,
            remove_realm,
            realm: Some("R".to_owned()),
            local_names: None,
        };
        let id = |rules: PrincipalRules, principal| rules.id(principal).unwrap();
        assert_eq!(id(rules(false, false), "bob/h@R"), "bob/h@R");
        assert_eq!(id(rules(true, false), "bob/h@R"), "bob@R");
        assert_eq!(id(rules(false, true), "bob/h@R"), "bob/h");
        assert_eq!(id(rules(true, true), "bob/h@R"), "bob");
        assert_eq!(id(rules(true, true), "bob@OTHER"), "bob@OTHER");
        assert_eq!(id(PrincipalRules::default(), "bob@R"), "bob@R");
        let unknown = PrincipalRules { remove_realm: true, ..PrincipalRules::default() };
        assert_eq!(id(unknown, "bob@R"), "bob@R");
        assert_eq!(rules(true, true).id("a/b/c@R"), None);
    }

    /// As Apache puts the names together.
    #[test]
    fn host_and_realm_follow_a_short_name_unless_they_go() {
        let text = "RULE:[1:$1@$0](bob@OTHER)s/.*/robert/ RULE:[2:$2-$1]";
        let local_names = Some(LocalNames::parse(text).unwrap());
        let rules = |remove_host, remove_realm| PrincipalRules {
            remove_host,
            remove_realm,
            realm: Some("R".to_owned()),
            local_names: local_names.clone(),
        };
        let id = |rules: PrincipalRules, principal| rules.id(principal).unwrap();
        assert_eq!(id(rules(false, false), "bob@OTHER"), "robert@OTHER");
        assert_eq!(id(rules(false, true), "bob@OTHER"), "robert");
        assert_eq!(id(rules(false, false), "bob/h@R"), "h-bob/h@R");
        assert_eq!(id(rules(true, true), "bob/h@OTHER"), "h-bob");
        // No rule is for these.
        assert_eq!(id(rules(true, true), "bob@R"), "bob@R");
        assert_eq!(id(rules(true, true), "alice@OTHER"), "alice@OTHER");
        assert_eq!(id(rules(true, true), "alice"), "alice");
        assert_eq!(rules(true, true).id("a/b/c@R"), None);
    }
}
