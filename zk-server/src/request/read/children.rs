//! `getChildren`, `getChildren2`, `getAllChildrenNumber`.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{ErrorCode, GetAllChildrenNumberRequest, GetChildren2Request, GetChildrenRequest};

use super::ReadContext;
use crate::tree::NodeRef;
use crate::watch::WatchKind;

impl<'a> ReadContext<'a> {
    pub(super) fn get_children(
        &mut self,
        request: &GetChildrenRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.list(request.path, request.watch)?;
        encode_names(node, body);
        Ok(())
    }

    pub(super) fn get_children2(
        &mut self,
        request: &GetChildren2Request<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.list(request.path, request.watch)?;
        encode_names(node, body);
        node.stat().encode(body);
        Ok(())
    }

    pub(super) fn get_all_children_number(
        &mut self,
        request: &GetAllChildrenNumberRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        self.readable(request.path)?;
        let count = self.tree.descendant_count(request.path).ok_or(ErrorCode::NoNode)?;
        i32::try_from(count).unwrap_or(i32::MAX).encode(body);
        Ok(())
    }

    fn list(&mut self, path: &str, watch: bool) -> Result<NodeRef<'a>, ErrorCode> {
        let node = self.readable(path)?;
        if watch {
            self.watches.add(self.connection, path, WatchKind::Child);
        }
        Ok(node)
    }
}

/// A vector of strings, without making strings.
pub(super) fn encode_names(node: NodeRef<'_>, body: &mut BytesMut) {
    let count = i32::try_from(node.child_count());
    count.expect("a node has fewer than 2 billion children").encode(body);
    for name in node.children() {
        name.encode(body);
    }
}
