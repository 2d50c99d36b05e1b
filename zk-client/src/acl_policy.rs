//! Which ACL a new node gets whose create names none.

use std::fmt;
use std::sync::Arc;

use zk_proto::Acl;

type Policy = dyn Fn(&str) -> Vec<Acl> + Send + Sync;

/// From a path to an ACL; open to everybody by default.
#[derive(Clone, Default)]
pub(crate) struct AclPolicy(Option<Arc<Policy>>);

impl AclPolicy {
    pub(crate) fn new(policy: impl Fn(&str) -> Vec<Acl> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(policy)))
    }

    /// The ACL for a new node at `path`, as the root of the connect string shows it.
    pub(crate) fn acl(&self, path: &str) -> Vec<Acl> {
        match &self.0 {
            None => Acl::open(),
            Some(policy) => policy(path),
        }
    }
}

impl fmt::Debug for AclPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "AclPolicy(custom)" } else { "AclPolicy(open)" })
    }
}
