//! Whether the server stops, or plays dead.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// Both ways in which a server halts. Every request asks for them, so that to see that it does
/// neither takes no lock and writes to no memory.
#[derive(Debug, Default)]
pub(super) struct Halt {
    stop: CancellationToken,
    is_stopping: AtomicBool,
    pauses: watch::Sender<bool>,
    is_paused: AtomicBool,
}

impl Halt {
    /// Ends every task.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.stop.cancel();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Waits until the server stops.
    pub(super) fn stopped(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Plays dead, or comes back to life.
    pub(super) fn set_paused(&self, paused: bool) {
        self.is_paused.store(paused, Ordering::Release);
        self.pauses.send_replace(paused);
    }

    /// Whether the server plays dead.
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    /// Hears of each change of [`is_paused`](Self::is_paused).
    pub(super) fn pauses(&self) -> watch::Receiver<bool> {
        self.pauses.subscribe()
    }
}
