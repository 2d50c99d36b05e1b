//! The instances of a service, kept up.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use zk_client::Client;

use super::view_task::ViewTask;
use super::{PickStrategy, RoundRobin, ServiceChanges, ServiceInstance, ServiceProvider};
use crate::error::Result;
use crate::runtime;

/// How many changes a consumer may be behind before it is told that it missed some.
pub(super) const CHANGES_BUFFERED: usize = 1024;

/// A live view of a service. A cheap handle: it ends when the last clone is dropped, and the last
/// [provider](Self::provider).
#[derive(Clone, Debug)]
pub struct ServiceView {
    snapshot: watch::Receiver<Snapshot>,
    /// Kept to subscribe to; the task has the sending side.
    changes: broadcast::WeakSender<super::ServiceChange>,
    turns: Arc<RoundRobin>,
    _stop: Arc<DropGuard>,
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
        runtime::spawn_resident(client, task.run(stop.clone()));
        Ok(Self {
            snapshot: snapshot_receiver,
            changes: weak_changes,
            turns: Arc::default(),
            _stop: Arc::new(stop.drop_guard()),
        })
    }

    /// All instances, sorted by node name (which is the id). Costs nothing: no copy, no request.
    #[must_use]
    pub fn instances(&self) -> Arc<[Arc<ServiceInstance>]> {
        self.snapshot.borrow().instances.clone()
    }

    /// The next enabled instance, in turn; `None` when there is none. Never waits. For more choice
    /// there is the [`provider`](Self::provider).
    #[must_use]
    pub fn pick(&self) -> Option<Arc<ServiceInstance>> {
        let instances = self.instances();
        let enabled: Vec<_> =
            instances.iter().filter(|instance| instance.is_enabled()).cloned().collect();
        enabled.get(self.turns.pick(&enabled)?).cloned()
    }

    /// Picks instances by a strategy, passes over those that filters refuse, and hides those on
    /// which errors were noted.
    #[must_use]
    pub fn provider(&self) -> ServiceProvider {
        ServiceProvider::new(self.clone())
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
