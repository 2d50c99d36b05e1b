//! What a process of a scenario can do.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use zk_client::world::{BackgroundTask, Spawner};
use zk_client::{Client, ClientBuilder};
use zk_server::tree::DataTree;

use super::World;
use super::executor::ProcessId;
use super::stream::Port;
use crate::invariant::Holders;

/// A future that was dropped before its end.
#[derive(Debug)]
pub(crate) struct Abandoned;

/// One life of a process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Process {
    world: Weak<World>,
    id: ProcessId,
    next: Arc<AtomicU64>,
}

/// Runs a client's tasks as the process's own.
struct InProcess {
    world: Weak<World>,
    id: ProcessId,
}

impl Spawner for InProcess {
    fn spawn(&self, task: BackgroundTask) {
        if let Some(world) = self.world.upgrade() {
            world.executor.spawn(self.id, task);
        }
    }
}

impl Process {
    pub(super) fn new(world: &Arc<World>, id: ProcessId) -> Self {
        Self { world: Arc::downgrade(world), id, next: Arc::default() }
    }

    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    fn world(&self) -> Arc<World> {
        self.world.upgrade().expect("the world outlives its tasks")
    }

    /// A generator of its own.
    pub(crate) fn rng(&self) -> Rng {
        self.world().network.lock().unwrap().rng.fork()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let world = self.world();
        let port = Port { network: Arc::clone(&world.network), process: self.id };
        Client::builder("zk")
            .session_timeout(Duration::from_millis(world.session_timeout_ms))
            .connector(port)
            .spawner(InProcess { world: Weak::clone(&self.world), id: self.id })
            .seed(self.rng().u64(..))
    }

    /// A client, which looks for the server by itself.
    pub(crate) fn client(&self) -> Client {
        self.builder().connect_lazily().expect("the settings are good")
    }

    /// Runs something that has to come to its end before the schedule does.
    pub(crate) fn work(&self, task: impl Future<Output = Result<(), String>> + Send + 'static) {
        let world = self.world();
        let item = (self.id, self.next.fetch_add(1, Ordering::Relaxed));
        world.working.lock().unwrap().insert(item);
        let ended = Weak::clone(&self.world);
        let task = async move {
            let done = task.await;
            let Some(world) = ended.upgrade() else { return };
            if let Err(complaint) = done {
                world.complaint.lock().unwrap().get_or_insert(complaint);
            }
            world.working.lock().unwrap().remove(&item);
        };
        world.executor.spawn(self.id, Box::pin(task));
    }

    /// Runs something for as long as it likes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.world().executor.spawn(self.id, Box::pin(task));
    }

    /// Lets so many ms pass.
    pub(crate) async fn idle(&self, ms: u64) {
        let until = self.world().instant_in(ms);
        tokio::time::sleep_until(until).await;
    }

    /// Ends the schedule if something is wrong.
    pub(crate) fn complain_about(&self, found: Result<(), String>) {
        if let Err(complaint) = found {
            self.world().complaint.lock().unwrap().get_or_insert(complaint);
        }
    }

    /// The holders of whatever can be held in this world.
    pub(crate) fn holders(&self) -> Holders {
        self.world().holders.clone()
    }

    /// Whether the server has ended a session that it left unheard for too long.
    pub(crate) fn some_session_ended(&self) -> bool {
        self.world().network.lock().unwrap().some_expired
    }

    /// What can be seen on the server at this moment, past the network.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&DataTree) -> T) -> T {
        let world = self.world();
        let network = world.network.lock().unwrap();
        at(network.server.tree())
    }

    /// Keeps a client, and what lives by it, until the process ends: what a recipe leaves behind must
    /// not go with the session.
    pub(crate) fn keep(&self, kept: impl Send + 'static) {
        self.spawn(async move {
            let _kept = kept;
            std::future::pending().await
        });
    }

    /// Puts something down in the trace.
    pub(crate) fn note(&self, what: std::fmt::Arguments<'_>) {
        let number = self.id.number;
        self.world().note(format_args!("process {number}: {what}"));
    }

    /// Polls `future` so many times at most, and drops it then.
    pub(crate) async fn abandon<F: Future>(
        &self,
        polls: usize,
        future: F,
    ) -> Result<F::Output, Abandoned> {
        let mut future = pin!(future);
        let mut left = polls;
        std::future::poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(Err(Abandoned));
            }
            left -= 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                // Dropped at the very step, not when something wakes it up again.
                Poll::Pending if left == 0 => Poll::Ready(Err(Abandoned)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
