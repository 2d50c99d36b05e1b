//! TLS between client and server: who is let in, who is trusted, what is bounded.
//!
//! With the feature `containers` the server of `identity` and `trust` is a real Apache ZooKeeper; the
//! others are about our own server.
// Tests live in the world, and a failed unwrap is a failed test.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used)]

#[cfg(not(feature = "containers"))]
mod bounds;
mod clients;
#[cfg(not(feature = "containers"))]
mod cuts;
mod identity;
mod ports;
#[cfg(not(feature = "containers"))]
mod reload;
#[cfg(not(feature = "containers"))]
mod stores;
mod trust;
