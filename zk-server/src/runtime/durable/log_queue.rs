//! Between the server and the log thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::storage::log::{FlushPolicy, TxnRecord};

/// Transactions that wait to be written.
///
/// Its bound is the server's: connections are not read while `globalOutstandingLimit` requests are
/// in flight, and what the server proposes by itself comes in batches.
#[derive(Debug, Default)]
pub(in crate::runtime) struct LogQueue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Arc<TxnRecord>>,
    closed: bool,
}

impl LogQueue {
    /// Adds what is in `records`, which is empty afterwards.
    pub(in crate::runtime) fn push(&self, records: &mut Vec<Arc<TxnRecord>>) {
        let mut state = self.state();
        state.waiting.append(records);
        drop(state);
        self.filled.notify_one();
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Waits for transactions, and for those that are to be written with them, and moves them to
    /// `batch`, oldest first. The last batch was written at `flushed`. False when the queue is
    /// closed and empty.
    pub(super) fn take(
        &self,
        batch: &mut Vec<Arc<TxnRecord>>,
        policy: &FlushPolicy,
        flushed: Instant,
    ) -> bool {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        while let Some(wait) = policy.wait(Instant::now(), flushed, state.waiting.len()) {
            let gathered = state.waiting.len();
            let idle = |state: &mut State| state.waiting.len() == gathered && !state.closed;
            let waited = self.filled.wait_timeout_while(state, wait, idle);
            let (next, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = next;
            if timeout.timed_out() || state.closed {
                break;
            }
        }
        batch.clear();
        let max = policy.batch_len_max;
        if state.waiting.len() <= max {
            std::mem::swap(batch, &mut state.waiting);
        } else {
            batch.extend(state.waiting.drain(..max));
        }
        true
    }

    /// The list is whole after each change, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
