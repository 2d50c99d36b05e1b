//! The lasting watches that the server of a connection holds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::output::NodeEvent;
use super::watches::WatchKind;

/// What is known of the lasting watches on the server, by path. Forgotten with the connection, as
/// the server forgets them.
///
/// There are no more entries than lasting watches that were set on this connection and not removed,
/// or are on their way.
#[derive(Default)]
pub(crate) struct Held {
    kinds: HashMap<Arc<str>, Kinds>,
    /// How many requests are in flight that set or remove a lasting watch on a path.
    changing: HashMap<Arc<str>, usize>,
    /// Where a watch has no watcher of its own any more, and stays because others ride on it.
    kept: BTreeSet<Arc<str>>,
    /// The change of a list of children that the last event implied and that was told with it.
    told: Option<NodeEvent>,
}

/// Which kinds were set. A server before 3.9 holds the recursive one alone then.
#[derive(Clone, Copy, Default)]
struct Kinds {
    persistent: bool,
    recursive: bool,
}

impl Kinds {
    fn of(&mut self, kind: WatchKind) -> Option<&mut bool> {
        match kind {
            WatchKind::Persistent => Some(&mut self.persistent),
            WatchKind::Recursive => Some(&mut self.recursive),
            WatchKind::Data | WatchKind::Exist | WatchKind::Child => None,
        }
    }
}

impl Held {
    /// The lasting watch on this very path that any server has, if one is set.
    pub(crate) fn carrier(&self, path: &str) -> Option<WatchKind> {
        // What is asked for last is the recursive one: see `WatchKind::asked_beside` and the order
        // of the lists in `setWatches2`.
        match self.kinds.get(path)? {
            Kinds { recursive: true, .. } => Some(WatchKind::Recursive),
            Kinds { persistent: true, .. } => Some(WatchKind::Persistent),
            Kinds { .. } => None,
        }
    }

    /// The kinds that are set on a path.
    pub(crate) fn kinds(&self, path: &str) -> impl Iterator<Item = WatchKind> {
        let Kinds { persistent, recursive } = self.kinds.get(path).copied().unwrap_or_default();
        let kinds = [(persistent, WatchKind::Persistent), (recursive, WatchKind::Recursive)];
        kinds.into_iter().filter_map(|(set, kind)| set.then_some(kind))
    }

    /// The server has a watch.
    pub(crate) fn insert(&mut self, kind: WatchKind, path: &Arc<str>) {
        if let Some(set) = self.kinds.entry(Arc::clone(path)).or_default().of(kind) {
            *set = true;
        }
    }

    /// The server has a watch no more.
    pub(crate) fn remove(&mut self, kind: WatchKind, path: &str) {
        if let Some(kinds) = self.kinds.get_mut(path) {
            kinds.of(kind).into_iter().for_each(|set| *set = false);
            if !kinds.persistent && !kinds.recursive {
                self.kinds.remove(path);
            }
        }
    }

    /// The server has no watch on this path.
    pub(crate) fn remove_all(&mut self, path: &str) {
        self.kinds.remove(path);
    }

    /// A request is sent that sets or removes a lasting watch.
    pub(crate) fn change(&mut self, path: &Arc<str>) {
        *self.changing.entry(Arc::clone(path)).or_default() += 1;
    }

    /// Such a request is answered.
    pub(crate) fn changed(&mut self, path: &str) {
        if let Some(count) = self.changing.get_mut(path) {
            *count -= 1;
            if *count == 0 {
                self.changing.remove(path);
            }
        }
    }

    /// Whether nobody knows which lasting watch the server will have on a path.
    pub(crate) fn is_changing(&self, path: &str) -> bool {
        self.changing.contains_key(path)
    }

    /// The answer to a request for a watch has come; whether it set one.
    pub(crate) fn answered(&mut self, kind: WatchKind, path: &Arc<str>, set: bool) {
        if !kind.is_persistent() {
            return;
        }
        self.changed(path);
        // Nothing has changed since it was sent: that is what `is_changing` is asked for.
        if set && let Some(asked) = kind.asked_beside(self.carrier(path)) {
            self.insert(asked, path);
        }
    }

    /// A watch stays on the server for others than its own watchers.
    pub(crate) fn keep(&mut self, path: Arc<str>) {
        self.kept.insert(path);
    }

    /// Whether such a watch is on this path, which is to be looked at again.
    pub(crate) fn take_kept(&mut self, path: &str) -> bool {
        self.kept.remove(path)
    }

    /// All paths of such watches.
    pub(crate) fn take_all_kept(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.kept)
    }

    /// A change of a list of children was told that an event implied.
    pub(crate) fn told(&mut self, event: NodeEvent) {
        self.told = Some(event);
    }

    /// Whether this event, the first since, is the one that was told before it came.
    pub(crate) fn was_told(&mut self, event: &NodeEvent) -> bool {
        self.told.take().is_some_and(|told| told == *event)
    }

    /// Something else than an event has come.
    pub(crate) fn forget_told(&mut self) {
        self.told = None;
    }
}
