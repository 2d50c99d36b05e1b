//! A value that many processes change without losing a change.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::AtomicValue;
//!
//! let names = AtomicValue::new(&client, "/names");
//! let update = names.update(|names| {
//!     let mut names = names.map(|names| names.to_vec()).unwrap_or_default();
//!     names.extend(b"alice\n");
//!     Some(names.into())
//! });
//! println!("{:?}", update.await?.after);
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! The value is the data of one persistent node at the path given, whose parents are containers
//! made on demand: as in Curator's `DistributedAtomicValue` and `SharedValue`. Besides there is the
//! directory `<path>-updates` (a container) with an ephemeral node for each handle that has changed
//! the value, the ledger, and for each update that waits for its turn.
//!
//! # What it guarantees
//!
//! - Each update is applied once to the value it was computed from, or not at all: nobody's change
//!   is lost, and none is made twice, also when replies are lost.
//! - Updates that fail to get through because others are faster line up, so each gets its turn
//!   against the others that did.
//!
//! # What it does not
//!
//! A read is as old as the server it comes from. An update whose session ends in the very moment it
//! is sent fails with an [unknown outcome](crate::Error::is_outcome_unknown): it was applied once or
//! not at all. Other programs keep their own promises only: Curator and kazoo add twice when a reply
//! is lost. One set in four thousand million makes a version of -1, which servers take for any:
//! updates that meet it get in line at once, but overwrite what a plain set or another program
//! writes in that very moment.
//!
//! # When things go wrong
//!
//! | what happens | an update |
//! | --- | --- |
//! | connection breaks, request or reply lost | applied once |
//! | session expires | tried again in the next one; unknown only in the moment of writing |
//! | the node is deleted by somebody | begins with no value |
//! | parents deleted | made again |
//! | the server refuses it (ACL) | the error |
//! | future dropped | applied once or not at all |
//! | client closed | `Error::Client(Closed)` |
//!
//! # Cost
//!
//! An update is a read and a write, again for each time that somebody else was faster; after
//! [eight times](OPTIMISTIC_MAX) it gets in line, which is a round trip to come and one to go. The
//! first update of a handle makes its ledger, which goes with the handle. Updates of one handle
//! write one after the other.

mod value;

pub use value::{AtomicValue, OPTIMISTIC_MAX, Update};
