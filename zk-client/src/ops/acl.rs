//! A node's access control list.

use zk_proto::{
    ANY_VERSION, Acl, GetAclRequest, GetAclResponse, OpCode, SetAclRequest, SetAclResponse, Stat,
};

use super::{Call, Pending, request};

/// Reads a node's ACL; made by [`Client::get_acl`](crate::Client::get_acl).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GetAcl<'a> {
    pub(crate) call: Call<'a>,
}

impl GetAcl<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Vec<Acl>, Stat)> {
        let path = self.call.server_path();
        let request = GetAclRequest { path: &path };
        self.call.submit(OpCode::GetAcl, &request, |context, outcome| {
            let GetAclResponse { acl, stat } = context.decode(outcome)?;
            Ok((acl, stat))
        })
    }
}

/// Sets a node's ACL; made by [`Client::set_acl`](crate::Client::set_acl).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct SetAcl<'a> {
    call: Call<'a>,
    acl: Vec<Acl>,
    version: i32,
}

impl<'a> SetAcl<'a> {
    pub(crate) fn new(call: Call<'a>, acl: Vec<Acl>) -> Self {
        Self { call, acl, version: ANY_VERSION }
    }

    /// Sets the ACL only if it still has this version ([`Stat::aversion`]).
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Stat> {
        let path = self.call.server_path();
        let request = SetAclRequest { path: &path, acl: self.acl, version: self.version };
        self.call.submit(OpCode::SetAcl, &request, |context, outcome| {
            context.decode(outcome).map(|SetAclResponse { stat }| stat)
        })
    }
}

request!(GetAcl => (Vec<Acl>, Stat));
request!(SetAcl => Stat);
