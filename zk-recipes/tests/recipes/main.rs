//! The recipes against an embedded server: what they promise, and what happens when the network,
//! the server, the session or the caller goes away in the middle.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

mod close;
mod election;
mod lock;
mod registry;
mod support;
