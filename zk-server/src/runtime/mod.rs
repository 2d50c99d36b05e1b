//! The world: sockets, timers, the clock, and the one lock around the server.
//!
//! Each connection has a task. It reads, locks the server, hands over what it read, does what the
//! server asks for, takes its output along, unlocks and writes: no request hops between tasks.
//!
//! ```text
//!  accept ─▶ connection task ─┐
//!  accept ─▶ connection task ─┼─▶ Mutex<Server> ─▶ log
//!            ticker ──────────┘
//! ```
//!
//! The log is in memory, and then part of what is behind the lock, or on disk, and then the work
//! of threads of its own (`durable`).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the module that touches the world"
)]

mod acceptor;
mod backup_body;
mod backup_commands;
mod clock;
mod committer;
mod connection;
mod controls;
mod data_dir;
mod doors;
mod durable;
mod entry;
mod error;
mod halt;
mod http;
mod http_answer;
mod http_places;
mod http_stream;
mod instance;
mod login;
mod process;
mod shared;
mod stream;
mod ticker;
#[cfg(feature = "tls")]
mod tls;

pub use controls::Controls;
pub use doors::check_stores;
pub use durable::{InitError, initialize};
pub use error::{ServeError, StartError};
pub use instance::Instance;
pub use login::keytab_of;

#[cfg(test)]
mod tests;
