//! The instances of a service, kept up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use zk_client::Client;

use super::view_task::ViewTask;
use super::{ServiceChanges, ServiceInstance};
use crate::error::Result;
use crate::runtime;

/// How many changes a consumer may be behind before it is told that it missed some.
pub(super) const CHANGES_BUFFERED: usize = 1024;

/// A live view of a service. Dropping it ends it.
#[derive(Debug)]
pub struct ServiceView {
    snapshot: watch::Receiver<Snapshot>,
    /// Kept to subscribe to; the task has the sending side.
    changes: broadcast::WeakSender<super::ServiceChange>,
    /// Counts the picks.
    turn: AtomicUsize,
    stop: CancellationToken,
}

/// What a view shows at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// By node name.
    pub(super) instances: Arc<[Arc<ServiceInstance>]>,
    /// Whether the connection is gone or the view has ended, so that changes may be unseen.
    pub(super) stale: bool,
}

impl ServiceView {
    pub(super) async fn start(client: &Client, directory: String) -> Result<Self> {
        let (snapshot, snapshot_receiver) = watch::channel(Snapshot::default());
        let (changes, _) = broadcast::channel(CHANGES_BUFFERED);
        let weak_changes = changes.downgrade();
        let task = ViewTask::load(client, directory, snapshot, changes).await?;
        let stop = CancellationToken::new();
        runtime::spawn_resident(task.run(stop.clone()));
        Ok(Self {
            snapshot: snapshot_receiver,
            changes: weak_changes,
            turn: AtomicUsize::new(0),
            stop,
        })
    }

    /// All instances, sorted by node name (which is the id). Costs nothing: no copy, no request.
    #[must_use]
    pub fn instances(&self) -> Arc<[Arc<ServiceInstance>]> {
        self.snapshot.borrow().instances.clone()
    }

    /// The next enabled instance, in turn; `None` when there is none. Never waits.
    #[must_use]
    pub fn pick(&self) -> Option<Arc<ServiceInstance>> {
        let instances = self.instances();
        let enabled: Vec<_> = instances.iter().filter(|instance| instance.is_enabled()).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        // A remainder, so a counter that wraps around is no harm.
        enabled.get(turn.checked_rem(enabled.len())?).copied().cloned()
    }

    /// Whether the connection is gone, or the view has ended because its service may not be read any
    /// more or the client is closed: the instances are those last seen.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.snapshot.borrow().stale
    }

    /// The changes from now on. Ask for them before reading [`instances`](Self::instances) and none
    /// falls between the two (one may show in both). A change is in the list before it is in the
    /// stream.
    pub fn changes(&self) -> ServiceChanges {
        match self.changes.upgrade() {
            Some(changes) => ServiceChanges::new(changes.subscribe()),
            // The client is closed: a stream that has ended.
            None => ServiceChanges::new(broadcast::channel(1).1),
        }
    }

    /// Waits until the instances are such as `wanted` accepts; `None` when the view ends before.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&[Arc<ServiceInstance>]) -> bool,
    ) -> Option<Arc<[Arc<ServiceInstance>]>> {
        let mut snapshot = self.snapshot.clone();
        let found = snapshot.wait_for(|snapshot| wanted(&snapshot.instances)).await.ok()?;
        Some(found.instances.clone())
    }
}

impl Drop for ServiceView {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
