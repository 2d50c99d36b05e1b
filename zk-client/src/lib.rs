//! A client for [ZooKeeper](https://zookeeper.apache.org) that keeps its session, and says what
//! became of every request.
//!
//! # A first program
//!
//! ```toml
//! [dependencies]
//! zk-client = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! use zk_client::{Client, CreateMode};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), zk_client::Error> {
//!     let client = Client::connect("localhost:2181").await?;
//!
//!     // A node is a path with a little data. This one goes when the program does.
//!     client.create("/greeting", b"hello", CreateMode::Ephemeral).await?;
//!     let (data, stat, watch) = client.get("/greeting").watch().await?;
//!     println!("{data:?} in version {}", stat.version);
//!
//!     client.set("/greeting", b"hello, world").version(stat.version).await?;
//!     println!("the watch saw {:?}", watch.await?);
//!
//!     client.close().await
//! }
//! ```
//!
//! For streams (of events, of states) add `futures-util`, which has their `next`.
//!
//! It needs a server: `zk-server --dev` of the crate `zk-server` is one on port 2181, without a JVM
//! and without any set-up, and `zk_server::testing::TestServer` one inside of your tests. Every
//! ZooKeeper from 3.4 on will do; where an operation needs a newer one its documentation says so,
//! and [`Error::Unimplemented`] says so at run time.
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
//! | [`blocking`] | the same for programs without a runtime |
//! | `tls`, [`sasl`] | encrypted connections, and showing who one is |
//!
//! The [`guide`] has what concerns more than one call:
//! [what happens to a request when something fails](guide::sessions), [watches](guide::watches),
//! [moving from other clients](guide::migrating), and
//! [the features beside those of other clients](guide::features), each with its test.
//!
//! # What can be seen from outside
//!
//! With `tracing`, each call has a span at level debug: `zookeeper.get`, `zookeeper.create` and so
//! on, target `zk_client`, with the fields `path`, `session`, `xid`, `zxid` and `outcome`. What
//! becomes of connections and sessions are events. Data and credentials are in neither, nor in any
//! `Debug`. While nobody listens a span costs one comparison.
//!
//! With the feature `metrics` there are counters, gauges and histograms: requests by kind and outcome
//! and how long they took, what is outstanding, reconnections, lost sessions, watches and their events.
//!
//! Recipes (locks, elections, service discovery) are in the crate `zk-recipes`.
//!
//! # What to rely on
//!
//! - Requests of one [`Client`], over all its clones, take effect in the order in which they were
//!   sent: when a request is first awaited, or when [`send`](ops::Get::send) is called. So many
//!   requests can travel at once.
//! - Replies and watch events come in the order in which the server sent them, and an event comes
//!   before any read that shows its change.
//! - A read that loses its connection is sent again, up to ten times. A write that was on its way
//!   fails with [`Error::ConnectionLoss`], and [`Error::is_outcome_unknown`] is true: read before
//!   repeating.
//! - One-shot watches survive reconnections and fire for what was missed. Streams of events say
//!   [`EventType::Resync`] when they may have missed something.
//! - A session that expires is reported once by [`Client::states`], and by everything that waits.
//!   The client then opens a new one. [`Client::session_epoch`] and [`Client::session_ended`] are
//!   for what must not outlive its session.
//! - Every wait has a bound, what the client holds a limit, and dropping any future is safe.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | adds |
//! | --- | --- |
//! | `tls` | `ClientBuilder::tls`: TLS by rustls, with the cryptography of ring |
//! | `tls-aws-lc` | the same, with that of aws-lc-rs |
//! | `sasl-digest-md5` | `sasl::DigestMd5`: users and passwords by SASL |
//! | `sasl-gssapi` | `sasl::Gssapi`: Kerberos, through the system's library, which it needs to build |
//! | `metrics` | `metrics`: counters, gauges and histograms, for a recorder of the facade `metrics` |

#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(feature = "__tls"))))]

pub mod blocking;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod ops;
pub mod sasl;
#[cfg(feature = "__tls")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "tls", feature = "tls-aws-lc"))))]
pub mod tls;
pub mod watch;

mod acl_policy;
mod arena;
mod builder;
mod chroot;
mod client;
mod driver;
mod error;
mod features;
mod handover;
#[cfg(not(feature = "metrics"))]
#[path = "metrics/off.rs"]
mod metrics;
mod queue;
mod retry;
mod servers;
mod session;
mod shared;
mod states;

pub use builder::{
    CLOSE_TIMEOUT_DEFAULT, CONNECT_TIMEOUT_DEFAULT, ClientBuilder, MAX_OUTSTANDING_BYTES_DEFAULT,
    MAX_OUTSTANDING_DEFAULT, SESSION_TIMEOUT_DEFAULT,
};
pub use client::Client;
pub use driver::{FOUR_LETTER_REPLY_MAX, four_letter, simulation, world};
pub use error::{Error, Result};
pub use handover::SessionHandover;
pub use ops::{Created, Identity, MultiResult, Pending, ReadResult, TTL_MAX};
pub use retry::Retry;
pub use session::SessionState;
pub use states::{SessionEnded, SessionStates};
pub use watch::{
    EventType, Observe, OneshotWatch, WATCH_BUFFER_LEN, WatchMode, WatchStream, WatchedEvent,
};

pub use bytes::Bytes;
pub use zk_proto::four_letter::Word as FourLetterWord;
pub use zk_proto::{
    Acl, CreateMode, EnsembleConfig, ErrorCode, Member, Names, NamesIter, Permissions,
    QuorumAddress, Role, SessionId, Stat, Zxid,
};
