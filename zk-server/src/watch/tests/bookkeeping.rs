use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zk_proto::WatcherType;

use super::{ONE, TWO, change, fire};
use crate::connection_id::ConnectionId;
use crate::tree::ChangeKind;
use crate::watch::{DROP_BATCH, WatchKind, WatchManager};

const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/a/b/c", "/ab", "/x"];
const KINDS: [WatchKind; 4] =
    [WatchKind::Data, WatchKind::Child, WatchKind::Persistent, WatchKind::Recursive];
const TYPES: [WatcherType; 5] = [
    WatcherType::Children,
    WatcherType::Data,
    WatcherType::Any,
    WatcherType::Persistent,
    WatcherType::PersistentRecursive,
];
const CHANGES: [ChangeKind; 3] =
    [ChangeKind::Created, ChangeKind::Deleted, ChangeKind::DataChanged];

#[derive(Clone, Debug)]
enum Step {
    Add(u64, usize, usize),
    Remove(u64, usize, usize),
    Fire(usize, usize),
    Drop(u64),
    Sweep(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (connection, path) = (0..4_u64, 0..PATHS.len());
    prop_oneof![
        6 => (connection.clone(), path.clone(), 0..KINDS.len()).prop_map(|(c, p, k)| Step::Add(c, p, k)),
        2 => (connection.clone(), path.clone(), 0..TYPES.len()).prop_map(|(c, p, k)| Step::Remove(c, p, k)),
        3 => (path, 0..CHANGES.len()).prop_map(|(p, c)| Step::Fire(p, c)),
        1 => connection.prop_map(Step::Drop),
        1 => (0..4_usize).prop_map(Step::Sweep),
    ]
}

/// The same table, as plainly as can be.
#[derive(Default)]
struct Model(BTreeMap<(u64, usize), BTreeSet<usize>>);

impl Model {
    fn remove(&mut self, connection: u64, path: usize, kinds: &[usize]) -> bool {
        let Some(set) = self.0.get_mut(&(connection, path)) else { return false };
        let before = set.len();
        set.retain(|kind| !kinds.contains(kind));
        let removed = set.len() < before;
        if set.is_empty() {
            self.0.remove(&(connection, path));
        }
        removed
    }

    fn fire(&mut self, path: usize, change: ChangeKind) {
        let parent = zk_proto::path::parent(PATHS[path]);
        let parent = PATHS.iter().position(|path| Some(*path) == parent);
        for connection in 0..4 {
            match change {
                ChangeKind::Deleted => self.remove(connection, path, &[0, 1]),
                ChangeKind::Created | ChangeKind::DataChanged => {
                    self.remove(connection, path, &[0])
                }
            };
            if change != ChangeKind::DataChanged
                && let Some(parent) = parent
            {
                self.remove(connection, parent, &[1]);
            }
        }
    }

    fn count(&self) -> usize {
        let lists = |set: &BTreeSet<usize>| {
            let data = [0, 2, 3].iter().any(|kind| set.contains(kind));
            let child = [1, 2].iter().any(|kind| set.contains(kind));
            usize::from(data) + usize::from(child)
        };
        self.0.values().map(lists).sum()
    }

    fn assert_same(&self, watches: &WatchManager, ids: [ConnectionId; 4]) {
        watches.assert_invariants();
        let paths: BTreeSet<_> = self.0.keys().map(|(_, path)| path).collect();
        let connections: BTreeSet<_> = self.0.keys().map(|(connection, _)| connection).collect();
        assert_eq!(watches.watch_count(), self.count());
        assert_eq!(watches.connection_count(), connections.len());
        let places = self.0.keys().map(|(connection, path)| (ids[at(*connection)], PATHS[*path]));
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        assert_eq!(watches.places(None).collect::<Vec<_>>(), places);
        if watches.has_departed() {
            assert!(watches.path_count() >= paths.len());
        } else {
            assert_eq!(watches.path_count(), paths.len());
        }
    }
}

fn kinds_of(kind: WatcherType) -> &'static [usize] {
    match kind {
        WatcherType::Data => &[0],
        WatcherType::Children => &[1],
        WatcherType::Persistent => &[2],
        WatcherType::PersistentRecursive => &[3],
        _ => &[0, 1, 2, 3],
    }
}

proptest! {
    /// Whatever happens, the table is what a plain one would be, and its counts are exact; of a
    /// connection that is gone nothing shows, however many of its entries are left.
    #[test]
    fn counts_stay_exact(steps in proptest::collection::vec(step(), 0..200)) {
        let mut watches = WatchManager::default();
        let mut model = Model::default();
        // Who is gone is followed by somebody else.
        let mut ids = [0, 1, 2, 3].map(ConnectionId);
        let mut next = 4;
        for step in steps {
            match step {
                Step::Add(connection, path, kind) => {
                    watches.add(ids[at(connection)], PATHS[path], KINDS[kind]);
                    model.0.entry((connection, path)).or_default().insert(kind);
                }
                Step::Remove(connection, path, kind) => {
                    let (id, kind) = (ids[at(connection)], TYPES[kind]);
                    let had = watches.has(id, PATHS[path], kind);
                    let removed = watches.remove(id, PATHS[path], kind);
                    prop_assert_eq!(had, removed);
                    prop_assert_eq!(removed, model.remove(connection, path, kinds_of(kind)));
                }
                Step::Fire(path, kind) => {
                    let fired = watches.fire(&change(CHANGES[kind], PATHS[path]), |_, _| true);
                    let heard = fired.iter().flat_map(|notification| &notification.connections);
                    prop_assert!(heard.into_iter().all(|id| ids.contains(id)));
                    model.fire(path, CHANGES[kind]);
                }
                Step::Drop(connection) => {
                    watches.depart(ids[at(connection)]);
                    ids[at(connection)] = ConnectionId(next);
                    next += 1;
                    model.0.retain(|(owner, _), _| *owner != connection);
                }
                Step::Sweep(max) => watches.sweep_up_to(max),
            }
            model.assert_same(&watches, ids);
        }
        while watches.has_departed() {
            watches.sweep_up_to(1);
            watches.assert_invariants();
        }
    }
}

/// The place of a connection among those of the test above.
fn at(connection: u64) -> usize {
    usize::try_from(connection).unwrap()
}

#[test]
fn the_watches_of_a_connection_that_is_gone_go_in_batches_and_fire_no_more() {
    let mut watches = WatchManager::default();
    let paths: Vec<_> = (0..2 * DROP_BATCH + 1).map(|i| format!("/a/{i}")).collect();
    for path in &paths {
        watches.add(ONE, path, WatchKind::Data);
        watches.add(TWO, path, WatchKind::Persistent);
    }
    watches.drop_connection(TWO);
    let mut batches = 1;
    while watches.has_departed() {
        assert_eq!(watches.watch_count(), paths.len(), "as if nothing were left");
        for path in [&paths[0], &paths[paths.len() - 1]] {
            let fired = fire(&mut watches, ChangeKind::DataChanged, path);
            assert!(fired.iter().all(|notification| notification.connections == [ONE]));
            watches.add(ONE, path, WatchKind::Data);
        }
        watches.sweep();
        batches += 1;
    }
    assert_eq!(batches, 3);
    watches.drop_connection(ONE);
    watches.sweep();
    watches.sweep();
    assert_eq!((watches.path_count(), watches.has_departed()), (0, false));
    watches.assert_invariants();
}

#[test]
fn a_watch_set_twice_is_one_watch() {
    let mut watches = WatchManager::default();
    for _ in 0..3 {
        watches.add(ONE, "/a", WatchKind::Data);
    }
    assert_eq!(watches.watch_count(), 1);
    assert!(!watches.remove(ONE, "/a", WatcherType::Children));
    assert!(watches.remove(ONE, "/a", WatcherType::Any));
    assert!(!watches.remove(ONE, "/a", WatcherType::Any));
    watches.assert_invariants();
}

/// One list for the node, one for its children; a persistent watch is in both.
#[test]
fn watches_count_as_apache_counts_them() {
    for (kind, count) in KINDS.into_iter().zip([1, 1, 2, 1]) {
        let mut watches = WatchManager::default();
        watches.add(ONE, "/a", kind);
        assert_eq!(watches.watch_count(), count, "{kind:?}");
    }
}
