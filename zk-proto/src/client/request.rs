//! Any request, decoded by its op code.

use bytes::BytesMut;

use super::{
    AddWatchRequest, AuthPacket, CheckVersionRequest, CheckWatchesRequest, CreateRequest,
    CreateTtlRequest, DeleteRequest, ExistsRequest, GetAclRequest, GetAllChildrenNumberRequest,
    GetChildren2Request, GetChildrenRequest, GetDataRequest, GetEphemeralsRequest, MultiRequest,
    OpCode, ReconfigRequest, RemoveWatchesRequest, SaslRequest, SetAclRequest, SetDataRequest,
    SetWatches, SetWatches2, SyncRequest,
};
use crate::codec::{Decode, DecodeError, Encode, Reader};

macro_rules! requests {
    ($($(#[$meta:meta])* $name:ident($record:ty),)*; $($(#[$bare_meta:meta])* $bare:ident,)*) => {
        /// The body of a request. Each variant is named after its [`OpCode`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Request<'a> {
            $($(#[$meta])* $name($record),)*
            $($(#[$bare_meta])* $bare,)*
        }

        impl<'a> Request<'a> {
            /// Reads the body that `op` calls for. Bytes behind it are left, as servers do.
            ///
            /// # Errors
            ///
            /// If the bytes are no such body, or if `op` is none a client may send.
            pub fn decode(op: OpCode, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                match op {
                    $(OpCode::$name => Decode::decode(reader).map(Self::$name),)*
                    $(OpCode::$bare => Ok(Self::$bare),)*
                    op => Err(DecodeError::UnknownValue { what: "request", value: op.code() }),
                }
            }

            /// What it asks for.
            #[must_use]
            pub fn op(&self) -> OpCode {
                match self {
                    $(Self::$name(_) => OpCode::$name,)*
                    $(Self::$bare => OpCode::$bare,)*
                }
            }
        }

        impl Encode for Request<'_> {
            fn encode(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$name(record) => record.encode(out),)*
                    $(Self::$bare => {})*
                }
            }
        }
    };
}

requests! {
    /// Creates a node.
    Create(CreateRequest<'a>),
    /// Deletes a node.
    Delete(DeleteRequest<'a>),
    /// Asks for a node's metadata.
    Exists(ExistsRequest<'a>),
    /// Asks for a node's data.
    GetData(GetDataRequest<'a>),
    /// Sets a node's data.
    SetData(SetDataRequest<'a>),
    /// Asks for a node's ACL.
    GetAcl(GetAclRequest<'a>),
    /// Sets a node's ACL.
    SetAcl(SetAclRequest<'a>),
    /// Asks for a node's children.
    GetChildren(GetChildrenRequest<'a>),
    /// Catches up with the leader.
    Sync(SyncRequest<'a>),
    /// Asks for a node's children and metadata.
    GetChildren2(GetChildren2Request<'a>),
    /// Checks a version; servers refuse it outside of a multi.
    Check(CheckVersionRequest<'a>),
    /// Several writes, all or none.
    Multi(MultiRequest<'a>),
    /// Creates a node and answers with its metadata.
    Create2(CreateRequest<'a>),
    /// Changes the members of the ensemble.
    Reconfig(ReconfigRequest<'a>),
    /// Asks whether a watch is set.
    CheckWatches(CheckWatchesRequest<'a>),
    /// Removes watches.
    RemoveWatches(RemoveWatchesRequest<'a>),
    /// Creates a container.
    CreateContainer(CreateRequest<'a>),
    /// Creates a node with a time to live.
    CreateTtl(CreateTtlRequest<'a>),
    /// Several reads.
    MultiRead(MultiRequest<'a>),
    /// Adds an identity to the connection.
    Auth(AuthPacket<'a>),
    /// Sets one-shot watches again.
    SetWatches(SetWatches<'a>),
    /// A step of a SASL exchange.
    Sasl(SaslRequest<'a>),
    /// Asks for the session's ephemeral nodes.
    GetEphemerals(GetEphemeralsRequest<'a>),
    /// Asks for the number of all nodes below one.
    GetAllChildrenNumber(GetAllChildrenNumberRequest<'a>),
    /// Sets watches of all kinds again.
    SetWatches2(SetWatches2<'a>),
    /// Adds a persistent watch.
    AddWatch(AddWatchRequest<'a>),
    ;
    /// Keeps the session alive.
    Ping,
    /// Asks for the connection's identities.
    WhoAmI,
    /// Ends the session.
    CloseSession,
}

impl Request<'_> {
    /// The node it is about, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        Some(match self {
            Self::Create(request) | Self::Create2(request) | Self::CreateContainer(request) => {
                request.path
            }
            Self::CreateTtl(request) => request.path,
            Self::Delete(request) => request.path,
            Self::Exists(request) => request.path,
            Self::GetData(request) => request.path,
            Self::SetData(request) => request.path,
            Self::GetAcl(request) => request.path,
            Self::SetAcl(request) => request.path,
            Self::GetChildren(request) => request.path,
            Self::GetChildren2(request) => request.path,
            Self::Sync(request) => request.path,
            Self::Check(request) => request.path,
            Self::CheckWatches(request) => request.path,
            Self::RemoveWatches(request) => request.path,
            Self::GetEphemerals(request) => request.prefix,
            Self::GetAllChildrenNumber(request) => request.path,
            Self::AddWatch(request) => request.path,
            _ => return None,
        })
    }
}
