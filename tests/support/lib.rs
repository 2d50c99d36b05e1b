//! What the suites that cross crates share: a server to work on, a network to cut, patience.
//!
//! Each suite runs on a [`Target`]: the embedded server, or, with the feature `containers`, a real
//! Apache ZooKeeper. A test cannot tell which, and must pass on both.
// Tests live in the world: clocks, sockets and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(feature = "containers")]
mod apache;
mod cutting_proxy;
mod patience;
mod target;

#[cfg(feature = "containers")]
pub use apache::{Apache, ApacheSettings};
pub use cutting_proxy::CuttingProxy;
pub use patience::{PATIENCE, eventually, within};
pub use target::{Target, until_serving};
