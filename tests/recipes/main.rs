//! The recipes on any server: embedded, or a real Apache ZooKeeper.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod election;
mod lock;
mod registry;
