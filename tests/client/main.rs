//! The client's whole API on any server: embedded, or a real Apache ZooKeeper.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

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
