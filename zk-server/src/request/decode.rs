//! From bytes to a request.

use bytes::Bytes;
use zk_proto::codec::{DecodeError, Reader};
use zk_proto::{CreateMode, MultiOp, OpCode, Request};

/// The body of a client's request.
///
/// # Errors
///
/// If the bytes are no such body: answer MARSHALLINGERROR. So is a path that is null where a node is
/// needed; taken for an empty path, which is another name of the root, it would read the root.
pub fn decode(op: OpCode, body: &Bytes) -> Result<Request<'_>, DecodeError> {
    let request = Request::decode(op, &mut Reader::of(body))?;
    if needs_a_node(op) && request.path() == Some("") && body.starts_with(&NULL) {
        return Err(DecodeError::UnexpectedNull("path"));
    }
    if let Request::Multi(multi) = &request
        && let Some(misfit) = multi.ops.iter().find(|op| !is_well_formed(op))
    {
        let value = misfit.op().code();
        return Err(DecodeError::UnknownValue { what: "operation of a multi", value });
    }
    Ok(request)
}

/// Whether a write that cannot be decoded is put on record all the same, by a transaction that
/// changes nothing and uses up a zxid. Apache 3.9 gives a zxid to a write that it could read, and
/// finds out later about a null; to a multi in any case; to a reconfig only if it is carried out.
/// Up to 3.8 every other write got one before it was read.
#[must_use]
pub fn is_recorded_undecoded(op: OpCode, error: &DecodeError) -> bool {
    match op {
        OpCode::Multi => true,
        OpCode::Reconfig => false,
        _ => matches!(error, DecodeError::UnexpectedNull(_)),
    }
}

/// What is not well-formed fails a multi as a whole, like one that cannot be decoded: reads among
/// writes, flags that do not exist, and a time to live asked for by an operation that has no field
/// for it. All as in Apache 3.9; before, unknown flags were the operation's own failure, and with a
/// time to live they still are.
pub(super) fn is_well_formed(op: &MultiOp<'_>) -> bool {
    match op {
        MultiOp::Create(request)
        | MultiOp::Create2(request)
        | MultiOp::CreateContainer(request) => {
            CreateMode::try_from(request.flags).is_ok_and(|mode| !mode.is_ttl())
        }
        op => !op.is_read(),
    }
}

/// The length of a string that is null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

/// Whether the body starts with the path of a node. Not those that answer a null path in their own
/// way: BADARGUMENTS for a write of data or ACL, all nodes of the session, an echo.
fn needs_a_node(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::Exists
            | OpCode::GetData
            | OpCode::GetAcl
            | OpCode::GetChildren
            | OpCode::GetChildren2
            | OpCode::GetAllChildrenNumber
            | OpCode::AddWatch
            | OpCode::CheckWatches
            | OpCode::RemoveWatches
    )
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};

    use super::*;

    fn body(path: i32) -> Bytes {
        let mut body = BytesMut::new();
        body.put_i32(path);
        body.put_slice(&[0; 24]);
        body.freeze()
    }

    #[test]
    fn a_path_that_is_null_is_not_the_root() {
        for op in OpCode::ALL.iter().filter(|op| needs_a_node(**op)) {
            let name = op.name();
            assert_eq!(decode(*op, &body(-1)), Err(DecodeError::UnexpectedNull("path")), "{name}");
            assert!(decode(*op, &body(0)).is_ok(), "{name} takes an empty path");
        }
        assert!(decode(OpCode::Sync, &body(-1)).is_ok());
        assert!(decode(OpCode::GetEphemerals, &body(-1)).is_ok());
    }
}
