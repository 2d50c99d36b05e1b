//! `setACL`.

use std::sync::Arc;

use zk_proto::txn::Txn;
use zk_proto::{Permissions, SetAclRequest};

use super::{Judged, Validator, check_path, next_version};

impl Validator<'_> {
    pub(super) fn set_acl(&mut self, request: &SetAclRequest<'_>) -> Judged {
        self.check_session()?;
        check_path(request.path)?;
        let acl = self.fix_up(&request.acl)?;
        let at = self.draft.place(request.path);
        let mut node = self.existing(at)?;
        self.check_access(&node.acl, Permissions::ADMIN)?;
        node.stat.acl_version = next_version(node.stat.acl_version, request.version)?;
        node.acl = Arc::clone(&acl);
        let version = node.stat.acl_version;
        self.draft.put(at, node);
        Ok(Txn::SetAcl { path: request.path.to_owned(), acl, version })
    }
}
