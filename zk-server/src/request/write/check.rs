//! `check`, which only a multi can contain.

use zk_proto::txn::Txn;
use zk_proto::{CheckVersionRequest, Permissions};

use super::{Judged, Validator, check_path, next_version};

impl Validator<'_> {
    pub(super) fn check(&mut self, request: &CheckVersionRequest<'_>) -> Judged {
        self.check_session()?;
        check_path(request.path)?;
        let node = self.existing(self.draft.place(request.path))?;
        self.check_access(&node.acl, Permissions::READ)?;
        let version = next_version(node.stat.version, request.version)?;
        Ok(Txn::Check { path: request.path.to_owned(), version })
    }
}
