//! The connections of a server.

use std::collections::BTreeSet;
use std::ops::Bound;

use hashbrown::HashMap;

use super::connection::Connection;
use crate::ConnectionId;

/// All open connections: found at once, since each request looks its own up several times, and gone
/// through by age.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// Only looked up, never iterated: the order of its entries shows nowhere.
    by_id: HashMap<ConnectionId, Box<Connection>>,
    ids: BTreeSet<ConnectionId>,
}

impl Connections {
    pub(super) fn get(&self, conn: &ConnectionId) -> Option<&Connection> {
        self.by_id.get(conn).map(|connection| &**connection)
    }

    pub(super) fn get_mut(&mut self, conn: &ConnectionId) -> Option<&mut Connection> {
        self.by_id.get_mut(conn).map(|connection| &mut **connection)
    }

    pub(super) fn insert(&mut self, conn: ConnectionId, connection: Connection) {
        self.by_id.insert(conn, Box::new(connection));
        self.ids.insert(conn);
    }

    pub(super) fn remove(&mut self, conn: &ConnectionId) -> Option<Box<Connection>> {
        self.ids.remove(conn);
        self.by_id.remove(conn)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.by_id.is_empty()
    }

    /// Those that came after one, oldest first.
    pub(super) fn after(
        &self,
        conn: Option<ConnectionId>,
    ) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        let from = conn.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.ids.range((from, Bound::Unbounded));
        ids.filter_map(|conn| Some((*conn, self.get(conn)?)))
    }

    /// All of them, in no particular order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.by_id.values_mut().map(|connection| &mut **connection)
    }
}
