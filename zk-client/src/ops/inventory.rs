//! What there is below a node, and what belongs to the session.

use zk_proto::{
    GetAllChildrenNumberRequest, GetAllChildrenNumberResponse, GetEphemeralsRequest,
    GetEphemeralsResponse, OpCode,
};

use super::{Call, Pending, request};

/// Lists the session's ephemeral nodes; made by [`Client::ephemerals`](crate::Client::ephemerals).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Ephemerals<'a> {
    pub(crate) call: Call<'a>,
}

impl Ephemerals<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Vec<String>> {
        let prefix = self.call.server_path();
        let request = GetEphemeralsRequest { prefix: &prefix };
        self.call.submit(OpCode::GetEphemerals, &request, |context, outcome| {
            let GetEphemeralsResponse { paths } = context.decode(outcome)?;
            let chroot = &context.chroot;
            // The prefix is one of letters: it may lead to siblings of the chroot.
            let paths = paths.iter().filter(|path| chroot.contains(path));
            Ok(paths.map(|path| chroot.to_client(path).to_owned()).collect())
        })
    }
}

/// Counts everything below a node; made by
/// [`Client::all_children_number`](crate::Client::all_children_number).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct AllChildrenNumber<'a> {
    pub(crate) call: Call<'a>,
}

impl AllChildrenNumber<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<i32> {
        let path = self.call.server_path();
        let request = GetAllChildrenNumberRequest { path: &path };
        self.call.submit(OpCode::GetAllChildrenNumber, &request, |context, outcome| {
            context.decode(outcome).map(|GetAllChildrenNumberResponse { total }| total)
        })
    }
}

request!(Ephemerals => Vec<String>);
request!(AllChildrenNumber => i32);
