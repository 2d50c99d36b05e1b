//! What was found out about ACLs while one thing is done that asks again and again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use zk_proto::{Acl, Permissions};

use super::{AccessControl, Identities};
use crate::connection_id::ConnectionId;

/// Entries of an ACL that are gone through in less time than it takes to look it up.
const SHORT: usize = 32;

/// Remembers which ACLs allow what to whom.
///
/// An ACL may have tens of thousands of entries, and a multi as many operations: to go through all of
/// one for each of the other takes minutes, in which nobody else is served.
///
/// Only for as long as nobody's identities change.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    /// Only looked up, never iterated. Each holds its ACL, whose address can't become another's.
    long: RefCell<HashMap<Question, Verdict>>,
}

/// Who wants what, of the ACL at which address. Nobody in particular where one client is all there is.
type Question = (Option<ConnectionId>, Permissions, *const Acl);

/// The ACL, and whether it allows that.
type Verdict = (Arc<[Acl]>, bool);

impl Verdicts {
    /// As [`AccessControl::allows`].
    pub(crate) fn allows(
        &self,
        access: &AccessControl,
        (who, identities): (Option<ConnectionId>, &Identities),
        acl: &Arc<[Acl]>,
        wanted: Permissions,
    ) -> bool {
        if acl.len() <= SHORT {
            return access.allows(identities, acl, wanted);
        }
        let mut long = self.long.borrow_mut();
        let found = long.entry((who, wanted, acl.as_ptr()));
        found.or_insert_with(|| (Arc::clone(acl), access.allows(identities, acl, wanted))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{AuthConfig, Identity};

    fn acl(len: usize, last: &str) -> Arc<[Acl]> {
        let entry = |id: String| Acl { perms: Permissions::READ, scheme: "digest".into(), id };
        let others = (1..len).map(|i| entry(format!("nobody{i}")));
        others.chain([entry(last.to_owned())]).collect()
    }

    #[test]
    fn what_is_remembered_is_what_the_acl_says() {
        let access = AccessControl::new(AuthConfig::default());
        let (mut ann, bob) = (Identities::none(), Identities::none());
        ann.add(Identity::new("digest", "ann".to_owned())).unwrap();
        let verdicts = Verdicts::default();
        for len in [1, SHORT, SHORT + 1, 1000] {
            for _ in 0..3 {
                // Each would be gone when the next is made, and could be where it was.
                for last in ["ann", "eve"] {
                    let acl = acl(len, last);
                    for (number, who) in [(1, &ann), (2, &bob)] {
                        for wanted in [Permissions::READ, Permissions::WRITE] {
                            let asker = (Some(ConnectionId(number)), who);
                            let allowed = verdicts.allows(&access, asker, &acl, wanted);
                            assert_eq!(allowed, access.allows(who, &acl, wanted), "{len} {last}");
                        }
                    }
                    let kept = Arc::strong_count(&acl) - 1;
                    assert_eq!(kept, if len > SHORT { 4 } else { 0 }, "each question once");
                }
            }
        }
    }
}
