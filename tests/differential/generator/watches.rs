//! Requests that set watches, take them back or ask for them, and which of them a connection may send.

use std::collections::BTreeMap;

use zk_proto::OpCode;

use super::{Generator, Profile};
use crate::request::{Body, Request};

/// The kind of the watches that a connection has had on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchClass {
    OneShot,
    Persistent,
    Recursive,
}

/// Which kind of watch a connection may set on which path.
pub(crate) type WatchClasses = BTreeMap<String, WatchClass>;

impl Generator {
    /// Whether a connection may set such a watch, and if so that it does.
    pub(super) fn admits(&self, classes: &mut WatchClasses, path: &str, class: WatchClass) -> bool {
        let earlier = *classes.entry(path.to_owned()).or_insert(class);
        earlier == class || self.version.is_3_9()
    }

    /// A path to watch, see [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
    fn watch_path(&mut self) -> String {
        let path = self.path();
        if path.starts_with('/') { path } else { "/a".to_owned() }
    }

    pub(super) fn add_watch(&mut self, classes: &mut WatchClasses) -> Request {
        let path = self.watch_path();
        let (class, mode) = match self.rng.u32(..7) {
            0..=2 => (WatchClass::Persistent, 0),
            3..=5 => (WatchClass::Recursive, 1),
            _ => {
                let mode = [2, -1, 5][self.rng.usize(..3)];
                let body = Body::PathNumber(path, mode);
                return Request::new(OpCode::AddWatch, body);
            }
        };
        if !self.profile.has_watches() || !self.admits(classes, &path, class) {
            return Request::new(OpCode::GetAcl, Body::Path(path));
        }
        Request::new(OpCode::AddWatch, Body::PathNumber(path, mode))
    }

    pub(super) fn ask_for_watch(&mut self, classes: &WatchClasses) -> Request {
        let removes = self.rng.bool();
        let op = if removes { OpCode::RemoveWatches } else { OpCode::CheckWatches };
        let set: Vec<&String> = classes.keys().filter(|path| path.starts_with('/')).collect();
        let path = if set.is_empty() || self.rng.u32(..4) == 0 {
            self.watch_path()
        } else {
            set[self.rng.usize(..set.len())].clone()
        };
        let has_lasting = |class: &WatchClass| *class != WatchClass::OneShot;
        let is_lasting = !self.version.is_3_9() && classes.get(&path).is_some_and(has_lasting);
        let any = 3;
        let kind = if is_lasting {
            any
        } else {
            [1, 2, any, 1, 2, any, 4, 5, 0, -1, 6][self.rng.usize(..11)]
        };
        Request::new(op, Body::PathNumber(path, kind))
    }

    pub(super) fn set_watches(&mut self, classes: &mut WatchClasses, zxid: i64) -> Request {
        let learns_too_much =
            self.profile == Profile::HiddenWatches && !self.version.hides_nodes_from_set_watches();
        if !self.profile.has_watches() || learns_too_much {
            return Request::new(OpCode::Sync, Body::Path(self.path()));
        }
        let has_lasting = self.rng.bool();
        let kinds = [
            WatchClass::OneShot,
            WatchClass::OneShot,
            WatchClass::OneShot,
            WatchClass::Persistent,
            WatchClass::Recursive,
        ];
        let mut lists = Vec::new();
        for class in &kinds[..if has_lasting { 5 } else { 3 }] {
            let len = self.rng.usize(..4);
            let mut paths: Vec<String> = (0..len).map(|_| self.watch_path()).collect();
            paths.retain(|path| self.admits(classes, path, *class));
            lists.push(paths);
        }
        let since = match self.rng.u32(..6) {
            0 => [0, -1, i64::MAX][self.rng.usize(..3)],
            _ => (zxid - self.rng.i64(..40)).max(0),
        };
        let op = if has_lasting { OpCode::SetWatches2 } else { OpCode::SetWatches };
        Request::new(op, Body::SetWatches { since, lists })
    }
}
