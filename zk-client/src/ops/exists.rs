//! Asking whether a node exists.

use zk_proto::{ErrorCode, ExistsRequest, ExistsResponse, OpCode, Stat};

use super::pending::Context;
use super::{Call, Pending, request};
use crate::error::Result;
use crate::session::{Failure, Outcome, WatchKind};
use crate::watch::OneshotWatch;

/// Asks whether a node exists; made by [`Client::exists`](crate::Client::exists).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Exists<'a> {
    pub(crate) call: Call<'a>,
}

impl<'a> Exists<'a> {
    /// Sets a watch along with the question. It fires once: when the node is created if it is
    /// missing, when its data is set or it is deleted if it is there.
    pub fn watch(self) -> ExistsAndWatch<'a> {
        ExistsAndWatch { call: self.call }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Option<Stat>> {
        let path = self.call.server_path();
        let request = ExistsRequest { path: &path, watch: false };
        self.call.submit(OpCode::Exists, &request, stat_if_there)
    }
}

/// Asks whether a node exists and watches it; made by [`Exists::watch`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct ExistsAndWatch<'a> {
    call: Call<'a>,
}

impl ExistsAndWatch<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Option<Stat>, OneshotWatch)> {
        let path = self.call.server_path();
        let request = ExistsRequest { path: &path, watch: true };
        let kind = WatchKind::Exist;
        self.call.submit_watching(OpCode::Exists, &request, kind, |context, outcome, watch| {
            Ok((stat_if_there(context, outcome)?, watch))
        })
    }
}

/// That there is no node is an answer here, not an error.
fn stat_if_there(context: &Context, outcome: Outcome) -> Result<Option<Stat>> {
    match outcome {
        Err(Failure::Code(ErrorCode::NoNode)) => Ok(None),
        outcome => context.decode(outcome).map(|ExistsResponse { stat }| Some(stat)),
    }
}

request!(Exists => Option<Stat>);
request!(ExistsAndWatch => (Option<Stat>, OneshotWatch));
