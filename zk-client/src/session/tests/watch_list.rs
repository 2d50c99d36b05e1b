//! One of the two lists of watches that a server keeps for a connection.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Oneshot,
    Persistent,
    Recursive,
}

/// The kinds of watch on each path.
#[derive(Debug, Default)]
pub(super) struct WatchList(BTreeMap<String, BTreeSet<Kind>>);

impl WatchList {
    /// Sets a watch; `alone` instead of any other on the path.
    pub(super) fn add(&mut self, path: &str, kind: Kind, alone: bool) {
        let kinds = self.0.entry(path.to_owned()).or_default();
        if alone {
            kinds.clear();
        }
        kinds.insert(kind);
    }

    /// Whether there was such a watch.
    pub(super) fn remove(&mut self, path: &str, kind: Kind) -> bool {
        self.0.get_mut(path).is_some_and(|kinds| kinds.remove(&kind))
    }

    /// Whether there was any watch.
    pub(super) fn remove_all(&mut self, path: &str) -> bool {
        self.0.remove(path).is_some_and(|kinds| !kinds.is_empty())
    }

    /// How many watches of a kind there are.
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.0.values().filter(|kinds| kinds.contains(&kind)).count()
    }

    /// Whether any watch is hit by a change of this node, or of its list of children.
    pub(super) fn fire(&mut self, path: &str, children: bool) -> bool {
        let below = |top: &str| top == "/" || path == top || path.starts_with(&format!("{top}/"));
        let sees_all =
            |(top, kinds): (&String, &BTreeSet<_>)| kinds.contains(&Kind::Recursive) && below(top);
        let mut hit = !children && self.0.iter().any(sees_all);
        if let Some(kinds) = self.0.get_mut(path) {
            hit |= kinds.remove(&Kind::Oneshot) | kinds.contains(&Kind::Persistent);
        }
        hit
    }
}
