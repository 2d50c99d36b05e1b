//! Between the server and the log thread.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::storage::log::{FlushPolicy, LastBatch, LogWriter, TxnRecord};

/// Something for the log thread to do between two batches.
pub(super) type Job = Box<dyn FnOnce(&mut LogWriter) + Send>;

/// Transactions that wait to be written.
///
/// Its bound is the server's: connections are not read while `globalOutstandingLimit` requests are
/// in flight, and what the server proposes by itself comes in batches.
#[derive(Default)]
pub(in crate::runtime) struct LogQueue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Arc<TxnRecord>>,
    job: Option<Job>,
    closed: bool,
    /// How many transactions the log thread sleeps for, if it does. To wake it costs a system call.
    awaited: Option<usize>,
}

impl LogQueue {
    /// Adds what is in `records`, which is empty afterwards.
    pub(in crate::runtime) fn push(&self, records: &mut Vec<Arc<TxnRecord>>) {
        let mut state = self.state();
        state.waiting.append(records);
        let is_enough = state.awaited.is_some_and(|len| state.waiting.len() >= len);
        drop(state);
        if is_enough {
            self.filled.notify_one();
        }
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        // Whoever waits for it is told by its end.
        let job = state.job.take();
        drop(state);
        drop(job);
        self.filled.notify_one();
    }

    /// Lets the log thread do something before the next batch. It is dropped if the queue is closed,
    /// or another one takes its place.
    pub(super) fn interpose(&self, job: Job) {
        let mut state = self.state();
        if !state.closed {
            state.job = Some(job);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// What is to be done before the next batch.
    pub(super) fn take_job(&self) -> Option<Job> {
        self.state().job.take()
    }

    /// Forgets the transactions that wait.
    pub(super) fn discard(&self) {
        self.state().waiting.clear();
    }

    /// Waits for transactions, and for those that are to be written with them, and moves them to
    /// `batch`, oldest first. With a [job](Self::take_job) to do the batch is empty. False when the
    /// queue is closed and empty.
    pub(super) fn take(
        &self,
        batch: &mut Vec<Arc<TxnRecord>>,
        policy: &FlushPolicy,
        last: &LastBatch,
    ) -> bool {
        batch.clear();
        let mut state = self.gather(self.state(), 1, None);
        if state.job.is_some() {
            return true;
        }
        if state.waiting.is_empty() {
            return false;
        }
        while !state.closed
            && state.job.is_none()
            && let Some(patience) = policy.wait(Instant::now(), last, state.waiting.len())
        {
            state = self.gather(state, patience.len, Some(patience.time));
            if state.waiting.len() < patience.len {
                break;
            }
        }
        let max = policy.batch_len_max;
        if state.waiting.len() <= max {
            std::mem::swap(batch, &mut state.waiting);
        } else {
            batch.extend(state.waiting.drain(..max));
        }
        true
    }

    /// Sleeps until so many transactions are there, the time is over, there is something else to do,
    /// or nothing more comes.
    fn gather<'q>(
        &'q self,
        mut state: MutexGuard<'q, State>,
        len: usize,
        time: Option<Duration>,
    ) -> MutexGuard<'q, State> {
        let lacks =
            |state: &mut State| state.waiting.len() < len && state.job.is_none() && !state.closed;
        state.awaited = Some(len);
        let mut state = match time {
            None => self.filled.wait_while(state, lacks).unwrap_or_else(PoisonError::into_inner),
            Some(time) => {
                let waited = self.filled.wait_timeout_while(state, time, lacks);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.awaited = None;
        state
    }

    /// The list is whole after each change, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LogQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("LogQueue")
            .field("waiting", &state.waiting.len())
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}
