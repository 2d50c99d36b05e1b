//! What a transaction does.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::codec::{Decode, DecodeError, Encode, Reader, put_count};
use crate::{Acl, ErrorCode, OpCode};

/// A change to the tree or the sessions, decided and ready to be applied.
///
/// On the wire and on disk the variant is named by the op code in the
/// [`TxnHeader`](super::TxnHeader), or, inside a multi, in front of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Txn {
    /// A node was created by `create` or `create2`; the two differ in their answers only.
    Create {
        /// Whether the client asked by `create2`, and so is answered with a stat.
        with_stat: bool,
        /// The node's final path.
        path: String,
        /// The node's data.
        data: Option<Bytes>,
        /// The node's final ACL.
        acl: Arc<[Acl]>,
        /// Whether the session owns it.
        ephemeral: bool,
        /// The parent's count of creates after this one; -1 in very old logs: one more than now.
        parent_cversion: i32,
    },
    /// A container was created.
    CreateContainer {
        /// The node's path.
        path: String,
        /// The node's data.
        data: Option<Bytes>,
        /// The node's final ACL.
        acl: Arc<[Acl]>,
        /// The parent's count of creates after this one.
        parent_cversion: i32,
    },
    /// A node with a time to live was created.
    CreateTtl {
        /// The node's final path.
        path: String,
        /// The node's data.
        data: Option<Bytes>,
        /// The node's final ACL.
        acl: Arc<[Acl]>,
        /// The parent's count of creates after this one.
        parent_cversion: i32,
        /// The time to live in ms.
        ttl_ms: i64,
    },
    /// A node was deleted.
    Delete {
        /// The node.
        path: String,
    },
    /// An empty container, or a node past its time, was deleted by the server.
    DeleteContainer {
        /// The node.
        path: String,
    },
    /// A node's data was set.
    SetData {
        /// The node.
        path: String,
        /// The new data.
        data: Option<Bytes>,
        /// The new version.
        version: i32,
    },
    /// The configuration of the ensemble was set, which is a node's data.
    Reconfig {
        /// The configuration's node.
        path: String,
        /// The new configuration.
        data: Option<Bytes>,
        /// The new version of the node: -1, as the node's version never moves.
        version: i32,
    },
    /// A node's ACL was set.
    SetAcl {
        /// The node.
        path: String,
        /// The new, final ACL.
        acl: Arc<[Acl]>,
        /// The new ACL version.
        version: i32,
    },
    /// A version was checked, inside a multi. Changes nothing.
    Check {
        /// The node.
        path: String,
        /// The version after the one that was found.
        version: i32,
    },
    /// A session began.
    CreateSession {
        /// Its timeout in ms.
        timeout_ms: i32,
    },
    /// A session ended and took its ephemeral nodes along.
    CloseSession {
        /// The nodes; those already gone are passed over. `None` in logs before 3.6: all that the
        /// session owns.
        paths: Option<Vec<String>>,
    },
    /// Several changes, all or none: with an error among them none takes effect.
    Multi(Vec<Txn>),
    /// A write that was refused. It still has its place in the order.
    Error(ErrorCode),
}

impl Txn {
    /// The op code that names this body.
    #[must_use]
    pub fn op(&self) -> OpCode {
        match self {
            Self::Create { with_stat: false, .. } => OpCode::Create,
            Self::Create { with_stat: true, .. } => OpCode::Create2,
            Self::CreateContainer { .. } => OpCode::CreateContainer,
            Self::CreateTtl { .. } => OpCode::CreateTtl,
            Self::Delete { .. } => OpCode::Delete,
            Self::DeleteContainer { .. } => OpCode::DeleteContainer,
            Self::SetData { .. } => OpCode::SetData,
            Self::Reconfig { .. } => OpCode::Reconfig,
            Self::SetAcl { .. } => OpCode::SetAcl,
            Self::Check { .. } => OpCode::Check,
            Self::CreateSession { .. } => OpCode::CreateSession,
            Self::CloseSession { .. } => OpCode::CloseSession,
            Self::Multi(_) => OpCode::Multi,
            Self::Error(_) => OpCode::Error,
        }
    }

    /// Reads the body that the header's `op` names.
    ///
    /// # Errors
    ///
    /// If the bytes are no such body, or if no transaction has that type.
    pub fn decode(op: i32, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match OpCode::try_from(op) {
            Ok(OpCode::Multi) => decode_multi(reader),
            Ok(op) => decode_single(op, reader),
            Err(_) => Err(unknown(op)),
        }
    }
}

impl Encode for Txn {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Create { path, data, acl, ephemeral, parent_cversion, .. } => {
                encode_node(out, path, data, acl);
                ephemeral.encode(out);
                parent_cversion.encode(out);
            }
            Self::CreateContainer { path, data, acl, parent_cversion } => {
                encode_node(out, path, data, acl);
                parent_cversion.encode(out);
            }
            Self::CreateTtl { path, data, acl, parent_cversion, ttl_ms } => {
                encode_node(out, path, data, acl);
                parent_cversion.encode(out);
                ttl_ms.encode(out);
            }
            Self::Delete { path } | Self::DeleteContainer { path } => path.encode(out),
            Self::SetData { path, data, version } | Self::Reconfig { path, data, version } => {
                path.encode(out);
                data.encode(out);
                version.encode(out);
            }
            Self::SetAcl { path, acl, version } => {
                path.encode(out);
                acl.encode(out);
                version.encode(out);
            }
            Self::Check { path, version } => {
                path.encode(out);
                version.encode(out);
            }
            Self::CreateSession { timeout_ms } => timeout_ms.encode(out),
            Self::CloseSession { paths: Some(paths) } => paths.encode(out),
            Self::CloseSession { paths: None } => {}
            Self::Multi(parts) => encode_multi(parts, out),
            Self::Error(code) => code.encode(out),
        }
    }
}

fn encode_node(out: &mut BytesMut, path: &str, data: &Option<Bytes>, acl: &Arc<[Acl]>) {
    path.encode(out);
    data.encode(out);
    acl.encode(out);
}

/// Parts are buffers, so that a reader can pass over one it does not know.
fn encode_multi(parts: &[Txn], out: &mut BytesMut) {
    put_count(out, parts.len());
    for part in parts {
        part.op().code().encode(out);
        let start = out.len();
        0_i32.encode(out);
        part.encode(out);
        let len = i32::try_from(out.len() - start - 4).expect("a transaction is below 2 GiB");
        out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    }
}

fn decode_multi(reader: &mut Reader<'_>) -> Result<Txn, DecodeError> {
    let count = reader.count()?.unwrap_or(0);
    let mut parts = Vec::new();
    for _ in 0..count {
        let op = i32::decode(reader)?;
        let body = reader.shared_buffer()?.unwrap_or_default();
        let mut body = Reader::of(&body);
        // A multi has no multi in it, so that no input can make this recurse.
        let op = OpCode::try_from(op).map_err(|_| unknown(op))?;
        parts.push(decode_single(op, &mut body)?);
    }
    Ok(Txn::Multi(parts))
}

fn decode_single(op: OpCode, reader: &mut Reader<'_>) -> Result<Txn, DecodeError> {
    Ok(match op {
        OpCode::Create | OpCode::Create2 => Txn::Create {
            with_stat: op == OpCode::Create2,
            path: Decode::decode(reader)?,
            data: Decode::decode(reader)?,
            acl: Decode::decode(reader)?,
            ephemeral: Decode::decode(reader)?,
            parent_cversion: if reader.is_empty() { -1 } else { Decode::decode(reader)? },
        },
        OpCode::CreateContainer => Txn::CreateContainer {
            path: Decode::decode(reader)?,
            data: Decode::decode(reader)?,
            acl: Decode::decode(reader)?,
            parent_cversion: Decode::decode(reader)?,
        },
        OpCode::CreateTtl => Txn::CreateTtl {
            path: Decode::decode(reader)?,
            data: Decode::decode(reader)?,
            acl: Decode::decode(reader)?,
            parent_cversion: Decode::decode(reader)?,
            ttl_ms: Decode::decode(reader)?,
        },
        OpCode::Delete => Txn::Delete { path: Decode::decode(reader)? },
        OpCode::DeleteContainer => Txn::DeleteContainer { path: Decode::decode(reader)? },
        OpCode::SetData => Txn::SetData {
            path: Decode::decode(reader)?,
            data: Decode::decode(reader)?,
            version: Decode::decode(reader)?,
        },
        OpCode::Reconfig => Txn::Reconfig {
            path: Decode::decode(reader)?,
            data: Decode::decode(reader)?,
            version: Decode::decode(reader)?,
        },
        OpCode::SetAcl => Txn::SetAcl {
            path: Decode::decode(reader)?,
            acl: Decode::decode(reader)?,
            version: Decode::decode(reader)?,
        },
        OpCode::Check => {
            Txn::Check { path: Decode::decode(reader)?, version: Decode::decode(reader)? }
        }
        OpCode::CreateSession => Txn::CreateSession { timeout_ms: Decode::decode(reader)? },
        OpCode::CloseSession => Txn::CloseSession {
            paths: if reader.is_empty() { None } else { Some(Decode::decode(reader)?) },
        },
        OpCode::Error => Txn::Error(Decode::decode(reader)?),
        op => return Err(unknown(op.code())),
    })
}

fn unknown(op: i32) -> DecodeError {
    DecodeError::UnknownValue { what: "transaction type", value: op }
}
