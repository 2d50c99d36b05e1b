//! The session of a client, as a value that knows no socket, clock or task.
//!
//! [`Session`] decides everything: which server to try next, when to ping, what a lost connection
//! means for each request, which watches to set again, when the session is suspended, expired or
//! closed. A driver feeds it and does what it says.
//!
//! # Kinds of methods
//!
//! * **Inputs** say what happened and take the time at which it did: [`submit`](Session::submit),
//!   [`add_auth`](Session::add_auth), [`unwatch`](Session::unwatch), [`close`](Session::close), [`abort`](Session::abort) from the
//!   application, [`update_hosts`](Session::update_hosts) and [`detach`](Session::detach) too;
//!   [`connected`](Session::connected), [`connect_failed`](Session::connect_failed),
//!   [`received`](Session::received), [`connection_lost`](Session::connection_lost),
//!   [`probed`](Session::probed) from the network;
//!   [`sasl_stepped`](Session::sasl_stepped) from the SASL mechanism; [`timeout`](Session::timeout) from the clock.
//! * **[`poll_output`](Session::poll_output)** says what to do and whom to tell.
//! * **[`transmit`](Session::transmit)** gives the bytes to write. It counts as an input: what it
//!   gives is sent as far as the session is concerned.
//! * **[`next_deadline`](Session::next_deadline)** says when to call `timeout`.
//! * **Questions** ([`state`](Session::state), [`session_deadline`](Session::session_deadline), …)
//!   change nothing.
//!
//! # Call order
//!
//! 1. After each input, call `poll_output` until it gives nothing, before the next input.
//!    After [`Output::Disconnect`] drop the socket, and what was read from it, at once.
//! 2. While the connection takes bytes, `transmit` into an empty buffer and write that.
//! 3. Sleep until the network, the application or `next_deadline` has something.
//!
//! # Guarantees
//!
//! * Each request ends exactly once. Replies come in the order of the
//!   requests, events and replies in the order of the server.
//! * A write is sent at most once. One that fails with [`Failure::ConnectionLoss`], or with
//!   [`Failure::TimedOut`] in flight, may have taken effect; every other failure without an answer
//!   of the server means that it did not.
//! * A watch fires for what happened while there was no connection, within what the server can
//!   know; each watcher is told when its session ends.
//! * [`Output::State`] comes before whatever it is the reason of: that a session is over is known
//!   before anything happens in the next one.

mod attempt;
mod auth;
mod backoff;
mod config;
mod ending;
mod handover;
mod held;
mod hosts;
mod inbound;
mod link;
mod machine;
mod moving;
mod outbound;
mod output;
mod pending;
mod read_only;
mod request;
mod riding;
mod sasl;
mod slot;
mod timers;
mod watches;

#[cfg(test)]
mod tests;

pub use output::SessionState;

pub(crate) use config::Config;
pub(crate) use machine::Session;
pub(crate) use output::{Loss, NodeEvent, Notice, Output};
pub(crate) use request::{Class, FRAME_LEN_MIN, Failure, Outcome, Request, encode_request_into};
#[cfg(test)]
pub(crate) use request::{encode_bare_request, encode_request};
pub(crate) use sasl::SaslStep;
pub(crate) use watches::{Watch, WatchKind, WatcherId};
