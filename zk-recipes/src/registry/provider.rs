//! Which instance to call.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::down::DownList;
use super::{DownPolicy, PickStrategy, RoundRobin, ServiceInstance, ServiceView};
use crate::runtime;

type Filter = Box<dyn Fn(&ServiceInstance) -> bool + Send + Sync>;

/// Picks instances of a service: those that are enabled, that all filters accept, and that are not
/// down; among them by a strategy. Keeps its [view](ServiceView) alive. To share it, put it into an
/// `Arc`.
pub struct ServiceProvider {
    view: ServiceView,
    strategy: Box<dyn PickStrategy>,
    filters: Vec<Filter>,
    down: Mutex<DownList>,
}

impl ServiceProvider {
    pub(super) fn new(view: ServiceView) -> Self {
        let (filters, down) = (Vec::new(), Mutex::default());
        Self { view, strategy: Box::new(RoundRobin::new()), filters, down }
    }

    /// How to choose. Default: [one after the other](RoundRobin). There are also
    /// [`Random`](super::Random), [`Sticky`](super::Sticky) over another, and closures.
    #[must_use]
    pub fn strategy(self, strategy: impl PickStrategy + 'static) -> Self {
        Self { strategy: Box::new(strategy), ..self }
    }

    /// Passes over the instances for which `filter` is false. Several filters must all be true.
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&ServiceInstance) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filters.push(Box::new(filter));
        self
    }

    /// When [noted errors](Self::note_error) hide an instance. Default: 2 within 30 s. Forgets what
    /// was noted before.
    #[must_use]
    pub fn down_policy(self, policy: DownPolicy) -> Self {
        Self { down: Mutex::new(DownList::new(policy)), ..self }
    }

    /// An instance to call; `None` when there is none: nobody is registered, or all are disabled,
    /// filtered out or down. Never waits, and asks no server: the instances are the view's.
    #[must_use]
    pub fn pick(&self) -> Option<Arc<ServiceInstance>> {
        let candidates = self.candidates();
        if candidates.is_empty() {
            return None;
        }
        candidates.get(self.strategy.pick(&candidates)?).cloned()
    }

    /// All instances that can be picked now, sorted by node name.
    #[must_use]
    pub fn candidates(&self) -> Vec<Arc<ServiceInstance>> {
        let accepted = |instance: &&Arc<ServiceInstance>| {
            instance.is_enabled() && self.filters.iter().all(|filter| filter(instance))
        };
        let mut candidates: Vec<_> =
            self.view.instances().iter().filter(accepted).cloned().collect();
        // Filters may do what they like, so they ran before the lock was taken.
        let (mut down, now) = (self.down(), runtime::now());
        candidates.retain(|instance| !down.is_down(instance, now));
        candidates
    }

    /// Calling this instance failed. Enough of that [hides](Self::down_policy) it for a while, until
    /// it registers anew at the latest.
    pub fn note_error(&self, instance: &ServiceInstance) {
        self.down().note(instance, runtime::now());
    }

    /// Whether noted errors hide this instance now.
    #[must_use]
    pub fn is_down(&self, instance: &ServiceInstance) -> bool {
        self.down().is_down(instance, runtime::now())
    }

    /// The view it picks from.
    #[must_use]
    pub fn view(&self) -> &ServiceView {
        &self.view
    }

    fn down(&self) -> std::sync::MutexGuard<'_, DownList> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServiceProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceProvider").field("view", &self.view).finish_non_exhaustive()
    }
}
