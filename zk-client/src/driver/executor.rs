//! Where a client's tasks run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;

/// A task that a client, or a recipe on it, runs in the background.
pub type BackgroundTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a client's tasks, instead of the runtime the client was made in: so that a test can hold a
/// client still for a while, or drop all it has at once, as the end of a process would.
///
/// Timers are the runtime's all the same.
pub trait Spawner: Send + Sync + 'static {
    /// Runs `task` to its end. May be called anywhere, also in `drop`.
    fn spawn(&self, task: BackgroundTask);
}

/// Runs tasks.
#[derive(Clone)]
pub(crate) struct Executor {
    runtime: Handle,
    own: Option<Arc<dyn Spawner>>,
}

impl Executor {
    pub(crate) fn new(runtime: Handle, own: Option<Arc<dyn Spawner>>) -> Self {
        Self { runtime, own }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &self.own {
            None => drop(self.runtime.spawn(task)),
            Some(spawner) => spawner.spawn(Box::pin(task)),
        }
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}
