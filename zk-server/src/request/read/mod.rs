//! Reads: answered from the tree as it is, straight into the connection's output. One file per
//! family.
//!
//! A read that asks for a watch sets it in the same step, so no change can slip in between.

mod children;
mod multi_read;
mod node;
mod ownership;
mod watches;

use bytes::BytesMut;
use zk_proto::{Acl, ErrorCode, Permissions, Request, SessionId};

use crate::auth::{AccessControl, Identities};
use crate::by_namespace::ByNamespace;
use crate::connection_id::ConnectionId;
use crate::server::summary::Distribution;
use crate::tree::{DataTree, NodeRef};
use crate::watch::WatchManager;

pub use multi_read::MULTI_READ_LEN_MAX;

/// Longest list of names or paths in one answer, in bytes (256 MiB). Names may be a megabyte each,
/// and a frame beyond 2 GiB cannot even be written down.
pub const NAMES_LEN_MAX: usize = 256 << 20;

/// What Apache adds to each read for the `Stat` behind the data.
const STAT_LEN: usize = 68;

/// What answering a read takes.
#[derive(Debug)]
pub struct ReadContext<'a> {
    /// The tree, with everything applied that the client may have seen.
    pub tree: &'a DataTree,
    /// Who may read what.
    pub access: &'a AccessControl,
    /// Where watches are set and removed.
    pub watches: &'a mut WatchManager,
    /// Who asks.
    pub connection: ConnectionId,
    /// The connection's session.
    pub session: SessionId,
    /// What the connection has shown to be.
    pub identities: &'a Identities,
    /// How many bytes were read in which namespace.
    pub(crate) traffic: &'a mut ByNamespace<Distribution>,
}

/// Appends the answer's body, the part behind the header, and sets or removes watches.
///
/// # Errors
///
/// What to put into the header instead; nothing was appended then. (`exists` of a missing node sets
/// its watch all the same.)
pub fn answer(
    context: &mut ReadContext<'_>,
    request: &Request<'_>,
    body: &mut BytesMut,
) -> Result<(), ErrorCode> {
    match request {
        Request::Exists(request) => context.exists(request, body),
        Request::GetData(request) => context.get_data(request, body),
        Request::GetAcl(request) => context.get_acl(request, body),
        Request::GetChildren(request) => context.get_children(request, body),
        Request::GetChildren2(request) => context.get_children2(request, body),
        Request::GetAllChildrenNumber(request) => context.get_all_children_number(request, body),
        Request::GetEphemerals(request) => context.get_ephemerals(request, body),
        Request::WhoAmI => context.who_am_i(body),
        Request::MultiRead(request) => context.multi_read(request, body),
        Request::AddWatch(request) => context.add_watch(request, body),
        Request::CheckWatches(request) => context.check_watches(request),
        Request::RemoveWatches(request) => context.remove_watches(request),
        // Writes do not come here, and the rest was turned away by its op code.
        _ => Err(ErrorCode::Unimplemented),
    }
}

impl<'a> ReadContext<'a> {
    fn existing(&self, path: &str) -> Result<NodeRef<'a>, ErrorCode> {
        self.tree.node(path).ok_or(ErrorCode::NoNode)
    }

    fn readable(&self, path: &str) -> Result<NodeRef<'a>, ErrorCode> {
        let node = self.existing(path)?;
        self.check_access(node.acl(), Permissions::READ)?;
        Ok(node)
    }

    /// Counts what was read at a path, as Apache does: the path, the data or the names of the
    /// children, and a `Stat`.
    fn count(&mut self, path: &str, bytes: usize) {
        if let Some(traffic) = self.traffic.of(path) {
            traffic.record((path.len() + bytes + STAT_LEN) as u64);
        }
    }

    fn check_access(&self, acl: &[Acl], wanted: Permissions) -> Result<(), ErrorCode> {
        let allowed = self.access.allows(self.identities, acl, wanted);
        if allowed { Ok(()) } else { Err(ErrorCode::NoAuth) }
    }
}
