//! `exists`, `getData`, `getACL`.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{ErrorCode, ExistsRequest, GetAclRequest, GetDataRequest, Permissions};

use super::ReadContext;
use crate::auth::redact::redact;
use crate::watch::WatchKind;

impl ReadContext<'_> {
    pub(super) fn exists(
        &mut self,
        request: &ExistsRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        if request.path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let node = self.tree.node(request.path);
        if let Some(node) = node {
            self.check_access(node.acl(), Permissions::READ)?;
        }
        // On a missing node too: that is how one waits for a node to appear.
        if request.watch {
            self.watches.add(self.connection, request.path, WatchKind::Data);
        }
        node.ok_or(ErrorCode::NoNode)?.stat().encode(body);
        self.count(request.path, 0);
        Ok(())
    }

    pub(super) fn get_data(
        &mut self,
        request: &GetDataRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.readable(request.path)?;
        if request.watch {
            self.watches.add(self.connection, request.path, WatchKind::Data);
        }
        node.data().encode(body);
        node.stat().encode(body);
        self.count(request.path, node.data().map_or(0, <[u8]>::len));
        Ok(())
    }

    /// Who may administrate the node sees its ACL, who may read it sees it without hashes.
    pub(super) fn get_acl(
        &mut self,
        request: &GetAclRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.existing(request.path)?;
        self.check_access(node.acl(), Permissions::READ | Permissions::ADMIN)?;
        if self.check_access(node.acl(), Permissions::ADMIN).is_ok() {
            node.acl().to_vec().encode(body);
        } else {
            redact(node.acl()).encode(body);
        }
        node.stat().encode(body);
        Ok(())
    }
}
