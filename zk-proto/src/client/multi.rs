//! Several operations in one request.

use bytes::{Bytes, BytesMut};

use super::{
    CheckVersionRequest, Create2Response, CreateRequest, CreateTtlRequest, DeleteRequest,
    ErrorCode, GetChildrenRequest, GetDataRequest, GetDataResponse, OpCode, SetDataRequest,
};
use crate::Stat;
use crate::codec::{Decode, DecodeError, Encode, Reader, record};

record! {
    /// In front of each operation and result, and, with `done`, behind the last.
    #[derive(Copy)]
    pub struct MultiHeader {
        /// The number of an [`OpCode`].
        pub op: i32,
        /// Whether this ends the list.
        pub done: bool,
        /// -1 in requests; in results how the operation went.
        pub err: i32,
    }
}

impl MultiHeader {
    /// What ends a list.
    pub const END: Self = Self { op: -1, done: true, err: -1 };
}

/// An operation of a multi (the writes) or a multiRead (the two reads).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiOp<'a> {
    /// Creates a node.
    Create(CreateRequest<'a>),
    /// Creates a node, answered with its metadata.
    Create2(CreateRequest<'a>),
    /// Creates a container.
    CreateContainer(CreateRequest<'a>),
    /// Creates a node with a time to live.
    CreateTtl(CreateTtlRequest<'a>),
    /// Deletes a node.
    Delete(DeleteRequest<'a>),
    /// Sets a node's data.
    SetData(SetDataRequest<'a>),
    /// Checks a node's version.
    Check(CheckVersionRequest<'a>),
    /// Reads a node's data.
    GetData(GetDataRequest<'a>),
    /// Reads the names of a node's children.
    GetChildren(GetChildrenRequest<'a>),
}

impl MultiOp<'_> {
    /// The operation's code.
    #[must_use]
    pub fn op(&self) -> OpCode {
        match self {
            Self::Create(_) => OpCode::Create,
            Self::Create2(_) => OpCode::Create2,
            Self::CreateContainer(_) => OpCode::CreateContainer,
            Self::CreateTtl(_) => OpCode::CreateTtl,
            Self::Delete(_) => OpCode::Delete,
            Self::SetData(_) => OpCode::SetData,
            Self::Check(_) => OpCode::Check,
            Self::GetData(_) => OpCode::GetData,
            Self::GetChildren(_) => OpCode::GetChildren,
        }
    }

    /// Whether it belongs into a multiRead.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Self::GetData(_) | Self::GetChildren(_))
    }

    /// The node it is about.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Create(request) | Self::Create2(request) | Self::CreateContainer(request) => {
                request.path
            }
            Self::CreateTtl(request) => request.path,
            Self::Delete(request) => request.path,
            Self::SetData(request) => request.path,
            Self::Check(request) => request.path,
            Self::GetData(request) => request.path,
            Self::GetChildren(request) => request.path,
        }
    }
}

/// The body of a `multi` or `multiRead`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiRequest<'a> {
    /// The operations, in order. None at all is valid.
    pub ops: Vec<MultiOp<'a>>,
}

impl Encode for MultiRequest<'_> {
    fn encode(&self, out: &mut BytesMut) {
        for op in &self.ops {
            MultiHeader { op: op.op().code(), done: false, err: -1 }.encode(out);
            op.encode(out);
        }
        MultiHeader::END.encode(out);
    }

    fn len_hint(&self) -> usize {
        let op = |op: &MultiOp<'_>| MultiHeader::END.len_hint() + op.len_hint();
        MultiHeader::END.len_hint() + self.ops.iter().map(op).sum::<usize>()
    }
}

impl Encode for MultiOp<'_> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Create(request) | Self::Create2(request) | Self::CreateContainer(request) => {
                request.encode(out);
            }
            Self::CreateTtl(request) => request.encode(out),
            Self::Delete(request) => request.encode(out),
            Self::SetData(request) => request.encode(out),
            Self::Check(request) => request.encode(out),
            Self::GetData(request) => request.encode(out),
            Self::GetChildren(request) => request.encode(out),
        }
    }

    fn len_hint(&self) -> usize {
        match self {
            Self::Create(request) | Self::Create2(request) | Self::CreateContainer(request) => {
                request.len_hint()
            }
            Self::CreateTtl(request) => request.len_hint(),
            Self::SetData(request) => request.len_hint(),
            Self::Delete(_) | Self::Check(_) | Self::GetData(_) | Self::GetChildren(_) => {
                size_of::<i64>() + self.path().len()
            }
        }
    }
}

impl<'a> Decode<'a> for MultiRequest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut ops = Vec::new();
        loop {
            let header = MultiHeader::decode(reader)?;
            if header.done {
                return Ok(Self { ops });
            }
            ops.push(decode_op(header.op, reader)?);
        }
    }
}

fn decode_op<'a>(code: i32, reader: &mut Reader<'a>) -> Result<MultiOp<'a>, DecodeError> {
    Ok(match OpCode::try_from(code) {
        Ok(OpCode::Create) => MultiOp::Create(Decode::decode(reader)?),
        Ok(OpCode::Create2) => MultiOp::Create2(Decode::decode(reader)?),
        Ok(OpCode::CreateContainer) => MultiOp::CreateContainer(Decode::decode(reader)?),
        Ok(OpCode::CreateTtl) => MultiOp::CreateTtl(Decode::decode(reader)?),
        Ok(OpCode::Delete) => MultiOp::Delete(Decode::decode(reader)?),
        Ok(OpCode::SetData) => MultiOp::SetData(Decode::decode(reader)?),
        Ok(OpCode::Check) => MultiOp::Check(Decode::decode(reader)?),
        Ok(OpCode::GetData) => MultiOp::GetData(Decode::decode(reader)?),
        Ok(OpCode::GetChildren) => MultiOp::GetChildren(Decode::decode(reader)?),
        _ => return Err(DecodeError::UnknownValue { what: "operation of a multi", value: code }),
    })
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiResult {
    /// Of a create.
    Create {
        /// The path created.
        path: String,
    },
    /// Of a create2, createContainer or createTTL.
    Create2(Create2Response),
    /// Of a delete.
    Delete,
    /// Of a setData.
    SetData {
        /// The node's metadata after the change.
        stat: Stat,
    },
    /// Of a check.
    Check,
    /// Of a getData.
    GetData {
        /// The node's data.
        data: Option<Bytes>,
        /// The node's metadata.
        stat: Stat,
    },
    /// Of a getChildren.
    GetChildren {
        /// The children's names.
        children: Vec<String>,
    },
    /// In a failed multi every entry is one of these: [`ErrorCode::Ok`] before the operation that
    /// failed, its own code there, [`ErrorCode::RuntimeInconsistency`] behind it. In a multiRead
    /// only the operations that failed.
    Error(ErrorCode),
}

/// Answers `multi` and `multiRead`. The header in front says "ok" even if the multi failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiResponse {
    /// One result per operation, in order.
    pub results: Vec<MultiResult>,
}

impl MultiResult {
    fn op(&self) -> OpCode {
        match self {
            Self::Create { .. } => OpCode::Create,
            Self::Create2(_) => OpCode::Create2,
            Self::Delete => OpCode::Delete,
            Self::SetData { .. } => OpCode::SetData,
            Self::Check => OpCode::Check,
            Self::GetData { .. } => OpCode::GetData,
            Self::GetChildren { .. } => OpCode::GetChildren,
            Self::Error(_) => OpCode::Error,
        }
    }
}

impl Encode for MultiResult {
    fn encode(&self, out: &mut BytesMut) {
        let err = if let Self::Error(code) = self { code.code() } else { 0 };
        MultiHeader { op: self.op().code(), done: false, err }.encode(out);
        match self {
            Self::Create { path } => path.encode(out),
            Self::Create2(response) => response.encode(out),
            Self::Delete | Self::Check => {}
            Self::SetData { stat } => stat.encode(out),
            Self::GetData { data, stat } => {
                data.encode(out);
                stat.encode(out);
            }
            Self::GetChildren { children } => children.encode(out),
            Self::Error(code) => code.encode(out),
        }
    }
}

impl Encode for MultiResponse {
    fn encode(&self, out: &mut BytesMut) {
        for result in &self.results {
            result.encode(out);
        }
        MultiHeader::END.encode(out);
    }
}

impl<'a> Decode<'a> for MultiResponse {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut results = Vec::new();
        loop {
            let header = MultiHeader::decode(reader)?;
            if header.done {
                return Ok(Self { results });
            }
            results.push(decode_result(header.op, reader)?);
        }
    }
}

fn decode_result(code: i32, reader: &mut Reader<'_>) -> Result<MultiResult, DecodeError> {
    Ok(match OpCode::try_from(code) {
        Ok(OpCode::Create) => MultiResult::Create { path: Decode::decode(reader)? },
        // Servers answer all three as create2; the other two are taken as well.
        Ok(OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl) => {
            MultiResult::Create2(Decode::decode(reader)?)
        }
        Ok(OpCode::Delete) => MultiResult::Delete,
        Ok(OpCode::SetData) => MultiResult::SetData { stat: Decode::decode(reader)? },
        Ok(OpCode::Check) => MultiResult::Check,
        Ok(OpCode::GetData) => {
            let GetDataResponse { data, stat } = Decode::decode(reader)?;
            MultiResult::GetData { data, stat }
        }
        Ok(OpCode::GetChildren) => MultiResult::GetChildren { children: Decode::decode(reader)? },
        Ok(OpCode::Error) => MultiResult::Error(Decode::decode(reader)?),
        _ => return Err(DecodeError::UnknownValue { what: "result of a multi", value: code }),
    })
}
