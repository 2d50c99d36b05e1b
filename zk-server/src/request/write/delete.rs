//! `delete`, and the server's own `deleteContainer`.

use zk_proto::txn::Txn;
use zk_proto::{DeleteRequest, EphemeralOwner, ErrorCode, Permissions};

use super::super::pending::Draft;
use super::{Judged, Validator, next_version, parent_of};
use crate::tree::special;

impl Validator<'_> {
    pub(super) fn delete(&mut self, request: &DeleteRequest<'_>) -> Judged {
        self.check_session()?;
        let parent_at = self.draft.place(deletable_parent(request.path)?);
        let parent = self.existing(parent_at)?;
        self.check_access(&parent.acl, Permissions::DELETE)?;
        let at = self.draft.place(request.path);
        let node = self.existing(at)?;
        next_version(node.stat.version, request.version)?;
        if node.child_count > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        self.draft.delete(at, &node, parent_at);
        Ok(Txn::Delete { path: request.path.to_owned() })
    }
}

/// Stricter than Apache's server, which would delete any empty node that is not ephemeral: only what
/// ends by itself, and only if nothing on its way touches it. Who just created a child, or set the
/// data and so renewed the time to live, keeps the node; the next sweep will look again.
pub(in crate::request) fn delete_container(draft: &mut Draft<'_>, path: String) -> Judged {
    let parent_at = draft.place(deletable_parent(&path)?);
    let at = draft.place(&path);
    let node = draft.node(at).ok_or(ErrorCode::NoNode)?;
    if node.child_count > 0 {
        return Err(ErrorCode::NotEmpty);
    }
    let ends_by_itself = matches!(node.owner, EphemeralOwner::Container | EphemeralOwner::Ttl(_));
    if !ends_by_itself || draft.is_busy(at) {
        return Err(ErrorCode::BadVersion);
    }
    draft.delete(at, &node, parent_at);
    Ok(Txn::DeleteContainer { path })
}

/// The parent of a node that may be deleted at all. Of the path only so much is looked at as it
/// takes: an invalid one is just not there.
fn deletable_parent(path: &str) -> Result<&str, ErrorCode> {
    let parent = parent_of(path)?;
    if special::is_special(path) { Err(ErrorCode::BadArguments) } else { Ok(parent) }
}
