//! Listing a node's children.

use zk_proto::{GetChildren2Names, GetChildren2Request, GetChildren2Response, Names, OpCode, Stat};

use super::{Call, Pending, request};
use crate::session::WatchKind;
use crate::watch::OneshotWatch;

/// Lists a node's children; made by [`Client::children`](crate::Client::children).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Children<'a> {
    pub(crate) call: Call<'a>,
}

impl<'a> Children<'a> {
    /// Sets a watch along with the list. It fires once, when a child is created or deleted, or the
    /// node itself is deleted.
    pub fn watch(self) -> ChildrenAndWatch<'a> {
        ChildrenAndWatch { call: self.call }
    }

    /// The names in one piece, which costs a fraction where they are many: see [`Names`].
    pub fn packed(self) -> PackedChildren<'a> {
        PackedChildren { call: self.call }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Vec<String>, Stat)> {
        let path = self.call.server_path();
        let request = GetChildren2Request { path: &path, watch: false };
        self.call.submit(OpCode::GetChildren2, &request, |context, outcome| {
            let GetChildren2Response { children, stat } = context.decode(outcome)?;
            Ok((children, stat))
        })
    }
}

/// Lists a node's children in one piece; made by [`Children::packed`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct PackedChildren<'a> {
    call: Call<'a>,
}

impl PackedChildren<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Names, Stat)> {
        let path = self.call.server_path();
        let request = GetChildren2Request { path: &path, watch: false };
        self.call.submit(OpCode::GetChildren2, &request, |context, outcome| {
            let GetChildren2Names { children, stat } = context.decode(outcome)?;
            Ok((children, stat))
        })
    }
}

/// Lists a node's children and watches them; made by [`Children::watch`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct ChildrenAndWatch<'a> {
    call: Call<'a>,
}

impl ChildrenAndWatch<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(Vec<String>, Stat, OneshotWatch)> {
        let path = self.call.server_path();
        let request = GetChildren2Request { path: &path, watch: true };
        let (op, kind) = (OpCode::GetChildren2, WatchKind::Child);
        self.call.submit_watching(op, &request, kind, |context, outcome, watch| {
            let GetChildren2Response { children, stat } = context.decode(outcome)?;
            Ok((children, stat, watch))
        })
    }
}

request!(Children => (Vec<String>, Stat));
request!(PackedChildren => (Names, Stat));
request!(ChildrenAndWatch => (Vec<String>, Stat, OneshotWatch));
