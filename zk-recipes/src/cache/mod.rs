//! Copies of nodes and subtrees, kept current.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use futures_util::StreamExt;
//! use zk_recipes::{Cache, cache::CacheChange};
//!
//! let settings = Cache::tree(&client, "/settings").await?; // loaded when it returns
//! if let Some(node) = settings.get("/settings/colour") {
//!     println!("{:?}, version {}", node.data, node.stat.version);
//! }
//! let mut changes = settings.changes();
//! while let Some(change) = changes.next().await {
//!     match change {
//!         CacheChange::Missed { .. } => println!("{} nodes", settings.nodes().len()),
//!         change => println!("{change:?}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! None of its own. The nodes that are cached need not exist, and their parents neither.
//!
//! # What it guarantees
//!
//! - The cache is complete when it is returned, and from then on ends up at what the server has,
//!   whatever was missed meanwhile: after a disconnect, an expired session, or events that came
//!   faster than they were read.
//! - Each node in it is one that was read, and never gives way to an older state of itself.
//! - A node that was deleted and created again is told from one that was updated
//!   ([`CacheChange::Replaced`]), also if nobody saw it missing and the version is the same.
//! - The stream of changes comes to rest on the latest state of each node. States in between may be
//!   skipped, and a consumer that is more than 1024 changes behind is told that it missed some.
//!
//! # What it does not
//!
//! The cache is as old as the last event, and no snapshot of one moment: of two nodes that were
//! changed in one transaction one may be new and the other old, until its event comes. While the
//! connection is gone it keeps what it had, and says [`Cache::is_stale`].
//!
//! # When things go wrong
//!
//! | what happens | the cache |
//! | --- | --- |
//! | connection breaks | is stale; afterwards looks at everything that may have changed |
//! | session expires | the same, in the next session |
//! | root deleted | is empty; fills again when the root is created |
//! | a node below the root may not be read | does without it and what is below it, and warns in the log |
//! | the root may not be read | the error; if it comes later, the cache ends and stays stale |
//! | the right to read is taken away meanwhile | shows at the next change or reconnect, not at once: servers say nothing of it, and from 3.8.4 on send no events then |
//! | the next server is too old for lasting watches | goes on with one-shot ones |
//! | dropped, also while it loads | watch removed |
//! | client closed | ends; stays stale |
//!
//! # Cost
//!
//! To load, a read and a list for each node, up to 100 at a time. Then one watch on the server for
//! everything, and one read for each change. After a reconnect the metadata of each known node is
//! asked for, and only what it shows to be outdated is read or listed again; caches spread this
//! over a short random delay. Servers before 3.6 keep two watches for each node instead, and after
//! a session's end everything is read again.

mod change;
mod handle;
mod reads;
mod task;
mod tree;

pub use change::{CacheChange, CacheChanges, CachedNode};
pub use handle::{CHANGES_BUFFERED, Cache, CachedNodes};
