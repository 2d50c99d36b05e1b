//! Tells the server what the disk has kept.
//!
//! The log thread only notes it, and goes on with the next batch: it does not wait for the server's
//! lock, and what a batch wakes is woken by a thread that tasks run on, mostly without a system call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use zk_proto::Zxid;

use super::shared::{Shared, Stopped};
use crate::server::Event;

/// A batch of transactions that is on the disk for good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flush {
    /// The last of them.
    pub(super) zxid: Zxid,
    /// Its transactions.
    pub(super) len: usize,
    /// How long the disk took.
    pub(super) took: Duration,
    /// Whether that was long enough for a warning.
    pub(super) is_slow: bool,
}

/// What the disk has kept and the server does not know of yet.
///
/// Its bound is the log's: each entry stands for requests that are in flight still.
#[derive(Debug, Default)]
pub(super) struct Flushes {
    waiting: Mutex<Vec<Flush>>,
    noted: Notify,
}

impl Flushes {
    /// Has the committer tell the server.
    pub(super) fn note(&self, flush: Flush) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(flush);
        self.noted.notify_one();
    }

    fn take(&self) -> Vec<Flush> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs until the server stops: who has no answer then gets none.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.halt.stopped() => return,
            () = shared.flushes.noted.notified() => {}
        }
        if commit(&shared).is_err() {
            return;
        }
    }
}

/// Tells the server of all that is noted. When this returns nobody else is about to tell it either:
/// notes are taken with the server in hand.
pub(super) fn commit(shared: &Shared) -> Result<(), Stopped> {
    shared.act(|server, now| {
        for Flush { zxid, len, took, is_slow } in shared.flushes.take() {
            server.disk_stats().wrote_batch(took, len, is_slow);
            server.handle(now, Event::Durable { zxid });
        }
    })
}
