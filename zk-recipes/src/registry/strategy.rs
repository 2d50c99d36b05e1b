//! Which instance is next.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ServiceInstance;
use crate::runtime;

/// Chooses one of several instances.
///
/// Closures are strategies, too:
///
/// ```no_run
/// # fn example(view: zk_recipes::ServiceView) {
/// use std::sync::Arc;
/// use zk_recipes::ServiceInstance;
///
/// let lightest = |candidates: &[Arc<ServiceInstance>]| {
///     let load = |at: &usize| candidates[*at].payload["load"].as_u64();
///     (0..candidates.len()).min_by_key(load)
/// };
/// let provider = view.provider().strategy(lightest);
/// # }
/// ```
pub trait PickStrategy: Send + Sync {
    /// The position of the instance to use among `candidates`, which are sorted by node name and
    /// never empty; `None` if none of them will do. Must not wait.
    fn pick(&self, candidates: &[Arc<ServiceInstance>]) -> Option<usize>;
}

impl<F> PickStrategy for F
where
    F: Fn(&[Arc<ServiceInstance>]) -> Option<usize> + Send + Sync,
{
    fn pick(&self, candidates: &[Arc<ServiceInstance>]) -> Option<usize> {
        self(candidates)
    }
}

/// One after the other.
#[derive(Debug, Default)]
pub struct RoundRobin {
    turn: AtomicUsize,
}

/// Any of them, each as likely as the others.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to choose about it")]
pub struct Random;

/// The same one for as long as it is there, and one chosen by another strategy when it is not.
///
/// An instance that registers anew under its id is still the same.
#[derive(Debug)]
pub struct Sticky<S> {
    over: S,
    /// The id of the instance that is stuck to.
    id: Mutex<Option<String>>,
}

impl RoundRobin {
    /// A round that begins with the first one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: PickStrategy> Sticky<S> {
    /// Sticks to what `strategy` chooses.
    pub fn over(strategy: S) -> Self {
        Self { over: strategy, id: Mutex::default() }
    }
}

impl PickStrategy for RoundRobin {
    fn pick(&self, candidates: &[Arc<ServiceInstance>]) -> Option<usize> {
        // A remainder, so a counter that wraps around is no harm.
        self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(candidates.len())
    }
}

impl PickStrategy for Random {
    fn pick(&self, candidates: &[Arc<ServiceInstance>]) -> Option<usize> {
        (!candidates.is_empty()).then(|| runtime::random_below(candidates.len()))
    }
}

impl<S: PickStrategy> PickStrategy for Sticky<S> {
    fn pick(&self, candidates: &[Arc<ServiceInstance>]) -> Option<usize> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        let mut stuck = self.id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = &*stuck
            && let Some(at) = candidates.iter().position(|instance| instance.id == *id)
        {
            return Some(at);
        }
        let at = self.over.pick(candidates)?;
        *stuck = candidates.get(at).map(|instance| instance.id.clone());
        Some(at)
    }
}
