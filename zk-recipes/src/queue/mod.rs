//! Queues: first in, first out, by priority, or not before a certain time.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::Queue;
//!
//! let queue = Queue::new(&client, "/queues/mail");
//! queue.put("to: alice").await?;
//!
//! // Taken for good: exactly once, and lost if this process dies.
//! let mail = queue.take().await?;
//!
//! // Or claimed: at least once. Another process gets it if this one dies.
//! let claim = queue.claim().await?;
//! send(claim.data());
//! claim.complete().await?;
//! # Ok(()) }
//! # fn send(mail: &[u8]) {}
//! ```
//!
//! [`take`](Queue::take) and [`claim`](Queue::claim) are for different queues: who takes does not
//! ask whether somebody else has claimed.
//!
//! # Znodes
//!
//! | at | what | whose |
//! | --- | --- | --- |
//! | `<path>/queue-<number>` | an item, persistent, in Curator's frame | Curator's; see below for others |
//! | `<path>-claims/<item>` | a claim, ephemeral | Curator's, if its lock path is given by [`claims_in`](Queue::claims_in) |
//! | `<path>-consumers` | the line of those who wait, and a ledger for each handle | ours |
//! | `<path>-producers` | the line of those who wait for room | ours |
//!
//! All directories are containers, made on demand. Items are `queue-|<id>|<number>` with an id,
//! `queue-<sign and priority>` in a [`PriorityQueue`], `queue-|<time>|` in a [`DelayQueue`]: the
//! layouts of Curator's `DistributedQueue`, `-IdQueue`, `-PriorityQueue` and `-DelayQueue`. Other
//! constructors are for Curator's simple queue, which is also the one of the ZooKeeper
//! distribution ([`Queue::simple`]), and for kazoo's `Queue` and `LockingQueue`
//! ([`Queue::kazoo`], [`Queue::kazoo_locking`]; also with priorities). Whatever else lies in the
//! directory, and data that is in no frame, is passed over.
//!
//! # What it guarantees
//!
//! - What was put is there once, also if the reply was lost.
//! - What is taken is taken once, by one: also if the reply was lost, and not if the future was
//!   dropped. Several items in one node are taken one by one.
//! - What is claimed is claimed by one at a time. It is removed by [`Claim::complete`] alone; until
//!   then somebody has it or will get it.
//! - Items are taken in order, but for those that several consumers go after at the same time.
//!
//! # What it does not
//!
//! - An item that is taken is lost with its process. Claim what must not be lost.
//! - A claim is a lease, like a lock: its session may end while the work goes on, and somebody else
//!   begins it anew. [`Claim::complete`] then says so; nothing undoes what was done.
//! - Other programs on the same path keep their own promises only: Curator's consumers lose an
//!   item, and its producers put one twice, when a reply is lost.
//! - Due times are compared with the clock of the machine that takes.
//!
//! # When things go wrong
//!
//! | what happens | put | take | claim |
//! | --- | --- | --- | --- |
//! | request or reply lost | done once | done once | done once |
//! | session expires | tried again; unknown only in the moment of putting | as left | `ClaimLost`, redelivered |
//! | process dies | put or not | the item it has is lost | redelivered when its session ends |
//! | future dropped | put or not | put back to its place | given back |
//! | item deleted by an operator | - | the next one is taken | `ClaimLost` on completion |
//! | directories deleted or swept | made again | made again | made again |
//! | the server refuses (ACL) | the error | the error | the error |
//! | client closed | `Error::Client(Closed)` | `Error::Client(Closed)`; streams end | as left |
//!
//! # Cost
//!
//! A put is one round trip (a multi of two). To take from a queue that is not empty is a read and a
//! write, and a list where the last one is used up (by priority or due time: each time). To claim
//! is two lists, a read and a write; to complete, one write. Puts and takes of one handle and its
//! clones follow each other: use several handles to have several under way.
//!
//! Who finds the queue empty stands in line, and only the first in line watches: a put wakes one.
//! That is a write to get in line and one to leave it. It leaves when it has an item, which wakes
//! the next. The first use of a handle also makes its ledger; it goes with the handle.

mod claim;
mod claiming;
mod core;
mod frame;
mod handle;
mod naming;
mod put;
mod stream;
mod take;

pub use claim::Claim;
pub use handle::{DelayQueue, PriorityQueue, Queue};
pub use stream::{Claims, Items};
