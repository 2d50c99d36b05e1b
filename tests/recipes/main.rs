//! The recipes on any server: embedded, or a real Apache ZooKeeper.
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod barriers;
mod election;
mod lease;
mod lock;
mod operators;
mod owners;
mod partitioner;
mod paused;
mod queues;
mod registry;
mod sharing;
mod state;
mod transaction;
