//! Catching up with the leader.

use zk_proto::{OpCode, SyncRequest};

use super::{Call, Pending, request};

/// Lets the server catch up with the leader; made by [`Client::sync`](crate::Client::sync).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Sync<'a> {
    pub(crate) call: Call<'a>,
}

impl Sync<'_> {
    /// Sends the request now; the result is awaited later. Reads sent after it, even before it is
    /// answered, see at least what it saw.
    pub fn send(self) -> Pending<()> {
        let path = self.call.server_path();
        let request = SyncRequest { path: &path };
        self.call.submit(OpCode::Sync, &request, |context, outcome| context.done(outcome))
    }
}

request!(Sync => ());
