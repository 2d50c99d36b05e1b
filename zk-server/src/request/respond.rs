//! What a client is answered once its write is applied.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{CreateMode, ErrorCode, MultiHeader, MultiOp, OpCode, Request};

use crate::tree::Outcome;

/// What must be kept of a write until it is applied, to answer it: how much a client that creates
/// wants to know. Everything else follows from the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyShape(Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Single(CreateReply),
    Multi(Box<[CreateReply]>),
}

/// How a create is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CreateReply {
    /// By the path (`create`).
    Path,
    /// By path and metadata (all others).
    PathAndStat,
}

impl ReplyShape {
    /// What the answer to the request will look like.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        Self(match request {
            Request::Create(_) => Shape::Single(CreateReply::Path),
            Request::Multi(request) => Shape::Multi(request.ops.iter().map(of_part).collect()),
            _ => Shape::Single(CreateReply::PathAndStat),
        })
    }
}

fn of_part(op: &MultiOp<'_>) -> CreateReply {
    match op {
        // A container that was asked for by the flags alone is answered as one.
        MultiOp::Create(request) if request.flags != CreateMode::Container.flags() => {
            CreateReply::Path
        }
        _ => CreateReply::PathAndStat,
    }
}

/// Appends the reply's body, the part behind the header.
///
/// A multi that failed is no error here: the header says "ok", the results say what went wrong.
///
/// # Errors
///
/// What to put into the header instead; nothing was appended then.
pub fn encode(
    shape: &ReplyShape,
    outcome: &Outcome<'_>,
    body: &mut BytesMut,
) -> Result<(), ErrorCode> {
    match (outcome, &shape.0) {
        (Outcome::Failed(code), _) => return Err(*code),
        (Outcome::Multi(results), Shape::Multi(replies)) => {
            for (result, reply) in results.iter().zip(replies) {
                encode_part(*reply, result, body);
            }
            MultiHeader::END.encode(body);
        }
        (outcome, Shape::Single(reply)) => encode_result(*reply, outcome, body),
        (outcome, Shape::Multi(_)) => encode_result(CreateReply::PathAndStat, outcome, body),
    }
    Ok(())
}

fn encode_part(reply: CreateReply, result: &Outcome<'_>, body: &mut BytesMut) {
    // Containers and TTL nodes are answered as create2, in every version.
    let (op, code) = match result {
        Outcome::Created { .. } if reply == CreateReply::Path => (OpCode::Create, ErrorCode::Ok),
        Outcome::Created { .. } => (OpCode::Create2, ErrorCode::Ok),
        Outcome::Deleted => (OpCode::Delete, ErrorCode::Ok),
        Outcome::DataSet { .. } => (OpCode::SetData, ErrorCode::Ok),
        Outcome::Checked => (OpCode::Check, ErrorCode::Ok),
        Outcome::Failed(code) => (OpCode::Error, *code),
        // No multi has such parts.
        _ => (OpCode::Error, ErrorCode::SystemError),
    };
    MultiHeader { op: op.code(), done: false, err: code.code() }.encode(body);
    if op == OpCode::Error {
        code.encode(body);
    } else {
        encode_result(reply, result, body);
    }
}

fn encode_result(reply: CreateReply, outcome: &Outcome<'_>, body: &mut BytesMut) {
    match outcome {
        Outcome::Created { path, .. } if reply == CreateReply::Path => path.encode(body),
        Outcome::Created { path, stat } => {
            path.encode(body);
            stat.encode(body);
        }
        Outcome::DataSet { stat } | Outcome::AclSet { stat } => stat.encode(body),
        // The rest is answered by the header alone.
        _ => {}
    }
}
