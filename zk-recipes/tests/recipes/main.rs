//! The recipes against an embedded server: what they promise, and what happens when the network,
//! the server, the session or the caller goes away in the middle.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

mod barrier;
mod cache;
mod close;
mod config;
mod counter;
mod election;
mod group;
mod lease;
mod lock;
mod multi_lock;
mod partitioner;
mod persistent_node;
mod queue;
mod quiet;
mod registry;
mod rendezvous;
mod rw_lock;
mod semaphore;
mod situations;
mod support;
mod transaction;
mod waited_for;
