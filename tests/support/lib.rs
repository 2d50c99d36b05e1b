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
#[cfg(feature = "containers")]
mod pkcs12;
mod secure_server;
mod target;
mod test_ca;
mod transport;
mod weather;

#[cfg(feature = "containers")]
pub use apache::{Apache, ApacheSettings};
pub use cutting_proxy::CuttingProxy;
pub use patience::{PATIENCE, eventually, with_short_session, within};
pub use secure_server::{SecureServer, SecureSettings};
pub use target::{Target, until_serving};
pub use test_ca::{TestCa, TestCertificate, server_params};
pub use transport::Transport;
pub use weather::Weather;
