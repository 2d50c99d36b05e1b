//! A lock whose owner may take it again while it has it.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use tokio::sync::Mutex;
use zk_client::Client;

use super::{Lock, LockBuilder, LockGuard};
use crate::cleaner::Released;
use crate::error::Result;

/// One owner of a lock: what it takes while it holds the lock, it has at once.
///
/// Tasks have no identity to go by, so the owner is this handle, and its clones are the same owner:
/// pass a clone to whatever is to nest. Another handle, also in the same process, is another owner
/// and waits. The lock is that of [`Lock`], with one node for all that is nested; the last
/// [`ReentrantGuard`] to go releases it.
///
/// ```no_run
/// # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
/// use zk_recipes::ReentrantLock;
///
/// let lock = ReentrantLock::new(&client, "/locks/invoices");
/// let outer = lock.acquire().await?;
/// let inner = lock.clone().acquire().await?; // at once, and without a request
/// inner.release().await?;
/// outer.release().await?; // now it is free
/// # Ok(()) }
/// ```
///
/// When the lock is lost, all guards are lost together. Taking it again then stands in line anew,
/// and the guards of before stay lost. Tasks that share an owner do not exclude each other.
#[derive(Clone, Debug)]
#[must_use = "a lock does nothing until somebody acquires"]
pub struct ReentrantLock {
    client: Client,
    builder: LockBuilder,
    /// What is held, as long as anybody holds it. Locked by the one who stands in line for all.
    current: Arc<Mutex<Weak<LockGuard>>>,
}

impl ReentrantLock {
    /// A new owner of the lock at `path`.
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(client, Lock::builder(path))
    }

    /// A new owner of a lock with options.
    pub fn of(client: &Client, builder: LockBuilder) -> Self {
        Self { client: client.clone(), builder, current: Arc::default() }
    }

    /// Takes the lock: at once if this owner holds it, else when it is its turn. Of several that
    /// wait for the same owner, one stands in line for all. Cancel-safe.
    pub async fn acquire(&self) -> Result<ReentrantGuard> {
        let acquired = async {
            let mut current = self.current.lock().await;
            if let Some(guard) = held(&current) {
                return Ok(guard);
            }
            let won = self.builder.contest(&self.client).win().await?;
            let guard = Arc::new(LockGuard::new(won));
            *current = Arc::downgrade(&guard);
            Ok(ReentrantGuard { guard })
        };
        self.builder.in_time(acquired).await
    }

    /// Takes the lock if this owner holds it, or nobody does; else `None`, also while another task
    /// of this owner waits for it.
    pub async fn try_acquire(&self) -> Result<Option<ReentrantGuard>> {
        let Ok(mut current) = self.current.try_lock() else { return Ok(None) };
        if let Some(guard) = held(&current) {
            return Ok(Some(guard));
        }
        let Some(guard) = self.builder.try_acquire(&self.client).await? else { return Ok(None) };
        let guard = Arc::new(guard);
        *current = Arc::downgrade(&guard);
        Ok(Some(ReentrantGuard { guard }))
    }
}

/// Another guard of what is held, if it is.
fn held(current: &Weak<LockGuard>) -> Option<ReentrantGuard> {
    let guard = current.upgrade().filter(|guard| guard.is_held())?;
    Some(ReentrantGuard { guard })
}

/// A [`LockGuard`] that may be one of several of the same owner. The last one to go, dropped or
/// released, releases the lock.
#[derive(Debug)]
#[must_use = "dropping the last guard releases the lock"]
pub struct ReentrantGuard {
    guard: Arc<LockGuard>,
}

impl ReentrantGuard {
    /// Lets go. The last guard releases the lock and waits until the server has confirmed it, as
    /// [`LockGuard::release`] does; `None` means that others of this owner hold it.
    pub async fn release(self) -> Result<Option<Released>> {
        match Arc::into_inner(self.guard) {
            Some(guard) => Ok(Some(guard.release().await?)),
            None => Ok(None),
        }
    }
}

impl Deref for ReentrantGuard {
    type Target = LockGuard;

    fn deref(&self) -> &LockGuard {
        &self.guard
    }
}
