//! What a reader without ADMIN sees of an ACL.

use zk_proto::Acl;

/// Replaces the password hash of each digest entry by `x`: who may only read the list must not be
/// able to guess passwords offline.
#[must_use]
pub fn redact(acl: &[Acl]) -> Vec<Acl> {
    let redacted = |entry: &Acl| {
        let mut entry = entry.clone();
        if entry.scheme == super::digest::SCHEME
            && let Some(colon) = entry.id.find(':')
        {
            entry.id.truncate(colon);
            entry.id.push_str(":x");
        }
        entry
    };
    acl.iter().map(redacted).collect()
}

#[cfg(test)]
mod tests {
    use zk_proto::Permissions;

    use super::*;

    #[test]
    fn digest_hashes_are_hidden_and_nothing_else() {
        let entry = |scheme: &str, id: &str| Acl {
            perms: Permissions::READ,
            scheme: scheme.into(),
            id: id.into(),
        };
        let list = [entry("digest", "bob:c2VjcmV0"), entry("ip", "::1"), entry("world", "anyone")];
        let expected = [entry("digest", "bob:x"), entry("ip", "::1"), entry("world", "anyone")];
        assert_eq!(redact(&list), expected);
    }
}
