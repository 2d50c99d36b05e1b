//! The client's whole API on any server: embedded, or a real Apache ZooKeeper.
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod access;
mod chroot;
mod create;
mod data;
mod expiry;
mod info;
mod lasting_watches;
mod multi;
mod one_shot_watches;
mod ordering;
mod reconnect;
