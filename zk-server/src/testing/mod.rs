//! A server inside a test, dead with its guard.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use zk_server::testing::TestServer;
//!
//! let server = TestServer::start().await?;
//! // Any ZooKeeper client connects to this:
//! let servers = server.connect_string();
//! assert!(servers.starts_with("127.0.0.1:"));
//! # Ok(())
//! # })
//! # }
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a server of its own thread, port and directory is what this module is for"
)]

mod builder;
mod port;
mod sim_server;
mod test_server;
mod thread;

pub use builder::TestServerBuilder;
pub use sim_server::SimServer;
pub use test_server::TestServer;
