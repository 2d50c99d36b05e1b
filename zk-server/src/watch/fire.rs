//! From a change to the events that connections get.

use std::sync::Arc;

use zk_proto::{Acl, EventType, path};

use super::WatchManager;
use super::kinds::Kinds;
use crate::connection_id::ConnectionId;
use crate::tree::{Change, ChangeKind};

/// An event, and who gets it: encoded once, sent to each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notification {
    /// What happened.
    pub kind: EventType,
    /// To which node.
    pub path: String,
    /// To whom it goes: each connection once, however many of its watches match, by age.
    pub connections: Vec<ConnectionId>,
}

impl WatchManager {
    /// The events of one change, in the order in which each connection must get them.
    ///
    /// `may_read` says whether a connection has READ under an ACL; who has not gets no event, but its
    /// one-shot watch is used up all the same. Call this for the changes of a transaction in their
    /// order, and before any reply that shows them.
    pub fn fire(
        &mut self,
        change: &Change<'_>,
        mut may_read: impl FnMut(ConnectionId, &Arc<[Acl]>) -> bool,
    ) -> Vec<Notification> {
        let mut notifications = Vec::new();
        let (kind, here) = match change.kind {
            ChangeKind::Created => (EventType::NodeCreated, Kinds::DATA),
            ChangeKind::Deleted => (EventType::NodeDeleted, Kinds::DATA.or(Kinds::CHILD)),
            ChangeKind::DataChanged => (EventType::NodeDataChanged, Kinds::DATA),
        };
        let connections = self.take_node_watchers(&change.path, here);
        let event = (kind, &*change.path, &change.acl);
        notifications.extend(notification(event, connections, &mut may_read));
        if change.kind != ChangeKind::DataChanged
            && let Some(parent) = path::parent(&change.path)
        {
            let connections = self.take_child_watchers(parent);
            let event = (EventType::NodeChildrenChanged, parent, &change.parent_acl);
            notifications.extend(notification(event, connections, &mut may_read));
        }
        notifications
    }

    /// Who hears of a node, in order; their one-shot watches on it are used up.
    fn take_node_watchers(&mut self, path: &str, one_shot: Kinds) -> Vec<ConnectionId> {
        let here = one_shot.or(Kinds::PERSISTENT).or(Kinds::RECURSIVE);
        let mut connections: Vec<_> = self.watching(path, here).collect();
        let direct = connections.len();
        for ancestor in self.watched_above(path) {
            connections.extend(self.watching(ancestor, Kinds::RECURSIVE));
        }
        if connections.len() > direct {
            connections.sort_unstable();
            connections.dedup();
        }
        self.consume(path, one_shot);
        connections
    }

    /// Who hears of a node's children, in order; their one-shot watches on them are used up.
    fn take_child_watchers(&mut self, path: &str) -> Vec<ConnectionId> {
        let connections = self.watching(path, Kinds::CHILD.or(Kinds::PERSISTENT)).collect();
        self.consume(path, Kinds::CHILD);
        connections
    }
}

fn notification(
    (kind, path, acl): (EventType, &str, &Arc<[Acl]>),
    mut connections: Vec<ConnectionId>,
    mut may_read: impl FnMut(ConnectionId, &Arc<[Acl]>) -> bool,
) -> Option<Notification> {
    connections.retain(|connection| may_read(*connection, acl));
    let some = !connections.is_empty();
    some.then(|| Notification { kind, path: path.to_owned(), connections })
}
