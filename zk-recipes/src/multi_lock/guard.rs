//! The locks while they are held.

use std::future::Future;

use futures_util::future::{join_all, select_all};

use crate::asking::parent;
use crate::contest::{HoldState, LostReason};
use crate::error::Result;
use crate::lock::LockGuard;

/// All locks of a [`MultiLock`](super::MultiLock), held. Lost when any of them is. Dropping it
/// releases them in the background, in reverse; call [`release`](Self::release) to know when that
/// is done.
#[derive(Debug)]
#[must_use = "dropping the guard releases the locks"]
pub struct MultiLockGuard {
    /// In the order in which they were taken.
    guards: Vec<LockGuard>,
}

impl MultiLockGuard {
    pub(super) fn empty() -> Self {
        Self { guards: Vec::new() }
    }

    pub(super) fn push(&mut self, guard: LockGuard) {
        self.guards.push(guard);
    }

    /// The single locks, in the order of their paths: for their tokens, and for writes that one of
    /// them guards. For writes that all of them guard, begin with
    /// [`writes`](LockGuard::writes) of one and check the [paths](LockGuard::path) of the others:
    /// `one.writes().multi().check_exists(other.path())`.
    pub fn guards(&self) -> &[LockGuard] {
        &self.guards
    }

    /// The lock at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&LockGuard> {
        self.guards.iter().find(|guard| parent(guard.path()) == path)
    }

    /// Whether all locks are held, as far as this process can know. Never true again once false.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lost_reason().is_none()
    }

    /// Held, unsure when any lock is, or lost when any is.
    #[must_use]
    pub fn state(&self) -> HoldState {
        let mut state = HoldState::Held;
        for guard in &self.guards {
            match guard.state() {
                HoldState::Held => {}
                HoldState::Unsure => state = HoldState::Unsure,
                lost @ HoldState::Lost(_) => return lost,
            }
        }
        state
    }

    /// Why it is lost, if it is.
    pub(super) fn lost_reason(&self) -> Option<LostReason> {
        match self.state() {
            HoldState::Lost(reason) => Some(reason),
            _ => None,
        }
    }

    /// Resolves when any of the locks may be gone, or was released. The future borrows nothing, so
    /// it can be passed to the task that does the work.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + use<> {
        let all: Vec<_> = self.guards.iter().map(|guard| Box::pin(guard.lost())).collect();
        async move {
            if all.is_empty() {
                return std::future::pending().await;
            }
            select_all(all).await.0
        }
    }

    /// Resolves to true when any holder of the locks is asked to let go; to false when it is lost
    /// before. See [`LockGuard::revoke_requested`].
    pub fn revoke_requested(&self) -> impl Future<Output = bool> + Send + use<> {
        let all: Vec<_> =
            self.guards.iter().map(|guard| Box::pin(guard.revoke_requested())).collect();
        async move {
            if all.is_empty() {
                return std::future::pending().await;
            }
            select_all(all).await.0
        }
    }

    /// Releases all locks, in reverse, and waits until the server has confirmed it. From the call on
    /// they count as lost. Dropped half-way, the release goes on in the background. An error is that
    /// of the first lock that could not be released; the others are.
    pub async fn release(mut self) -> Result<()> {
        let guards = std::mem::take(&mut self.guards);
        let released = join_all(guards.into_iter().rev().map(LockGuard::release)).await;
        released.into_iter().try_for_each(|released| released.map(drop))
    }
}

impl Drop for MultiLockGuard {
    fn drop(&mut self) {
        while let Some(last) = self.guards.pop() {
            drop(last);
        }
    }
}
