//! A session-aware async ZooKeeper client.
//!
//! ```no_run
//! use zk_client::{Client, CreateMode};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), zk_client::Error> {
//!     let client = Client::connect("localhost:2181").await?;
//!
//!     client.create("/greeting", b"hello", CreateMode::Ephemeral).await?;
//!     let (data, stat, watch) = client.get("/greeting").watch().await?;
//!     println!("{data:?} in version {}", stat.version);
//!
//!     client.set("/greeting", b"hello, world").version(stat.version).await?;
//!     println!("told by the watch: {:?}", watch.await?);
//!
//!     client.close().await
//! }
//! ```
//!
//! It works with every ZooKeeper server from 3.4 on. Where an operation needs a newer one, its
//! documentation says so, and [`Error::Unimplemented`] says so at run time.
//!
//! # What to rely on
//!
//! - Requests of one [`Client`], over all its clones, take effect in the order in which they were
//!   sent: when a request is first awaited, or when [`send`](ops::Get::send) is called. So many
//!   requests can travel at once.
//! - Replies and watch events come in the order in which the server sent them, and an event comes
//!   before any read that shows its change.
//! - A read that loses its connection is sent again. A write that was on its way fails with
//!   [`Error::ConnectionLoss`], and [`Error::is_outcome_unknown`] is true: read before repeating.
//! - One-shot watches survive reconnections and fire for what was missed. Streams of events say
//!   [`EventType::Resync`] when they may have missed something.
//! - A session that expires is reported once by [`Client::states`], and by everything that waits.
//!   The client then opens a new one. [`Client::session_epoch`] and [`Client::session_ended`] are
//!   for what must not outlive its session.
//! - Every wait has a bound, every buffer a limit, and dropping any future is safe.
//!
//! # Where things are
//!
//! | | |
//! | --- | --- |
//! | [`Client`], [`ClientBuilder`] | connecting, asking, closing |
//! | [`ops`] | the requests, and what they can be told before they are sent |
//! | [`watch`] | one event, a stream of events, a stream of states |
//! | [`SessionState`], [`SessionStates`] | what the session is doing |
//! | [`Error`] | what went wrong, whose fault it is, what to do next |
//!
//! Recipes (locks, elections, service discovery) are in the crate `zk-recipes`.

pub mod ops;
pub mod watch;

mod builder;
mod chroot;
mod client;
mod driver;
mod error;
mod features;
mod queue;
mod session;
mod shared;
mod states;

pub use builder::{
    CLOSE_TIMEOUT_DEFAULT, CONNECT_TIMEOUT_DEFAULT, ClientBuilder, MAX_OUTSTANDING_DEFAULT,
    SESSION_TIMEOUT_DEFAULT,
};
pub use client::Client;
pub use error::{Error, Result};
pub use ops::{Created, Identity, MultiResult, Pending, ReadResult, TTL_MAX};
pub use session::SessionState;
pub use states::{SessionEnded, SessionStates};
pub use watch::{
    EventType, Observe, OneshotWatch, WATCH_BUFFER_LEN, WatchMode, WatchStream, WatchedEvent,
};

pub use bytes::Bytes;
pub use zk_proto::{Acl, CreateMode, ErrorCode, Permissions, SessionId, Stat, Zxid};
