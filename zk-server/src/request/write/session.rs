//! The end of a session.

use zk_proto::SessionId;
use zk_proto::txn::Txn;

use super::super::pending::Draft;
use crate::storage::format::RECORD_LEN_MAX;

/// Takes the session's ephemeral nodes along: those it has, and those it gets by what is pending.
/// The list is part of the transaction, so that all servers delete the same. One that would make an
/// entry of the log that nobody can read again stays out: whoever applies the transaction deletes
/// what the session still has, in any case, and Apache's servers do as well.
pub(in crate::request) fn close_session(draft: &mut Draft<'_>, session: SessionId) -> Txn {
    let mut paths = draft.ephemerals_of(session);
    draft.delete_all(&paths);
    let bytes: usize = paths.iter().map(|path| LENGTH_LEN + path.len()).sum();
    if bytes > PATHS_LEN_MAX {
        paths.clear();
    }
    Txn::CloseSession { paths: Some(paths) }
}

/// Bytes of the longest list of paths: half of the longest entry.
const PATHS_LEN_MAX: usize = RECORD_LEN_MAX / 2;

/// Bytes of a string's length in front of it.
const LENGTH_LEN: usize = 4;
