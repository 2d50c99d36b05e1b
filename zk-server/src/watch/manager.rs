//! The table of watches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use zk_proto::WatcherType;

use super::WatchKind;
use super::ancestors::RecursiveWatches;
use super::kinds::Kinds;
use crate::connection_id::ConnectionId;

/// All watches of all connections of a server.
///
/// Invariants, checked by the tests after every step:
/// - no set of kinds and no set of connections or paths in it is empty;
/// - `paths` and `connections` say the same;
/// - the counts are what counting would give.
#[derive(Debug, Default)]
pub struct WatchManager {
    /// Only looked up, never iterated: the random order of its entries shows nowhere.
    paths: HashMap<Arc<str>, BTreeMap<ConnectionId, Kinds>>,
    connections: BTreeMap<ConnectionId, BTreeSet<Arc<str>>>,
    count: usize,
    recursive: RecursiveWatches,
}

/// A connection and a path that it watches, or did.
#[derive(Clone, Debug)]
pub(crate) struct WatchPlace {
    connection: ConnectionId,
    path: Box<str>,
}

impl WatchPlace {
    pub(crate) fn new(connection: ConnectionId, path: &str) -> Self {
        Self { connection, path: path.into() }
    }
}

impl WatchManager {
    /// Sets a watch. Whether the node exists, or the path makes sense, is not looked at. A watch that
    /// is there already stays one watch.
    pub fn add(&mut self, connection: ConnectionId, path: &str, kind: WatchKind) {
        let kinds = self.kinds_of(connection, path);
        self.replace(connection, path, kinds, kinds.or(kind.into()));
    }

    /// Whether the connection has a watch of such a type on exactly this path.
    #[must_use]
    pub fn has(&self, connection: ConnectionId, path: &str, kind: WatcherType) -> bool {
        !self.kinds_of(connection, path).and(kind.into()).is_empty()
    }

    /// Removes the connection's watches of a type on exactly this path. Returns whether there were
    /// any.
    pub fn remove(&mut self, connection: ConnectionId, path: &str, kind: WatcherType) -> bool {
        let kinds = self.kinds_of(connection, path);
        let kept = kinds.without(kind.into());
        self.replace(connection, path, kinds, kept);
        kinds != kept
    }

    /// Forgets a connection that is gone. Nobody is told.
    pub fn drop_connection(&mut self, connection: ConnectionId) {
        let Some(paths) = self.connections.remove(&connection) else {
            return;
        };
        for path in paths {
            let entry = self.paths.get_mut(&path).expect(SAME_INVARIANT);
            let kinds = entry.remove(&connection).expect(SAME_INVARIANT);
            if entry.is_empty() {
                self.paths.remove(&path);
            }
            self.recount(&path, kinds, Kinds::NONE);
        }
    }

    /// The number of watches as Apache's tools report it: one for each connection and path with a
    /// watch on the node, and one for each with a watch on the children; persistent ones are both.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.count
    }

    /// The number of paths that are watched.
    #[must_use]
    pub fn path_count(&self) -> usize {
        self.paths.len()
    }

    /// The number of connections that watch something.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    /// The connections and the paths they watch, in order, behind a place among them: a list that
    /// can be gone through in pieces while watches come and go.
    pub(crate) fn places(
        &self,
        after: Option<&WatchPlace>,
    ) -> impl Iterator<Item = (ConnectionId, &str)> {
        let rest = after.and_then(|place| {
            let behind = (Bound::Excluded(&*place.path), Bound::Unbounded);
            let paths = self.connections.get(&place.connection)?;
            Some(paths.range::<str, _>(behind).map(|path| (place.connection, &**path)))
        });
        let from = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.connection));
        let others = self.connections.range((from, Bound::Unbounded));
        let others =
            others.flat_map(|(connection, paths)| paths.iter().map(|path| (*connection, &**path)));
        rest.into_iter().flatten().chain(others)
    }

    /// Whether a connection watches the node itself, not only its children.
    pub(crate) fn watches_node(&self, connection: ConnectionId, path: &str) -> bool {
        !self.kinds_of(connection, path).and(Kinds::DATA_LIST).is_empty()
    }

    /// The connections that watch a node itself, in order.
    pub(crate) fn watching_node(&self, path: &str) -> impl Iterator<Item = ConnectionId> {
        self.watching(path, Kinds::DATA_LIST)
    }

    /// The paths above this one that may have recursive watches, at least those that have.
    pub(super) fn watched_above<'p>(&self, path: &'p str) -> Vec<&'p str> {
        self.recursive.above(path)
    }

    /// The connections with a watch of one of `wanted` on a path.
    pub(super) fn watching(&self, path: &str, wanted: Kinds) -> impl Iterator<Item = ConnectionId> {
        let watching = self.paths.get(path).into_iter().flatten();
        watching
            .filter(move |(_, kinds)| !kinds.and(wanted).is_empty())
            .map(|(connection, _)| *connection)
    }

    /// Removes kinds from all that watch a path.
    pub(super) fn consume(&mut self, path: &str, kinds: Kinds) {
        let affected: Vec<_> = self.watching(path, kinds).collect();
        for connection in affected {
            let before = self.kinds_of(connection, path);
            self.replace(connection, path, before, before.without(kinds));
        }
    }

    fn kinds_of(&self, connection: ConnectionId, path: &str) -> Kinds {
        let watching = self.paths.get(path);
        watching.and_then(|watching| watching.get(&connection)).copied().unwrap_or_default()
    }

    /// The only place that changes an entry: keeps both sides and the counts together.
    fn replace(&mut self, connection: ConnectionId, path: &str, before: Kinds, after: Kinds) {
        if before == after {
            return;
        }
        if before.is_empty() {
            let path =
                self.paths.get_key_value(path).map_or_else(|| path.into(), |(p, _)| Arc::clone(p));
            self.connections.entry(connection).or_default().insert(Arc::clone(&path));
            self.paths.entry(path).or_default().insert(connection, after);
        } else if after.is_empty() {
            self.remove_entry(connection, path);
        } else {
            let watching = self.paths.get_mut(path).expect(SAME_INVARIANT);
            watching.insert(connection, after);
        }
        self.recount(path, before, after);
    }

    fn remove_entry(&mut self, connection: ConnectionId, path: &str) {
        let watching = self.paths.get_mut(path).expect(SAME_INVARIANT);
        watching.remove(&connection);
        if watching.is_empty() {
            self.paths.remove(path);
        }
        let paths = self.connections.get_mut(&connection).expect(SAME_INVARIANT);
        paths.remove(path);
        if paths.is_empty() {
            self.connections.remove(&connection);
        }
    }

    fn recount(&mut self, path: &str, before: Kinds, after: Kinds) {
        self.count = self.count - before.count() + after.count();
        let recursive = |kinds: Kinds| !kinds.and(Kinds::RECURSIVE).is_empty();
        match (recursive(before), recursive(after)) {
            (false, true) => self.recursive.add(path),
            (true, false) => self.recursive.remove(path),
            _ => {}
        }
    }

    /// Checks the invariants above by counting.
    #[cfg(test)]
    pub(super) fn assert_invariants(&self) {
        let mut count = 0;
        let mut recursive = 0;
        let mut pairs = 0;
        for (path, watching) in &self.paths {
            assert!(!watching.is_empty(), "{path} has no watcher");
            for (connection, kinds) in watching {
                assert!(!kinds.is_empty(), "{path} {connection} has no kind");
                assert!(self.connections[connection].contains(path), "{path} {connection}");
                count += kinds.count();
                recursive += usize::from(!kinds.and(Kinds::RECURSIVE).is_empty());
                pairs += 1;
            }
        }
        assert!(self.connections.values().all(|paths| !paths.is_empty()));
        assert_eq!(self.connections.values().map(BTreeSet::len).sum::<usize>(), pairs);
        assert_eq!((self.count, self.recursive.total()), (count, recursive));
    }
}

const SAME_INVARIANT: &str = "invariant: both sides of the table say the same";
