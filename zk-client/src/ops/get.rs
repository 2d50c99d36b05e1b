//! Reading a node's data.

use bytes::Bytes;
use zk_proto::{GetDataRequest, GetDataResponse, OpCode, Stat};

use super::{Call, Pending, node_data, request};
use crate::session::WatchKind;
use crate::watch::OneshotWatch;

/// Reads a node's data; made by [`Client::get`](crate::Client::get).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Get<'a> {
    pub(crate) call: Call<'a>,
}

impl<'a> Get<'a> {
    /// Sets a watch along with the read. It fires once, when the data is set or the node deleted.
    pub fn watch(self) -> GetAndWatch<'a> {
        GetAndWatch { call: self.call }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Bytes, Stat)> {
        let path = self.call.server_path();
        let request = GetDataRequest { path: &path, watch: false };
        self.call.submit(OpCode::GetData, &request, |context, outcome| {
            let GetDataResponse { data, stat } = context.decode(outcome)?;
            Ok((node_data(data), stat))
        })
    }
}

/// Reads a node's data and watches it; made by [`Get::watch`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GetAndWatch<'a> {
    call: Call<'a>,
}

impl GetAndWatch<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Bytes, Stat, OneshotWatch)> {
        let path = self.call.server_path();
        let request = GetDataRequest { path: &path, watch: true };
        let kind = WatchKind::Data;
        self.call.submit_watching(OpCode::GetData, &request, kind, |context, outcome, watch| {
            let GetDataResponse { data, stat } = context.decode(outcome)?;
            Ok((node_data(data), stat, watch))
        })
    }
}

request!(Get => (Bytes, Stat));
request!(GetAndWatch => (Bytes, Stat, OneshotWatch));
