//! A server whose data is on disk.
//!
//! ```text
//!  Mutex<Server> ──Append──▶ LogQueue ──batches──▶ log thread ──Flush──▶ committer
//!     ▲    ▲                                           │ every so many       │
//!     │    └─────────── pieces of the tree ──── snapshot thread              │
//!     └───────────────────────────────Durable────────────────────────────────┘
//! ```
//!
//! The log thread takes all that waits, writes it with one write, syncs once, and goes on with the
//! next batch, while a task tells the server of this one: neither waits for the other. Files and
//! their sync are for threads of their own, so that a slow disk holds up no connection.
//!
//! Operators take snapshots and restore them (`backup`) in threads of theirs. One snapshot is
//! written at a time, whoever asks; the data are replaced by the log thread, between two batches.

mod backup;
#[cfg(test)]
mod failing_tests;
mod fs_directory;
mod initialize;
mod log_queue;
mod log_thread;
mod opened;
mod placement;
mod snapshot_store;
mod snapshot_thread;
#[cfg(test)]
mod tests;

pub(super) use backup::{Backup, BackupError, Taken};
pub use initialize::{InitError, initialize};
pub(super) use log_queue::LogQueue;
pub(super) use opened::{LoadTimes, Opened, Threads};
