//! The end of a session.

use zk_proto::SessionId;
use zk_proto::txn::Txn;

use super::super::pending::Draft;

/// Takes the session's ephemeral nodes along: those it has, and those it gets by what is pending.
/// The list is part of the transaction, so that all servers delete the same.
pub(in crate::request) fn close_session(draft: &mut Draft<'_>, session: SessionId) -> Txn {
    let paths = draft.ephemerals_of(session);
    for path in &paths {
        draft.delete(path);
    }
    Txn::CloseSession { paths: Some(paths) }
}
