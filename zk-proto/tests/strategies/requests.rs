//! Arbitrary requests. Requests borrow, so what is drawn is an owner that lends one.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use zk_proto::{
    Acl, AddWatchRequest, AuthPacket, CheckVersionRequest, CheckWatchesRequest, CreateRequest,
    CreateTtlRequest, DeleteRequest, ExistsRequest, GetAclRequest, GetAllChildrenNumberRequest,
    GetChildren2Request, GetChildrenRequest, GetDataRequest, GetEphemeralsRequest, MultiOp,
    MultiRequest, OpCode, ReconfigRequest, RemoveWatchesRequest, Request, SaslRequest,
    SetAclRequest, SetDataRequest, SetWatches, SetWatches2, SyncRequest, Zxid,
};

use super::{acl, data, text};

/// Every field that any request has.
#[derive(Clone, Debug)]
pub(crate) struct OwnedRequest {
    op: OpCode,
    path: String,
    data: Option<Bytes>,
    acl: Vec<Acl>,
    number: i32,
    long: i64,
    flag: bool,
    paths: [Vec<String>; 5],
    ops: Vec<OpCode>,
}

const CLIENT_OPS: &[OpCode] = &[
    OpCode::Create,
    OpCode::Delete,
    OpCode::Exists,
    OpCode::GetData,
    OpCode::SetData,
    OpCode::GetAcl,
    OpCode::SetAcl,
    OpCode::GetChildren,
    OpCode::Sync,
    OpCode::GetChildren2,
    OpCode::Check,
    OpCode::Multi,
    OpCode::Create2,
    OpCode::Reconfig,
    OpCode::CheckWatches,
    OpCode::RemoveWatches,
    OpCode::CreateContainer,
    OpCode::CreateTtl,
    OpCode::MultiRead,
    OpCode::Auth,
    OpCode::SetWatches,
    OpCode::Sasl,
    OpCode::GetEphemerals,
    OpCode::GetAllChildrenNumber,
    OpCode::SetWatches2,
    OpCode::AddWatch,
    OpCode::Ping,
    OpCode::WhoAmI,
    OpCode::CloseSession,
];

const MULTI_OPS: &[OpCode] = &[
    OpCode::Create,
    OpCode::Create2,
    OpCode::CreateContainer,
    OpCode::CreateTtl,
    OpCode::Delete,
    OpCode::SetData,
    OpCode::Check,
    OpCode::GetData,
    OpCode::GetChildren,
];

pub(crate) fn request() -> impl Strategy<Value = OwnedRequest> {
    let scalars = any::<(i32, i64, bool)>();
    let lists = proptest::array::uniform5(vec(text(), 0..3));
    let ops = vec(proptest::sample::select(MULTI_OPS), 0..4);
    let op = proptest::sample::select(CLIENT_OPS);
    (op, text(), data(), acl(), scalars, lists, ops).prop_map(
        |(op, path, data, acl, (number, long, flag), paths, ops)| OwnedRequest {
            op,
            path,
            data,
            acl,
            number,
            long,
            flag,
            paths,
            ops,
        },
    )
}

impl OwnedRequest {
    pub(crate) fn borrow(&self) -> Request<'_> {
        let (path, watch, version) = (self.path.as_str(), self.flag, self.number);
        match self.op {
            OpCode::Create => Request::Create(self.create()),
            OpCode::Create2 => Request::Create2(self.create()),
            OpCode::CreateContainer => Request::CreateContainer(self.create()),
            OpCode::CreateTtl => Request::CreateTtl(self.create_ttl()),
            OpCode::Delete => Request::Delete(DeleteRequest { path, version }),
            OpCode::Exists => Request::Exists(ExistsRequest { path, watch }),
            OpCode::GetData => Request::GetData(GetDataRequest { path, watch }),
            OpCode::SetData => Request::SetData(self.set_data()),
            OpCode::GetAcl => Request::GetAcl(GetAclRequest { path }),
            OpCode::SetAcl => {
                Request::SetAcl(SetAclRequest { path, acl: self.acl.clone(), version })
            }
            OpCode::GetChildren => Request::GetChildren(GetChildrenRequest { path, watch }),
            OpCode::GetChildren2 => Request::GetChildren2(GetChildren2Request { path, watch }),
            OpCode::Sync => Request::Sync(SyncRequest { path }),
            OpCode::Check => Request::Check(CheckVersionRequest { path, version }),
            OpCode::Multi => Request::Multi(self.multi()),
            OpCode::MultiRead => Request::MultiRead(self.multi()),
            OpCode::CheckWatches => {
                Request::CheckWatches(CheckWatchesRequest { path, kind: version })
            }
            OpCode::RemoveWatches => {
                Request::RemoveWatches(RemoveWatchesRequest { path, kind: version })
            }
            OpCode::GetEphemerals => Request::GetEphemerals(GetEphemeralsRequest { prefix: path }),
            OpCode::GetAllChildrenNumber => {
                Request::GetAllChildrenNumber(GetAllChildrenNumberRequest { path })
            }
            OpCode::AddWatch => Request::AddWatch(AddWatchRequest { path, mode: version }),
            _ => self.borrow_control(),
        }
    }

    fn borrow_control(&self) -> Request<'_> {
        let [data, exist, child, persistent, recursive] = &self.paths;
        let relative_zxid = Zxid(self.long);
        match self.op {
            OpCode::SetWatches => Request::SetWatches(SetWatches {
                relative_zxid,
                data: lend(data),
                exist: lend(exist),
                child: lend(child),
            }),
            OpCode::SetWatches2 => Request::SetWatches2(SetWatches2 {
                relative_zxid,
                data: lend(data),
                exist: lend(exist),
                child: lend(child),
                persistent: lend(persistent),
                persistent_recursive: lend(recursive),
            }),
            OpCode::Reconfig => Request::Reconfig(ReconfigRequest {
                joining_servers: self.flag.then_some(&self.path),
                leaving_servers: None,
                new_members: Some(&self.path),
                current_config_id: self.long,
            }),
            OpCode::Auth => Request::Auth(AuthPacket {
                kind: 0,
                scheme: &self.path,
                auth: self.data.as_deref().unwrap_or_default(),
            }),
            OpCode::Sasl => Request::Sasl(SaslRequest { token: self.data.as_deref() }),
            OpCode::Ping => Request::Ping,
            OpCode::WhoAmI => Request::WhoAmI,
            _ => Request::CloseSession,
        }
    }

    fn create(&self) -> CreateRequest<'_> {
        CreateRequest {
            path: &self.path,
            data: self.data.as_deref(),
            acl: self.acl.clone(),
            flags: self.number,
        }
    }

    fn create_ttl(&self) -> CreateTtlRequest<'_> {
        CreateTtlRequest {
            path: &self.path,
            data: self.data.as_deref(),
            acl: self.acl.clone(),
            flags: self.number,
            ttl_ms: self.long,
        }
    }

    fn set_data(&self) -> SetDataRequest<'_> {
        SetDataRequest { path: &self.path, data: self.data.as_deref(), version: self.number }
    }

    fn multi(&self) -> MultiRequest<'_> {
        let (path, watch, version) = (self.path.as_str(), self.flag, self.number);
        let op = |op: &OpCode| match op {
            OpCode::Create => MultiOp::Create(self.create()),
            OpCode::Create2 => MultiOp::Create2(self.create()),
            OpCode::CreateContainer => MultiOp::CreateContainer(self.create()),
            OpCode::CreateTtl => MultiOp::CreateTtl(self.create_ttl()),
            OpCode::Delete => MultiOp::Delete(DeleteRequest { path, version }),
            OpCode::SetData => MultiOp::SetData(self.set_data()),
            OpCode::Check => MultiOp::Check(CheckVersionRequest { path, version }),
            OpCode::GetData => MultiOp::GetData(GetDataRequest { path, watch }),
            _ => MultiOp::GetChildren(GetChildrenRequest { path, watch }),
        };
        MultiRequest { ops: self.ops.iter().map(op).collect() }
    }
}

fn lend(paths: &[String]) -> Vec<&str> {
    paths.iter().map(String::as_str).collect()
}
