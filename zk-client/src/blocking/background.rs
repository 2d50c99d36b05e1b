//! The one thread that does the work of all blocking clients.
#![allow(clippy::disallowed_methods, reason = "this thread is where the driver's world is")]

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::{Builder, EnterGuard, Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// The thread, for as long as somebody holds this.
pub(crate) struct Background {
    runtime: Handle,
    /// The thread ends when this is dropped.
    _needed: oneshot::Sender<()>,
}

/// The thread that runs, if one does.
static RUNNING: Mutex<Weak<Background>> = Mutex::new(Weak::new());

thread_local! {
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

impl Background {
    /// The thread; it is started if it does not run.
    fn get() -> Arc<Self> {
        let mut running = running();
        if let Some(background) = running.upgrade() {
            return background;
        }
        let background = Arc::new(Self::start());
        *running = Arc::downgrade(&background);
        background
    }

    /// What a thread has to hold while it waits. `None` in the destructors of a thread's local
    /// values: runtimes cannot be entered there, nor anything be started.
    pub(super) fn for_waiting() -> Option<Arc<Self>> {
        assert!(
            !IS_BACKGROUND.try_with(Cell::get).unwrap_or_default(),
            "a task of the client must not block the thread that does the client's work: \
             await instead of waiting"
        );
        match Handle::try_current() {
            Err(error) if error.is_thread_local_destroyed() => None,
            _ => Some(Self::get()),
        }
    }

    /// The thread, if it is the one that drives this runtime. A client there keeps it running.
    pub(crate) fn of(runtime: &Handle) -> Option<Arc<Self>> {
        // Nobody else's multi-threaded runtime is worth a look at who holds the lock.
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return None;
        }
        running().upgrade().filter(|background| background.runtime.id() == runtime.id())
    }

    /// Makes the thread's runtime the one that tasks and timers belong to.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    fn start() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("zk-client-resolver")
            .build()
            .expect("the operating system grants an event queue");
        let (needed, no_longer_needed) = oneshot::channel();
        let background = Self { runtime: runtime.handle().clone(), _needed: needed };
        let run = move || {
            IS_BACKGROUND.set(true);
            // Ends with an error: nobody ever sends.
            let _ = runtime.block_on(no_longer_needed);
            // A name that is still being resolved must not keep anything waiting.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("zk-client".to_owned());
        thread.spawn(run).expect("the operating system grants a thread");
        background
    }
}

fn running() -> MutexGuard<'static, Weak<Background>> {
    // Whoever panicked with the lock had not changed anything yet.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
