//! A ZooKeeper server: embedded in tests, or standalone.
//!
//! Clients of ZooKeeper 3.4 and later work against it unchanged. In a test, start one in the process:
//!
//! ```no_run
//! use zk_server::testing::TestServer;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TestServer::start().await?; // on a port of its own, until it is dropped
//! println!("clients connect to {}", server.connect_string());
//! # Ok(()) }
//! ```
//!
//! As a program it is the binary `zk-server`: `zk-server --dev` needs no set-up, `zk-server zoo.cfg` runs
//! on a configuration of Apache's, and `zk-server --help` says what else there is.
//!
//! # How it is built
//!
//! Everything that decides is a pure value; sockets, timers and threads are a thin shell around it.
//!
//! ```text
//!  runtime ──Event──▶ server::Server ──Action──▶ runtime
//!                        │
//!                        ├─ request   validates a write against the tree and what is pending ─▶ txn
//!                        ├─ storage   the transaction log, in zxid order
//!                        ├─ tree      applies transactions, one after the other
//!                        ├─ watch     who hears of a change
//!                        └─ session   who is alive
//! ```
//!
//! A write goes through these steps, in this order:
//!
//! 1. it is validated and becomes an idempotent transaction with a zxid;
//! 2. the transaction is appended to the log, and nobody sees it yet;
//! 3. when the log says that it is durable, it is applied to the tree;
//! 4. watches fire into the connections that hold them;
//! 5. the client gets its reply, behind every event that tells of the same change.
//!
//! Only [`runtime`] and [`testing`] touch the world. `clippy.toml` bans clocks, sockets, files and
//! tokio everywhere else.

pub mod admin;
pub mod auth;
pub mod config;
#[cfg(feature = "tls")]
pub mod key_store;
pub mod ops;
pub mod request;
pub mod runtime;
pub mod server;
pub mod session;
pub mod storage;
pub mod testing;
pub mod tree;
pub mod watch;

mod by_namespace;
mod connection_id;
mod counted_paths;
mod der;
mod log_limit;
mod path_names;

pub use config::ServerConfig;
pub use connection_id::ConnectionId;
pub use server::Server;

/// What the server calls itself in `srvr`, `stat` and `mntr`: the ZooKeeper version whose
/// behaviour it follows, so that tools which parse the number see what they know.
pub const VERSION: &str = concat!("3.9.6-zk-server-", env!("CARGO_PKG_VERSION"));
