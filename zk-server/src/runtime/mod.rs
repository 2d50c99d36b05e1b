//! The world: sockets, timers, the clock, and the one lock around the server.
//!
//! Each connection has a task. It reads, locks the server, hands over what it read, does what the
//! server asks for, takes its output along, unlocks and writes: no request hops between tasks.
//!
//! ```text
//!  accept ─▶ connection task ─┐
//!  accept ─▶ connection task ─┼─▶ Mutex<Server + log>
//!            ticker ──────────┘
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the module that touches the world"
)]

mod clock;
mod connection;
mod controls;
mod data_dir;
mod error;
mod instance;
mod process;
mod shared;
mod ticker;

pub use controls::Controls;
pub use error::{ServeError, StartError};
pub use instance::Instance;

#[cfg(test)]
mod tests;
