//! What becomes of an ACL that a client sends.

use std::collections::HashSet;
use std::sync::Arc;

use zk_proto::Acl;

use super::Identities;
use super::access::{ANYONE, AccessControl, WORLD};

/// The scheme of the entry that stands for whoever the writer has shown to be.
const AUTH: &str = "auth";

/// How many bytes the `auth` entries of one request may become: what Apache's servers read
/// at most in one record. A frame full of such entries on a connection with many identities would
/// otherwise grow into their product.
pub const ACL_LEN_MAX: usize = 0xf_ffff;

/// Bytes of an entry beside its text: permissions, and two lengths.
const ENTRY_LEN: usize = 12;

/// What is left of [`ACL_LEN_MAX`] while one request is worked on.
#[derive(Debug)]
pub struct AclRoom(usize);

impl Default for AclRoom {
    fn default() -> Self {
        Self(ACL_LEN_MAX)
    }
}

/// The list is empty or grows too large, names an unknown scheme or an id that its scheme cannot mean, or asks for
/// `auth` on a connection that has shown to be nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAcl;

impl AccessControl {
    /// The list to store: duplicates removed, `auth` replaced by the writer's own identities.
    ///
    /// # Errors
    ///
    /// [`InvalidAcl`], which the client sees as INVALIDACL.
    pub fn fix_up(
        &self,
        identities: &Identities,
        acl: &[Acl],
        room: &mut AclRoom,
    ) -> Result<Arc<[Acl]>, InvalidAcl> {
        if acl.is_empty() {
            return Err(InvalidAcl);
        }
        if *acl == self.open[..] {
            return Ok(Arc::clone(&self.open));
        }
        // A set, so that a frame full of entries costs no more than its length.
        let mut seen = HashSet::with_capacity(acl.len());
        let mut fixed = Vec::with_capacity(acl.len());
        for entry in acl {
            if !seen.insert((entry.perms.0, entry.scheme.as_str(), entry.id.as_str())) {
                continue;
            }
            match entry.scheme.as_str() {
                WORLD if entry.id == ANYONE => fixed.push(entry.clone()),
                AUTH => self.expand(identities, entry, &mut fixed, room)?,
                scheme if self.scheme(scheme).is_some_and(|s| s.is_valid(&entry.id)) => {
                    fixed.push(entry.clone());
                }
                _ => return Err(InvalidAcl),
            }
        }
        Ok(fixed.into())
    }

    /// One entry for each identity that proves a person; the entry's own id text means nothing.
    fn expand(
        &self,
        identities: &Identities,
        entry: &Acl,
        fixed: &mut Vec<Acl>,
        room: &mut AclRoom,
    ) -> Result<(), InvalidAcl> {
        let before = fixed.len();
        let persons = identities.iter().filter(|identity| {
            self.scheme(&identity.scheme).is_some_and(super::Scheme::proves_person)
        });
        for person in persons {
            let len = ENTRY_LEN + person.scheme.len() + person.id.len();
            room.0 = room.0.checked_sub(len).ok_or(InvalidAcl)?;
            let (scheme, id) = (person.scheme.to_string(), person.id.clone());
            fixed.push(Acl { perms: entry.perms, scheme, id });
        }
        if fixed.len() == before { Err(InvalidAcl) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use zk_proto::Permissions;

    use super::*;
    use crate::auth::{AuthConfig, digest_id};

    fn entry(scheme: &str, id: &str) -> Acl {
        Acl { perms: Permissions::ALL, scheme: scheme.into(), id: id.into() }
    }

    fn fixed(credentials: &[&str], list: &[Acl]) -> Result<Arc<[Acl]>, InvalidAcl> {
        let access = AccessControl::new(AuthConfig::default());
        let mut identities = Identities::of_peer([10, 0, 0, 7].into());
        for credentials in credentials {
            access.authenticate("digest", credentials.as_bytes(), &mut identities).unwrap();
        }
        access.fix_up(&identities, list, &mut AclRoom::default())
    }

    #[test]
    fn duplicates_go_and_the_order_stays() {
        let (a, b) = (entry("digest", "a:1"), entry("world", "anyone"));
        let list = [a.clone(), b.clone(), a.clone()];
        assert_eq!(fixed(&[], &list), Ok([a, b].into()));
    }

    #[test]
    fn auth_becomes_every_proven_person_but_no_address() {
        let list = [entry("auth", "ignored")];
        let expected = [entry("digest", &digest_id("a:1")), entry("digest", &digest_id("b:2"))];
        assert_eq!(fixed(&["a:1", "b:2"], &list), Ok(expected.into()));
        assert_eq!(fixed(&[], &list), Err(InvalidAcl));
    }

    #[test]
    fn auth_entries_do_not_multiply_beyond_a_bound() {
        let list: Vec<_> = (0..70_000).map(|i| entry("auth", &i.to_string())).collect();
        assert_eq!(fixed(&["a:1"], &list), Err(InvalidAcl));
    }

    #[test]
    fn what_no_scheme_can_mean_is_refused() {
        let invalid = [
            ("world", "somebody"),
            ("world", ""),
            ("", ""),
            ("super", ""),
            ("unknown", "x"),
            ("digest", "nohash"),
            ("ip", "10.0.0.0/99"),
            ("x509", "CN=x"),
        ];
        for (scheme, id) in invalid {
            let list = [entry("world", "anyone"), entry(scheme, id)];
            assert_eq!(fixed(&[], &list), Err(InvalidAcl), "{scheme}:{id}");
        }
        assert_eq!(fixed(&[], &[]), Err(InvalidAcl));
    }
}
