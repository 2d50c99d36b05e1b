//! Nodes that are kept alive.

mod basics;
mod failures;
mod ttl;
