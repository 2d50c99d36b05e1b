//! Setting a node's data.

use zk_proto::{ANY_VERSION, OpCode, SetDataRequest, SetDataResponse, Stat};

use super::{Call, Pending, request};

/// Sets a node's data; made by [`Client::set`](crate::Client::set).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Set<'a> {
    call: Call<'a>,
    data: &'a [u8],
    version: i32,
}

impl<'a> Set<'a> {
    pub(crate) fn new(call: Call<'a>, data: &'a [u8]) -> Self {
        Self { call, data, version: ANY_VERSION }
    }

    /// Sets the data only if it still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Stat> {
        let path = self.call.server_path();
        let request = SetDataRequest { path: &path, data: Some(self.data), version: self.version };
        self.call.submit(OpCode::SetData, &request, |context, outcome| {
            context.decode(outcome).map(|SetDataResponse { stat }| stat)
        })
    }
}

request!(Set => Stat);
