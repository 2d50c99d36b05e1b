//! Live configuration: a typed value in a node, checked before it counts.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use futures_util::StreamExt;
//! use zk_recipes::Config;
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Limits {
//!     connections: u32,
//! }
//!
//! let limits = Config::<Limits>::builder("/config/limits")
//!     .validate(|limits| match limits.connections {
//!         0 => Err("no connections at all".to_owned()),
//!         _ => Ok(()),
//!     })
//!     .start(&client)
//!     .await?;
//! if let Some(limits) = limits.value() {
//!     println!("{} connections", limits.connections);
//! }
//! let mut changes = limits.changes();
//! while let Some(state) = changes.next().await {
//!     match state.problem {
//!         Some(problem) => println!("kept what was before: {problem}"),
//!         None => println!("version {:?}", state.version),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! The node at the path given, persistent, with the value as JSON, or as the builder's
//! [`format`](ConfigBuilder::format) says. Who only reads makes none.
//!
//! # What it guarantees
//!
//! - The value is the last one that was read, parsed and accepted. Data that is not, a node that is
//!   deleted, or a connection that is gone leave it as it is, and [`ConfigState`] says so.
//! - The first look is done when [`ConfigBuilder::start`] returns.
//! - Changes come to rest on the latest state. States in between may be skipped.
//! - [`Config::publish`] writes nothing that would be refused, and, given a version, overwrites
//!   nothing that the writer has not seen.
//!
//! # What it does not
//!
//! Processes do not change over at the same moment. The value is as old as the last event.
//!
//! # When things go wrong
//!
//! | what happens | the value |
//! | --- | --- |
//! | connection breaks, session expires | stays, and is read again afterwards |
//! | data that cannot be parsed, or is refused | stays, with a [`problem`](ConfigState::problem) |
//! | node deleted | stays, with a problem; the next one counts when there is a node again |
//! | node that may not be read | the error at the start; later it stays, with a problem |
//! | a publish whose reply is lost | written once, or the error says that nobody knows |
//! | dropped | watch removed |
//! | client closed | stays, for good |
//!
//! # Cost
//!
//! One read with a watch for each change, and one task. A publish over a known version is one write;
//! without one it is a create, and a write where there is a node already.

mod builder;
mod handle;
mod task;

pub use builder::ConfigBuilder;
pub use handle::{Config, ConfigChanges, ConfigState};
