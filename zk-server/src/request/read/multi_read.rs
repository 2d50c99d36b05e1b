//! `multiRead`.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{ErrorCode, MultiHeader, MultiOp, MultiRequest, OpCode, Permissions};

use super::ReadContext;
use super::children::encode_names;
use crate::auth::Verdicts;

/// Longest answer to a multiRead, in bytes. A frame of requests for one large node would otherwise
/// multiply into gigabytes; no client takes a frame that is anywhere near.
pub const MULTI_READ_LEN_MAX: usize = 64 << 20;

impl ReadContext<'_> {
    /// Each read succeeds or fails by itself. Their watch flags are ignored, as in Apache.
    pub(super) fn multi_read(
        &mut self,
        request: &MultiRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        if !request.ops.iter().all(MultiOp::is_read) {
            return Err(ErrorCode::MarshallingError);
        }
        let (start, verdicts) = (body.len(), Verdicts::default());
        for op in &request.ops {
            let before = body.len();
            if let Err(code) = self.read_part(op, &verdicts, body) {
                body.truncate(before);
                result_header(OpCode::Error, code).encode(body);
                code.encode(body);
            }
            if body.len() - start > MULTI_READ_LEN_MAX {
                body.truncate(start);
                return Err(ErrorCode::MarshallingError);
            }
        }
        MultiHeader::END.encode(body);
        Ok(())
    }

    fn read_part(
        &mut self,
        op: &MultiOp<'_>,
        verdicts: &Verdicts,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let node = self.existing(op.path())?;
        let asker = (None, self.identities);
        if !verdicts.allows(self.access, asker, node.acl(), Permissions::READ) {
            return Err(ErrorCode::NoAuth);
        }
        result_header(op.op(), ErrorCode::Ok).encode(body);
        if matches!(op, MultiOp::GetData(_)) {
            node.data().encode(body);
            node.stat().encode(body);
            self.count(op.path(), node.data().map_or(0, <[u8]>::len));
        } else {
            let names_len = encode_names(node, body)?;
            self.count(op.path(), names_len);
        }
        Ok(())
    }
}

fn result_header(op: OpCode, code: ErrorCode) -> MultiHeader {
    MultiHeader { op: op.code(), done: false, err: code.code() }
}
