//! Where a `setWatches` request is decided: for each path, has the client missed something?
//!
//! After a reconnection a client names the watches it believes to have and the last zxid it saw in a
//! reply. What happened since is told at once, by one event; the rest is watched from now on.
//!
//! | list | node is missing | node changed since | else |
//! | --- | --- | --- | --- |
//! | data | `NodeDeleted` | `NodeDataChanged` | data watch |
//! | exist | data watch | `NodeCreated` (it is there at all) | |
//! | child | `NodeDeleted` | `NodeChildrenChanged` | child watch |
//! | persistent, recursive | watch | watch | watch |
//!
//! Who may not read a node hears of none of its changes, nor is a watch set in their place, as in
//! Apache's latest servers: a path is soon guessed, and a client may name watches it never held. Of
//! a missing node everybody hears. These events carry no zxid.

use std::sync::Arc;

use zk_proto::{Acl, EventType, KeeperState, SetWatches, SetWatches2, WatcherEvent, Zxid};

use super::{WatchKind, WatchManager};
use crate::connection_id::ConnectionId;
use crate::tree::{DataTree, NodeRef};

/// The lists of a `setWatches` or `setWatches2` request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SetWatchesLists<'a> {
    /// The last zxid the client saw in a reply.
    pub relative_zxid: Zxid,
    /// Watches of `getData`, and of `exists` on nodes that were there.
    pub data: &'a [&'a str],
    /// Watches of `exists` on nodes that were missing.
    pub exist: &'a [&'a str],
    /// Watches of `getChildren`.
    pub child: &'a [&'a str],
    /// Persistent watches.
    pub persistent: &'a [&'a str],
    /// Persistent recursive watches.
    pub persistent_recursive: &'a [&'a str],
}

impl<'a> From<&'a SetWatches<'a>> for SetWatchesLists<'a> {
    fn from(request: &'a SetWatches<'a>) -> Self {
        Self {
            relative_zxid: request.relative_zxid,
            data: &request.data,
            exist: &request.exist,
            child: &request.child,
            persistent: &[],
            persistent_recursive: &[],
        }
    }
}

impl<'a> From<&'a SetWatches2<'a>> for SetWatchesLists<'a> {
    fn from(request: &'a SetWatches2<'a>) -> Self {
        Self {
            relative_zxid: request.relative_zxid,
            data: &request.data,
            exist: &request.exist,
            child: &request.child,
            persistent: &request.persistent,
            persistent_recursive: &request.persistent_recursive,
        }
    }
}

/// Decides about each path: sets the watch, or returns the event that it would have seen. `may_read`
/// says whether the connection has READ under an ACL.
///
/// Send the events, in this order and with [`Zxid::UNKNOWN`] in their headers, before the reply.
#[must_use]
pub fn decide(
    tree: &DataTree,
    watches: &mut WatchManager,
    connection: ConnectionId,
    lists: SetWatchesLists<'_>,
    may_read: impl Fn(&Arc<[Acl]>) -> bool,
) -> Vec<WatcherEvent> {
    let since = lists.relative_zxid;
    let mut missed = Vec::new();
    let mut settle = |path: &str, event: Option<EventType>, kind: WatchKind| match event {
        Some(kind) => {
            let state = KeeperState::SyncConnected;
            if tree.node(path).is_none_or(|node| may_read(node.acl())) {
                missed.push(WatcherEvent { kind, state, path: path.to_owned() });
            }
        }
        None => watches.add(connection, path, kind),
    };
    for path in lists.data {
        settle(path, missed_by_data_watch(tree.node(path), since), WatchKind::Data);
    }
    for path in lists.exist {
        // It was missing: that it is there is news, however old.
        let event = tree.node(path).map(|_| EventType::NodeCreated);
        settle(path, event, WatchKind::Data);
    }
    for path in lists.child {
        settle(path, missed_by_child_watch(tree.node(path), since), WatchKind::Child);
    }
    for path in lists.persistent {
        settle(path, None, WatchKind::Persistent);
    }
    for path in lists.persistent_recursive {
        settle(path, None, WatchKind::Recursive);
    }
    missed
}

fn missed_by_data_watch(node: Option<NodeRef<'_>>, since: Zxid) -> Option<EventType> {
    match node {
        None => Some(EventType::NodeDeleted),
        Some(node) if node.stat().mzxid > since => Some(EventType::NodeDataChanged),
        Some(_) => None,
    }
}

fn missed_by_child_watch(node: Option<NodeRef<'_>>, since: Zxid) -> Option<EventType> {
    match node {
        None => Some(EventType::NodeDeleted),
        Some(node) if node.stat().pzxid > since => Some(EventType::NodeChildrenChanged),
        Some(_) => None,
    }
}
