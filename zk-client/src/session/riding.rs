//! How watches share what a server has room for.
//!
//! A server before 3.9 keeps one kind of watch for each path of a connection (ZOOKEEPER-4466), and
//! says nothing when a request replaces another's. So this session never asks for a second kind
//! where that would cost the first; the later one rides on what is there:
//!
//! | wanted | the server holds persistent | the server holds recursive |
//! | --- | --- | --- |
//! | data, exist | sent without a watch | sent without a watch |
//! | child | sent without a watch | as it is: it costs nothing there |
//! | persistent | as it is | sent as recursive |
//! | recursive | as it is, and replaces it | as it is |
//!
//! and is told by the events of the lasting watch. A recursive watch is not told of changes of a
//! list of children, but of the children: from these [`Session::happened`] concludes the other.
//! Where all kinds live side by side the same is true, and what is then told by the server as well
//! is told once.
//!
//! Whether to ride is decided when a request is sent, by what the server has confirmed; a request
//! for which that is not settled waits at the head of the line for the answers on their way
//! ([`Session::may_send_next`]). What carries others is taken off the server only when nobody is
//! left on its path. After a reconnect everything is set by requests whose lists are in the order
//! in which the server may replace, and nothing has to be known.

use std::sync::Arc;
use std::time::Instant;

use zk_proto::{ErrorCode, EventType, OpCode, RemoveWatchesRequest, WatcherType, path};

use super::link::Phase;
use super::machine::Session;
use super::output::{NodeEvent, Notice, Output};
use super::request::encode_request;
use super::slot::Owner;
use super::watches::WatchKind;

impl<R, W: Clone> Session<R, W> {
    /// Whether there is a request in line that can be sent now, ready for it.
    pub(super) fn may_send_next(&mut self) -> bool {
        let Some(slot) = self.pending.next_mut() else {
            return false;
        };
        let held = &mut self.link.held;
        if let Owner::Removal { path, .. } = &slot.owner {
            held.change(path);
        }
        let Some((kind, path)) = slot.registration.watched() else {
            return true;
        };
        let mut rearming = self.link.rearming.iter();
        if held.is_changing(path) || rearming.any(|(_, chunk)| chunk.is_lasting(path)) {
            return false;
        }
        if kind.is_persistent() {
            held.change(path);
        }
        slot.ask_for_watch(self.link.held.carrier(path));
        true
    }

    /// Tells an event, and what follows from it.
    pub(super) fn happened(&mut self, now: Instant, event: NodeEvent) {
        if self.link.held.was_told(&event) {
            return;
        }
        self.tell(now, &event);
        let child = matches!(event.kind, EventType::NodeCreated | EventType::NodeDeleted);
        if child
            && let Some(parent) = path::parent(&event.path)
            && self.link.held.carrier(parent) == Some(WatchKind::Recursive)
        {
            let kind = EventType::NodeChildrenChanged;
            let implied = NodeEvent { kind, path: parent.into(), zxid: event.zxid };
            self.tell(now, &implied);
            self.link.held.told(implied);
        }
    }

    fn tell(&mut self, now: Instant, event: &NodeEvent) {
        let outputs = &mut self.outputs;
        self.watches.fire(event.kind, &event.path, |sink| {
            outputs.push_back(Output::Watch { sink, notice: Notice::Event(event.clone()) });
        });
        self.tidy(now, &event.path);
    }

    /// Removes a watch from the server if nobody waits for it any more, and nobody rides on it.
    /// One-shot watches stay until they fire into nothing: they cost the server an entry, not a
    /// message per change.
    pub(super) fn retire(&mut self, now: Instant, kind: WatchKind, path: Arc<str>) {
        let wanted =
            self.watches.contains(kind, &path) || self.pending.sets_watch(&path, Some(kind));
        if !kind.is_persistent() || wanted || self.phase != Phase::Established || self.closing {
            return;
        }
        let carries = self.link.held.carrier(&path).is_none_or(|carrier| carrier == kind);
        if carries && self.is_watched(&path) {
            return self.link.held.keep(path);
        }
        self.remove(now, kind, path, kind.watcher_type());
    }

    /// A watcher of this path may be gone: removes what stayed on the server for its sake.
    pub(super) fn tidy(&mut self, now: Instant, path: &Arc<str>) {
        if self.link.held.take_kept(path) {
            let kinds: Vec<_> = self.link.held.kinds(path).collect();
            for kind in kinds {
                self.retire(now, kind, Arc::clone(path));
            }
        }
    }

    /// The same for all paths.
    pub(super) fn tidy_all(&mut self, now: Instant) {
        for path in self.link.held.take_all_kept() {
            self.link.held.keep(Arc::clone(&path));
            self.tidy(now, &path);
        }
    }

    /// Whether anybody waits for anything at exactly this path, or will.
    fn is_watched(&self, path: &str) -> bool {
        self.watches.contains_path(path) || self.pending.sets_watch(path, None)
    }

    fn remove(&mut self, now: Instant, kind: WatchKind, path: Arc<str>, wire: WatcherType) {
        let request = RemoveWatchesRequest { path: &path, kind: wire.code() };
        let frame = encode_request(OpCode::RemoveWatches, &request);
        let last_try = wire == WatcherType::Any;
        self.pending.push_own(now, Owner::Removal { kind, path, last_try }, frame);
    }

    /// A server before 3.9 can only remove all watches of a path at once.
    pub(super) fn removal_answered(
        &mut self,
        now: Instant,
        kind: WatchKind,
        path: Arc<str>,
        last_try: bool,
        answer: ErrorCode,
    ) {
        self.link.held.changed(&path);
        if last_try {
            return self.link.held.remove_all(&path);
        }
        let carries = self.link.held.carrier(&path).is_none_or(|carrier| carrier == kind);
        if answer != ErrorCode::MarshallingError || !carries {
            return self.link.held.remove(kind, &path);
        }
        if self.is_watched(&path) {
            self.link.held.keep(path);
        } else if !self.closing {
            self.remove(now, kind, path, WatcherType::Any);
        }
    }
}
