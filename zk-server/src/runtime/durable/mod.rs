//! A server whose data is on disk.
//!
//! ```text
//!  Mutex<Server> ──Append──▶ LogQueue ──batches──▶ log thread ──Durable──▶ Mutex<Server>
//!       ▲                                              │ every so many transactions
//!       └──────────── pieces of the tree ──── snapshot thread
//! ```
//!
//! The log thread takes all that waits, writes it with one write, syncs once, and then tells the
//! server: while the disk works the next batch gathers. Files and their sync are for threads of
//! their own, so that a slow disk holds up no connection.

#[cfg(test)]
mod failing_tests;
mod fs_directory;
mod initialize;
mod log_queue;
mod log_thread;
mod opened;
mod placement;
mod snapshot_thread;
#[cfg(test)]
mod tests;

pub use initialize::{InitError, initialize};
pub(super) use log_queue::LogQueue;
pub(super) use opened::{Opened, Threads};
