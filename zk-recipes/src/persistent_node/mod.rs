//! A node that outlives its session: made again whenever it is gone ([`PersistentNode`]), or kept by
//! the server for a while ([`PersistentTtlNode`], which has its own page).
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::PersistentNode;
//!
//! let node = PersistentNode::start(&client, "/health/node-1", "starting").await?;
//! node.set_data("ready").await?;
//! node.close().await?; // or drop: removed in the background
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! One ephemeral node at the path given, whose parents are containers made on demand: what
//! Curator's `PersistentNode` makes in its mode `EPHEMERAL`.
//!
//! # What it guarantees
//!
//! - The node is there whenever the process can reach the servers: through disconnects (where it is
//!   left as it is), in each new session, and against operators who delete it.
//! - It has the data that was set last, also when it is made again.
//! - Only nodes that this handle created are changed or deleted, unless it is told to
//!   [replace](Conflict::Replace) what it finds. Never twice: a process whose node was replaced
//!   waits until the other one's is gone.
//! - Closing wins over all of that. It deletes the own node, and nobody else's.
//!
//! # What it does not
//!
//! The node is gone from the end of a session to the beginning of the next, and stays for up to the
//! session timeout when the process dies. Two handles in one process at the same path wait for each
//! other like any two; but if a create loses its reply, a node that was made in the same session
//! with the same data is taken for its own.
//!
//! # When things go wrong
//!
//! | what happens | the node |
//! | --- | --- |
//! | connection breaks | stays; nothing is written when it is back |
//! | request or reply lost | found again, or made again |
//! | session expires | made again in the next session |
//! | somebody deletes it | made again |
//! | somebody changes its data | set to what it should be |
//! | somebody else has the path | [`NodeState::Taken`] until that node is gone |
//! | parents deleted | made again |
//! | the server refuses it | the error at the start; [`NodeState::Failing`] later, and tried again |
//! | future or handle dropped | removed in the background |
//! | client closed | gone with its session |
//!
//! # Cost
//!
//! To start, a create and a read that watches the node. In each later session a read that finds
//! nothing, a create and a read; new data is a read, a write and a read, and another read by the
//! task behind the handle, which the change wakes. One task per handle, no polling.

mod builder;
mod handle;
mod kind;
mod node;
mod ttl;

pub use builder::{Conflict, PersistentNodeBuilder};
pub use handle::{NodeState, PersistentNode};
pub(crate) use kind::{Kind, Manner};
pub use ttl::{PersistentTtlNode, PersistentTtlNodeBuilder};
