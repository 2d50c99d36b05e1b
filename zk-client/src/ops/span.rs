//! The `tracing` span of a call: `zookeeper.get`, `zookeeper.create` and so on, target `zk_client`,
//! level debug.
//!
//! | field | what it is |
//! | --- | --- |
//! | `path` | as the application gave it |
//! | `session` | the session's id when the request was made, if there was one |
//! | `xid` | the request's number on its connection, once it has succeeded |
//! | `zxid` | the last transaction the server had applied, once it has succeeded |
//! | `outcome` | `ok`, or why there is no answer; empty if the call was dropped |
//!
//! Data and credentials are never in it. While nobody listens it costs one comparison.

use tracing::field::{Empty, display};
use tracing::{Level, Span};
use zk_proto::OpCode;

use crate::session::Outcome;
use crate::shared::Shared;

macro_rules! spans {
    ($op:expr, $path:expr, $session:expr; $($variant:ident => $name:literal,)*) => {
        match $op {
            $(OpCode::$variant => tracing::debug_span!(
                target: "zk_client", $name,
                path = $path, session = $session, xid = Empty, zxid = Empty, outcome = Empty,
            ),)*
            _ => Span::none(),
        }
    };
}

/// The span of a request that begins now.
pub(super) fn of_call(op: OpCode, path: &str, shared: &Shared) -> Span {
    if !tracing::enabled!(target: "zk_client", Level::DEBUG) {
        return Span::none();
    }
    let session = shared.snapshot().session.map(display);
    spans! { op, path, session;
        Create => "zookeeper.create",
        Create2 => "zookeeper.create",
        CreateContainer => "zookeeper.create",
        CreateTtl => "zookeeper.create",
        Delete => "zookeeper.delete",
        Exists => "zookeeper.exists",
        GetData => "zookeeper.get",
        SetData => "zookeeper.set",
        GetAcl => "zookeeper.get_acl",
        SetAcl => "zookeeper.set_acl",
        GetChildren => "zookeeper.children",
        GetChildren2 => "zookeeper.children",
        Sync => "zookeeper.sync",
        Multi => "zookeeper.multi",
        MultiRead => "zookeeper.multi_read",
        Reconfig => "zookeeper.reconfig",
        Auth => "zookeeper.add_auth",
        GetEphemerals => "zookeeper.ephemerals",
        GetAllChildrenNumber => "zookeeper.all_children_number",
        AddWatch => "zookeeper.watch",
        WhoAmI => "zookeeper.who_am_i",
    }
}

/// Notes how the request ended.
pub(super) fn note_outcome(span: &Span, outcome: &Outcome) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(reply) => {
            span.record("xid", reply.xid);
            span.record("zxid", display(reply.zxid));
            span.record("outcome", "ok");
        }
        Err(failure) => {
            span.record("outcome", display(failure));
        }
    }
}
