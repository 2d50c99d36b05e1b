//! `getChildren`, `getChildren2`, `getAllChildrenNumber`.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{ErrorCode, GetAllChildrenNumberRequest, GetChildren2Request, GetChildrenRequest};

use super::{NAMES_LEN_MAX, ReadContext};
use crate::tree::NodeRef;
use crate::watch::WatchKind;

/// Bytes in front of a vector, and of each string.
const LEN_PREFIX: usize = 4;

impl<'a> ReadContext<'a> {
    pub(super) fn get_children(
        &mut self,
        request: &GetChildrenRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.list(request.path, request.watch)?;
        let names_len = encode_names(node, body)?;
        self.count(request.path, names_len);
        Ok(())
    }

    pub(super) fn get_children2(
        &mut self,
        request: &GetChildren2Request<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.list(request.path, request.watch)?;
        let names_len = encode_names(node, body)?;
        node.stat().encode(body);
        self.count(request.path, names_len);
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

/// A vector of strings, without making strings. The bytes of all names.
pub(super) fn encode_names(node: NodeRef<'_>, body: &mut BytesMut) -> Result<usize, ErrorCode> {
    let (start, count) = (body.len(), node.child_count());
    encode_strings(count, node.children(), NAMES_LEN_MAX, body)?;
    Ok((body.len() - start).saturating_sub(LEN_PREFIX * (1 + count)))
}

/// A vector of `count` strings, unless it gets longer than `limit` bytes.
pub(super) fn encode_strings<'s>(
    count: usize,
    strings: impl Iterator<Item = &'s str>,
    limit: usize,
    body: &mut BytesMut,
) -> Result<(), ErrorCode> {
    let start = body.len();
    i32::try_from(count).map_err(|_| ErrorCode::MarshallingError)?.encode(body);
    for string in strings {
        string.encode(body);
        if body.len() - start > limit {
            body.truncate(start);
            return Err(ErrorCode::MarshallingError);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_an_error_and_leaves_no_trace() {
        let mut body = BytesMut::from(&b"before"[..]);
        let mut encode =
            |limit| (encode_strings(2, ["abc", "def"].into_iter(), limit, &mut body), body.len());
        assert_eq!(encode(17), (Err(ErrorCode::MarshallingError), 6));
        assert_eq!(encode(18), (Ok(()), 24));
    }
}
