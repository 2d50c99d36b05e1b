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
//! The directories of items and claims are made on demand, and to stay; delete them when nobody uses
//! the queue any more. As containers they would be swept away whenever the queue is empty for a
//! while. The names of items then begin anew, so that a consumer who was held up before it removes an
//! item might remove another one, and the peers' programs, which make these directories once, could
//! not go on. The other directories are containers. Items are `queue-|<id>|<number>` with an id,
//! `queue-<sign and priority>` in a [`PriorityQueue`], `queue-|<time>|` in a [`DelayQueue`]: the
//! layouts of Curator's `DistributedQueue`, `-IdQueue`, `-PriorityQueue` and `-DelayQueue`. Other
//! constructors are for Curator's simple queue, which is also the one of the ZooKeeper
//! distribution ([`Queue::simple`]), and for kazoo's `Queue` and `LockingQueue`
//! ([`Queue::kazoo`], [`Queue::kazoo_locking`]; also with priorities). Whatever else lies in the
//! directory, and data that is in no frame, is passed over.
//!
//! # Shards
//!
//! A list of tens of thousands of nodes is more than a reply can hold. A [`ShardedQueue`] is several
//! queues in one directory: what is put goes into one that has room, and who takes gets something
//! from any. All is as with a [`Queue`] but the order, which each shard keeps for itself.
//!
//! | at | what | whose |
//! | --- | --- | --- |
//! | `<path>/queue-<uuid>/queue-<number>` | an item of a shard | Curator's `QueueSharder` |
//! | `<path>-leader` | the line of those who would add a shard | Curator's, if its leader path is given by [`leader_in`](ShardedQueue::leader_in) |
//! | `<path>-claims/<shard>/<item>` | a claim | Curator's, if its lock paths are like that |
//! | `<path>-consumers/<shard>` | as above, for each shard | ours |
//!
//! Whoever puts counts the shard it has put into. When all are full, from
//! [`threshold`](ShardedQueue::threshold) items on, it stands in line, and adds a shard if they still
//! are when it is first. Curator's processes stand in that line all the time, and the first of them
//! counts every now and then; together with them, who is first adds it. A shard stays when it
//! has run empty, and is used again. Puts go on while a shard is added: there may be more shards than
//! wanted if several processes make the first at once, and more items in one than wanted.
//!
//! # What it guarantees
//!
//! - What was put is there once, also if the reply was lost.
//! - What is taken is taken once, by one: also if the reply was lost, and not if the future was
//!   dropped (unless the session ends in that moment, see [`Queue::take`]). Several items in one node are taken one by one.
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
//! | directories deleted | made again | made again; delete none while somebody takes | made again |
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
//!
//! To put into a [`ShardedQueue`] is a round trip, too, with a read for the count in it; to take from
//! it is as from a queue, and where the first shard tried is empty a list more for each that is. Who
//! finds all of them empty stands in the line of each, and watches for new ones: a put wakes one.
//! When that one leaves, the next in each line wakes. To add a shard takes a place in line, two
//! counts, and the create. Each handle has a ledger in each shard that it uses.

mod claim;
mod claiming;
mod core;
mod frame;
mod handle;
mod hands;
mod naming;
mod put;
mod sharded;
mod stream;
mod take;

pub use claim::Claim;
pub use handle::{DelayQueue, PriorityQueue, Queue};
pub use sharded::ShardedQueue;
pub use stream::{Claims, Items};
