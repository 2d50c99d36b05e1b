//! The records of the client port, one file per family of requests.
//!
//! Requests borrow from the frame they are in; replies own what they hold, payloads as slices of
//! the frame. [`Request`] decodes any request by its [`OpCode`].

mod auth;
mod children;
mod connect;
mod create;
mod data;
mod delete;
mod error_code;
mod event;
mod header;
mod info;
mod multi;
mod names;
mod node_acl;
mod op_code;
mod reconfig;
mod request;
mod set_watches;
mod sync;
mod watch;

pub use auth::{AuthPacket, ClientInfo, SaslRequest, SaslResponse, WhoAmIResponse};
pub use children::{
    GetAllChildrenNumberRequest, GetAllChildrenNumberResponse, GetChildren2Names,
    GetChildren2Request, GetChildren2Response, GetChildrenRequest, GetChildrenResponse,
};
pub use connect::{ConnectRequest, ConnectResponse};
pub use create::{Create2Response, CreateRequest, CreateResponse, CreateTtlRequest};
pub use data::{
    ExistsRequest, ExistsResponse, GetDataRequest, GetDataResponse, SetDataRequest, SetDataResponse,
};
pub use delete::{CheckVersionRequest, DeleteRequest};
pub use error_code::ErrorCode;
pub use event::{EventType, KeeperState, WatcherEvent};
pub use header::{ReplyHeader, RequestHeader, xid};
pub use info::{ErrorResponse, GetEphemeralsRequest, GetEphemeralsResponse};
pub use multi::{MultiHeader, MultiOp, MultiRequest, MultiResponse, MultiResult};
pub use names::{Names, NamesIter};
pub use node_acl::{GetAclRequest, GetAclResponse, SetAclRequest, SetAclResponse};
pub use op_code::OpCode;
pub use reconfig::ReconfigRequest;
pub use request::Request;
pub use set_watches::{SetWatches, SetWatches2};
pub use sync::{SyncRequest, SyncResponse};
pub use watch::{
    AddWatchMode, AddWatchRequest, CheckWatchesRequest, RemoveWatchesRequest, WatcherType,
};

/// The version that matches any: an operation with it is unconditional.
pub const ANY_VERSION: i32 = -1;
