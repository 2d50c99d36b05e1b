//! The table of watches.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use zk_proto::WatcherType;

use super::WatchKind;
use super::kinds::Kinds;
use crate::connection_id::ConnectionId;
use crate::counted_paths::CountedPaths;

/// How many entries of connections that are gone are removed from the table at a time, a few hundred
/// microseconds' work: a connection may hold a million, and all others would wait for it.
pub const DROP_BATCH: usize = 1000;

/// All watches of all connections of a server.
///
/// A connection that is gone is out of `connections` at once, and from then on none of its watches
/// fires or counts. Its entries in `paths` go in [batches](DROP_BATCH).
///
/// Invariants, checked by the tests after every step:
/// - no set of kinds and no set of connections or paths in it is empty;
/// - `paths` says the same as `connections` and `departed` together, and no connection is in both;
/// - the counts are what counting the watches of `connections` would give; `recursive` has those of
///   `departed`, too.
#[derive(Debug, Default)]
pub struct WatchManager {
    /// Only looked up, never iterated: the random order of its entries shows nowhere.
    paths: HashMap<Arc<str>, BTreeMap<ConnectionId, Kinds>>,
    connections: BTreeMap<ConnectionId, Watched>,
    /// Connections that are gone, with the paths whose entry they still have. No longer than the
    /// watches that were set: each connection that goes takes a batch off it.
    departed: VecDeque<(ConnectionId, BTreeSet<Arc<str>>)>,
    count: usize,
    recursive: CountedPaths,
}

/// What one connection watches.
#[derive(Debug, Default)]
struct Watched {
    paths: BTreeSet<Arc<str>>,
    /// Its part of [`WatchManager::watch_count`].
    count: usize,
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

    /// Forgets a connection that is gone and will not come back: ids are given out once. Nobody is
    /// told. If it had more than [`DROP_BATCH`] watches, [`sweep`](Self::sweep) has to be called
    /// until nothing [is left](Self::has_departed).
    pub fn drop_connection(&mut self, connection: ConnectionId) {
        self.depart(connection);
        self.sweep();
    }

    /// Takes a connection out of all that counts.
    pub(super) fn depart(&mut self, connection: ConnectionId) {
        if let Some(watched) = self.connections.remove(&connection) {
            self.count -= watched.count;
            self.departed.push_back((connection, watched.paths));
        }
    }

    /// Whether entries of connections that are gone are left for [`sweep`](Self::sweep).
    #[must_use]
    pub fn has_departed(&self) -> bool {
        !self.departed.is_empty()
    }

    /// Removes up to [`DROP_BATCH`] entries of connections that are gone.
    pub fn sweep(&mut self) {
        self.sweep_up_to(DROP_BATCH);
    }

    pub(super) fn sweep_up_to(&mut self, max: usize) {
        let mut left = max;
        while let Some((connection, paths)) = self.departed.front_mut() {
            let connection = *connection;
            if left == 0 && !paths.is_empty() {
                return;
            }
            let Some(path) = paths.pop_first() else {
                self.departed.pop_front();
                continue;
            };
            let watching = self.paths.get_mut(&path).expect(SAME_INVARIANT);
            let kinds = watching.remove(&connection).expect(SAME_INVARIANT);
            if watching.is_empty() {
                self.paths.remove(&path);
            }
            self.note_recursive(&path, kinds, Kinds::NONE);
            left -= 1;
        }
    }

    /// The number of watches as Apache's tools report it: one for each connection and path with a
    /// watch on the node, and one for each with a watch on the children; persistent ones are both.
    #[must_use]
    pub fn watch_count(&self) -> usize {
        self.count
    }

    /// The number of paths that are watched, or were by a connection that is gone and not yet
    /// [swept](Self::sweep).
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
            let watched = self.connections.get(&place.connection)?;
            Some(watched.paths.range::<str, _>(behind).map(|path| (place.connection, &**path)))
        });
        let from = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.connection));
        let others = self.connections.range((from, Bound::Unbounded));
        let others = others.flat_map(|(connection, watched)| {
            watched.paths.iter().map(|path| (*connection, &**path))
        });
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
            .filter(|connection| {
                self.departed.is_empty() || self.connections.contains_key(connection)
            })
    }

    /// Removes one-shot kinds from all that watch a path: in one go, since there may be ten thousand.
    pub(super) fn consume(&mut self, path: &str, kinds: Kinds) {
        debug_assert!(kinds.and(Kinds::RECURSIVE).is_empty(), "those are counted elsewhere, too");
        let Some(watching) = self.paths.get_mut(path) else { return };
        watching.retain(|connection, kept| {
            let before = *kept;
            let after = before.without(kinds);
            if before == after {
                return true;
            }
            let Some(watched) = self.connections.get_mut(connection) else {
                // It is gone, and its entry waits to be swept.
                return true;
            };
            *kept = after;
            self.count = self.count - before.count() + after.count();
            watched.count = watched.count - before.count() + after.count();
            if after.is_empty() {
                watched.paths.remove(path);
                if watched.paths.is_empty() {
                    self.connections.remove(connection);
                }
            }
            !after.is_empty()
        });
        if watching.is_empty() {
            self.paths.remove(path);
        }
    }

    fn kinds_of(&self, connection: ConnectionId, path: &str) -> Kinds {
        let watching = self.paths.get(path);
        watching.and_then(|watching| watching.get(&connection)).copied().unwrap_or_default()
    }

    /// The only place but for `consume` that changes an entry: keeps both sides and the counts together.
    fn replace(&mut self, connection: ConnectionId, path: &str, before: Kinds, after: Kinds) {
        if before == after {
            return;
        }
        if before.is_empty() {
            let path =
                self.paths.get_key_value(path).map_or_else(|| path.into(), |(p, _)| Arc::clone(p));
            debug_assert!(
                self.departed.iter().all(|(departed, _)| *departed != connection),
                "{connection} is gone and sets a watch"
            );
            self.connections.entry(connection).or_default().paths.insert(Arc::clone(&path));
            self.paths.entry(path).or_default().insert(connection, after);
        } else if after.is_empty() {
            self.remove_entry(connection, path);
        } else {
            let watching = self.paths.get_mut(path).expect(SAME_INVARIANT);
            watching.insert(connection, after);
        }
        self.count = self.count - before.count() + after.count();
        if let Some(watched) = self.connections.get_mut(&connection) {
            watched.count = watched.count - before.count() + after.count();
        }
        self.note_recursive(path, before, after);
    }

    fn remove_entry(&mut self, connection: ConnectionId, path: &str) {
        let watching = self.paths.get_mut(path).expect(SAME_INVARIANT);
        watching.remove(&connection);
        if watching.is_empty() {
            self.paths.remove(path);
        }
        let watched = self.connections.get_mut(&connection).expect(SAME_INVARIANT);
        watched.paths.remove(path);
        if watched.paths.is_empty() {
            self.connections.remove(&connection);
        }
    }

    fn note_recursive(&mut self, path: &str, before: Kinds, after: Kinds) {
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
        let mut counts = BTreeMap::<ConnectionId, usize>::new();
        let mut recursive = 0;
        let mut pairs = 0;
        for (path, watching) in &self.paths {
            assert!(!watching.is_empty(), "{path} has no watcher");
            for (connection, kinds) in watching {
                assert!(!kinds.is_empty(), "{path} {connection} has no kind");
                let departed = self.departed.iter().find(|(departed, _)| departed == connection);
                match (self.connections.get(connection), departed) {
                    (Some(watched), None) => {
                        assert!(watched.paths.contains(path), "{path} {connection}");
                        *counts.entry(*connection).or_default() += kinds.count();
                    }
                    (None, Some((_, paths))) => {
                        assert!(paths.contains(path), "{path} {connection}");
                    }
                    other => panic!("{path} {connection}: {other:?}"),
                }
                recursive += usize::from(!kinds.and(Kinds::RECURSIVE).is_empty());
                pairs += 1;
            }
        }
        let paths = self.connections.values().map(|watched| watched.paths.len());
        assert!(paths.clone().all(|len| len > 0));
        let departed = self.departed.iter().map(|(_, paths)| paths.len());
        assert_eq!(paths.sum::<usize>() + departed.sum::<usize>(), pairs);
        let kept = self.connections.iter().map(|(id, watched)| (*id, watched.count));
        assert_eq!(kept.collect::<BTreeMap<_, _>>(), counts);
        assert_eq!(self.count, counts.values().sum::<usize>());
        assert_eq!(self.recursive.total(), recursive);
    }
}

const SAME_INVARIANT: &str = "invariant: both sides of the table say the same";
