//! Barriers: processes that wait for a sign, or for each other.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::{Barrier, DoubleBarrier};
//!
//! // One gives the sign, all others wait for it.
//! let barrier = Barrier::new(&client, "/barriers/migration");
//! barrier.set().await?;
//! // ... elsewhere: barrier.wait().await?
//! barrier.remove().await?;
//!
//! // Three processes begin together, and end together.
//! let inside = DoubleBarrier::new(&client, "/barriers/job", 3).enter().await?;
//! compute();
//! inside.leave().await?;
//! # Ok(()) }
//! # fn compute() {}
//! ```
//!
//! # Znodes
//!
//! A [`Barrier`] is one persistent node at the path given: while it is there, the barrier is down.
//! Curator's `DistributedBarrier` and kazoo's `Barrier` do the same.
//!
//! A [`DoubleBarrier`] is a directory (a container, made on demand) with one ephemeral node of a
//! random name for each member inside, and the persistent node `ready` from the moment the last
//! one has come to the moment the last one leaves. This is the layout of Curator's
//! `DistributedDoubleBarrier`. kazoo's `DoubleBarrier` takes `ready` away when the first one leaves;
//! do not mix it in.
//!
//! # What they guarantee
//!
//! - Who waits at a [`Barrier`] goes on when it is removed, also if it is set again at once, and
//!   also if the connection was gone at that time.
//! - Who enters a [`DoubleBarrier`] of `n` goes on when `n` members were there at one time (a
//!   member that died meanwhile counts as it did then), and everybody does: also those who are so
//!   slow that others have left or died before they look.
//! - A `ready` node left by members who all died opens nothing: it is older than all who are there.
//! - [`Inside::leave`] returns when everybody who was inside when it was called has left or died.
//!   Processes that enter again only after their own leave returned never meet two rounds at once.
//!
//! - A barrier that is set again, or opened for a next round, is not hit by a delete that was
//!   repeated because its reply was lost: before each attempt the server is asked whether the node
//!   is still the one that was meant, and one attempt at most is carried out.
//!
//! # What they do not
//!
//! ZooKeeper cannot delete a node only if it is a certain one. Should others remove the node and
//! make it anew in the moment between the question and the delete (which is as long as an outage if
//! the connection breaks just then), the delete takes the new one: a [`Barrier`] set in that moment
//! is removed by a [`remove`](Barrier::remove) that is still under way. A [`DoubleBarrier`] is closed
//! like that only by members who died, when all others did too and the next ones come just then;
//! whoever of them has not seen it open makes it open again if all are still there.
//!
//! `n` is what it takes to open, not a limit: who enters while others are inside joins them at once.
//! A member that dies inside is not replaced, and nobody is told. Curator's members take any `ready`
//! node for an open barrier, left behind or not.
//!
//! # When things go wrong
//!
//! | what happens | waiting to enter | leaving |
//! | --- | --- | --- |
//! | connection breaks | keeps its place; looks again afterwards | goes on afterwards |
//! | session expires | comes in anew, in the next session | is out; waits for the others |
//! | own node deleted by somebody | comes in anew | is out; waits for the others |
//! | directory deleted by somebody | it is made again | everybody is out |
//! | future or [`Inside`] dropped | node deleted in the background | node deleted in the background |
//! | the server refuses (ACL) | the error, and no node left | the error |
//! | client closed | `Error::Client(Closed)` | `Error::Client(Closed)` |
//!
//! # Cost
//!
//! To set a barrier is one round trip, to wait one read with a watch, to remove it two round trips. To enter takes one
//! round trip, for who opens the barrier two; who waits also watches its own node. To leave takes
//! three: a list, the delete, and a list when the last one has gone. When a barrier opens all who
//! wait wake, by nature. Of those who leave only one waits for each that goes; all wake at the end.

mod double;
mod inside;
mod single;

pub use double::DoubleBarrier;
pub use inside::Inside;
pub use single::Barrier;
