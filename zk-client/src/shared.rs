//! What the handles of one client, its driver and its watches have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use zk_proto::{HostPort, Zxid};

use crate::acl_policy::AclPolicy;
use crate::arena::Arena;
use crate::blocking::Background;
use crate::chroot::Chroot;
use crate::driver::Executor;
use crate::error::Error;
use crate::features::Features;
use crate::handover::SessionHandover;
use crate::queue::{Queue, QueueLimits};
use crate::session::{Failure, Outcome, WatcherId};
use crate::states::{SessionEnded, Snapshot};

/// What the builder decides and the driver does not need.
pub(crate) struct Settings {
    pub(crate) chroot: Chroot,
    pub(crate) acl_policy: AclPolicy,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) connect_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) limits: QueueLimits,
    pub(crate) started: Instant,
}

/// The client, without the handles that keep it open.
pub(crate) struct Shared {
    pub(crate) chroot: Chroot,
    pub(crate) acl_policy: AclPolicy,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) connect_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) queue: Queue,
    pub(crate) arena: Arena,
    pub(crate) features: Features,
    /// The session as the driver saw it last.
    pub(crate) snapshot: watch::Sender<Snapshot>,
    /// Background work that a close waits for.
    pub(crate) cleanup: TaskTracker,
    pub(crate) executor: Executor,
    /// What keeps that runtime running if it is the one of the blocking clients.
    _background: Option<Arc<Background>>,
    /// Why the session ended for good.
    pub(crate) end: OnceLock<Failure>,
    /// The session that was left to another client, once it was.
    pub(crate) detached: OnceLock<SessionHandover>,
    /// What a successor needs, as of the last connection.
    handover: Mutex<Option<SessionHandover>>,
    /// The last change that was seen.
    seen: AtomicI64,
    /// What the server said to the close.
    pub(crate) close_outcome: OnceLock<Outcome>,
    deadline: DeadlineCell,
    watchers: AtomicU64,
    /// The last trouble with each server; as many entries as there are servers.
    troubles: Mutex<BTreeMap<String, String>>,
}

impl Shared {
    pub(crate) fn new(settings: Settings, executor: Executor) -> Self {
        Self {
            chroot: settings.chroot,
            acl_policy: settings.acl_policy,
            request_timeout: settings.request_timeout,
            connect_timeout: settings.connect_timeout,
            close_timeout: settings.close_timeout,
            queue: Queue::new(settings.limits),
            arena: Arena::default(),
            features: Features::default(),
            snapshot: watch::Sender::new(Snapshot::FIRST),
            cleanup: TaskTracker::new(),
            _background: Background::of(executor.runtime()),
            executor,
            end: OnceLock::new(),
            detached: OnceLock::new(),
            handover: Mutex::default(),
            seen: AtomicI64::new(0),
            close_outcome: OnceLock::new(),
            deadline: DeadlineCell::new(settings.started),
            watchers: AtomicU64::new(0),
            troubles: Mutex::default(),
        }
    }

    /// A number that no other watch of this client has.
    pub(crate) fn next_watcher(&self) -> WatcherId {
        WatcherId(self.watchers.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        *self.snapshot.borrow()
    }

    /// Whether no session will ever come again.
    pub(crate) fn has_ended(&self) -> bool {
        self.snapshot().finished
    }

    /// Resolves when no session will ever come again.
    pub(crate) fn ended(&self) -> SessionEnded {
        SessionEnded::new(self.snapshot.subscribe(), u64::MAX)
    }

    /// Why requests fail from now on; set once, when the session ended for good.
    pub(crate) fn end_error(&self) -> Error {
        match self.end.get() {
            Some(Failure::Unreachable) => self.unreachable(),
            Some(failure) => Error::from_end(failure),
            None => Error::Closed,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.get()
    }

    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        self.deadline.set(deadline);
    }

    /// What a successor needs to go on with the session.
    pub(crate) fn handover(&self) -> Option<SessionHandover> {
        let handover = self.handover.lock().unwrap_or_else(PoisonError::into_inner).clone();
        handover.map(|handover| handover.seen(Zxid(self.seen.load(Ordering::Relaxed))))
    }

    pub(crate) fn set_handover(&self, handover: Option<SessionHandover>) {
        *self.handover.lock().unwrap_or_else(PoisonError::into_inner) = handover;
    }

    pub(crate) fn set_seen(&self, zxid: Zxid) {
        self.seen.store(zxid.0, Ordering::Relaxed);
    }

    /// Forgets the trouble there was with servers that are no longer in use.
    pub(crate) fn forget_troubles_of_all_but(&self, hosts: &[HostPort]) {
        let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.retain(|server, _| hosts.contains(server));
    }

    /// Notes why a server could not be used.
    pub(crate) fn note_trouble(&self, server: String, why: String) {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(server, why);
    }

    /// The same for what is no answer yet: a server that has given one before is known better by it.
    pub(crate) fn note_silence(&self, server: String, why: String) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.entry(server).or_insert(why);
    }

    /// The error for a session that did not come about in time, with what is known of the servers.
    pub(crate) fn unreachable(&self) -> Error {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts = troubles
            .iter()
            .map(|(server, why)| format!("{server}: {why}"))
            .collect::<Vec<_>>()
            .join("; ");
        if attempts.is_empty() {
            attempts.push_str("no attempt came to an end");
        }
        Error::NoServerReachable { after: self.connect_timeout, attempts }
    }

    /// Runs `task` so that a close waits for it.
    pub(crate) fn spawn_cleanup(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(self.cleanup.track_future(task));
    }
}

/// The credentials and paths in it are nobody's business.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("session", &self.snapshot())
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// An instant that is set by one task and read by many without a lock: nanoseconds since a start,
/// 0 for none.
struct DeadlineCell {
    start: Instant,
    nanos: AtomicU64,
}

impl DeadlineCell {
    fn new(start: Instant) -> Self {
        Self { start, nanos: AtomicU64::new(0) }
    }

    fn get(&self) -> Option<Instant> {
        match self.nanos.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(self.start + Duration::from_nanos(nanos)),
        }
    }

    fn set(&self, deadline: Option<Instant>) {
        let nanos = deadline.map_or(0, |deadline| {
            let since = deadline.saturating_duration_since(self.start).as_nanos();
            u64::try_from(since).unwrap_or(u64::MAX).max(1)
        });
        self.nanos.store(nanos, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_read_as_it_was_set() {
        let start = crate::driver::now();
        let cell = DeadlineCell::new(start);
        assert_eq!(cell.get(), None);
        cell.set(Some(start + Duration::from_millis(7)));
        assert_eq!(cell.get(), Some(start + Duration::from_millis(7)));
        cell.set(None);
        assert_eq!(cell.get(), None);
    }
}
