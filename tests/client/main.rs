//! The client's whole API on any server: embedded, or a real Apache ZooKeeper.
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

mod access;
mod careful_writes;
mod chroot;
mod config;
mod create;
mod data;
mod delete_recursive;
mod events;
mod expiry;
mod four_letter;
mod guarded;
mod info;
mod lasting_watches;
mod mass;
mod multi;
mod one_shot_watches;
mod ordering;
mod reconnect;
mod retries;
