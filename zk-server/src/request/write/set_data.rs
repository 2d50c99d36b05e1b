//! `setData`.

use bytes::Bytes;
use zk_proto::txn::Txn;
use zk_proto::{Permissions, SetDataRequest};

use super::quota::Growth;
use super::{Judged, Validator, check_path, next_version};

impl Validator<'_> {
    pub(super) fn set_data(&mut self, request: &SetDataRequest<'_>) -> Judged {
        self.check_session()?;
        check_path(request.path)?;
        let at = self.draft.place(request.path);
        let mut node = self.existing(at)?;
        self.check_access(&node.acl, Permissions::WRITE)?;
        // Before the version, as in Apache.
        self.check_quota(request.path, Growth::of_data(node.data_len, request.data))?;
        node.stat.version = next_version(node.stat.version, request.version)?;
        node.set_data(request.path, request.data, self.draft.slot());
        let version = node.stat.version;
        self.draft.put(at, node);
        let data = request.data.map(Bytes::copy_from_slice);
        Ok(Txn::SetData { path: request.path.to_owned(), data, version })
    }
}
