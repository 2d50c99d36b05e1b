//! Which way a request goes.

use zk_proto::OpCode;

/// The way of a request through the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must decide about each way")]
pub enum Route {
    /// Becomes a transaction, by the [`Proposer`](super::Proposer).
    Write,
    /// Is answered from the tree, by [`read::answer`](super::read::answer).
    Read,
    /// Is decided by [`set_watches::decide`](crate::watch::set_watches::decide).
    SetWatches,
    /// Is answered once everything committed before it is applied here.
    Sync,
    /// Keeps the session alive, nothing else.
    Ping,
    /// Adds an identity to the connection, outside of the order of requests.
    Auth,
    /// Is a step of a SASL exchange.
    Sasl,
    /// Ends the session: a transaction that the server proposes for the client.
    CloseSession,
    /// No client may ask for it: answer UNIMPLEMENTED with the zxid -1 and close the connection.
    Invalid,
}

/// The way of a client's request with this op code.
///
/// Two that Apache's server lets or let through are invalid here. A `check` outside of a multi
/// (accepted before 3.8.5 and 3.9.3) would put a transaction into the log that no server can read
/// back. `deleteContainer` is the server's own: it asks for no permission, so any client could delete
/// any empty node with it.
#[must_use]
pub fn route(op: OpCode) -> Route {
    match op {
        op if op.is_write() => Route::Write,
        OpCode::Exists
        | OpCode::GetData
        | OpCode::GetAcl
        | OpCode::GetChildren
        | OpCode::GetChildren2
        | OpCode::GetAllChildrenNumber
        | OpCode::GetEphemerals
        | OpCode::MultiRead
        | OpCode::WhoAmI
        | OpCode::AddWatch
        | OpCode::CheckWatches
        | OpCode::RemoveWatches => Route::Read,
        OpCode::SetWatches | OpCode::SetWatches2 => Route::SetWatches,
        OpCode::Sync => Route::Sync,
        OpCode::Ping => Route::Ping,
        OpCode::Auth => Route::Auth,
        OpCode::Sasl => Route::Sasl,
        OpCode::CloseSession => Route::CloseSession,
        _ => Route::Invalid,
    }
}

/// Whether answering may take long however short the request is: whoever sends many of these has
/// to let others in between.
#[must_use]
pub fn is_heavy(op: OpCode) -> bool {
    matches!(op, OpCode::GetAllChildrenNumber | OpCode::GetEphemerals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_send_or_do_themselves_is_invalid_from_a_client() {
        let invalid = [
            OpCode::Notification,
            OpCode::Check,
            OpCode::DeleteContainer,
            OpCode::CreateSession,
            OpCode::Error,
        ];
        for op in OpCode::ALL {
            assert_eq!(route(*op) == Route::Invalid, invalid.contains(op), "{}", op.name());
        }
    }
}
