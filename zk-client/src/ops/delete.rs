//! Deleting a node.

use zk_proto::{ANY_VERSION, DeleteRequest, OpCode};

use super::{Call, Pending, request};

/// Deletes a node; made by [`Client::delete`](crate::Client::delete).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Delete<'a> {
    call: Call<'a>,
    version: i32,
}

impl<'a> Delete<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, version: ANY_VERSION }
    }

    /// Deletes only if the data still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<()> {
        let path = self.call.server_path();
        let request = DeleteRequest { path: &path, version: self.version };
        self.call.submit(OpCode::Delete, &request, |context, outcome| context.done(outcome))
    }
}

request!(Delete => ());
