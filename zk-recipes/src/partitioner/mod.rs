//! A set of items (shards, partitions, queues) shared out among members who come and go: each item
//! has one holder, and when members change only what must move does.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::Partitioner;
//!
//! let shards = (0..64).map(|shard| format!("shard-{shard}"));
//! let partitioner = Partitioner::join(&client, "/shards", "worker-1", shards).await?;
//! while let Some(share) = partitioner.next().await {
//!     tokio::spawn(async move {
//!         tokio::select! {
//!             () = serve(share.item(), share.fencing_token()) => {}
//!             why = share.revoked() => println!("{} goes: {why:?}", share.item()),
//!         }
//!         share.release().await // only now somebody else gets it
//!     });
//! }
//! # Ok(()) }
//! # async fn serve(item: &str, token: zk_recipes::FencingToken) {}
//! ```
//!
//! # Znodes
//!
//! | below the path given | what |
//! | --- | --- |
//! | `members` | an election of the members: [`LeaderLatch`] nodes with the member's id. The first in line plans |
//! | `plan` | the plan, as JSON: its generation, the members, and for each item its member |
//! | `locks/<item>` | the lock of the item: [`Lock`](crate::Lock). `/` and `%` in the item are written `%2F` and `%25` |
//!
//! The plan is a persistent node, written only by the planner of that moment in one transaction with
//! the proof that it still is. The last member to leave takes it along: at once, or, if the server has
//! yet to end a session that it has lost, in the background once that is over. If all members crash,
//! or their clients are closed under them, it stays, and a fleet that starts again under the same ids
//! gets its items back.
//!
//! # With kazoo's partitioners
//!
//! kazoo's `SetPartitioner` has no plan: there each member works out for itself, from the sorted
//! names, that it has every k-th item, and lets go of everything whenever anybody comes or goes,
//! until nobody has for half a minute. [`Partitioner::kazoo`] does the sums alike, on kazoo's nodes:
//!
//! | below the path given | what |
//! | --- | --- |
//! | `party/<32 hex>-<id>` | a member: kazoo's `ShallowParty` |
//! | `locks/<item>` | the lock of the item: kazoo's `Lock` |
//!
//! These directories are no containers, and stay behind, one for each item: an object of kazoo's makes
//! its directory once in its life, and fails for good if the server sweeps it away. Delete them when
//! nobody shares the items any more.
//!
//! An item is held by one member at a time there, too. But members of ours let go only of what is not
//! theirs any more, and take what is as soon as it is free. With every change of members most items
//! change hands, by the nature of these sums; ids must be unique, and everybody has to have the same
//! items (kazoo's sort theirs as what they are, these as text). [`Plan::generation`] is this member's
//! own count. Do not point it and [`Partitioner::join`] at one path.
//!
//! # What it guarantees
//!
//! - An item is held by one member at a time: by its lock, whatever the plan says.
//! - While members and items stay as they are, each item comes to be held by exactly one member, and
//!   no member is planned to hold more than one item more than another.
//! - When members or items change, no item moves that need not for this balance. A member that comes
//!   back under its id stands for its former self if that is gone.
//! - An item that moves is first [revoked](Share::revoked), and handed over when its holder has
//!   [released](Share::release) it, at once.
//!
//! # What it does not
//!
//! **Having an item is a lease**, exactly like a lock: see [`lock`](crate::lock) for why, and pass
//! [`Share::fencing_token`] to whatever is written on behalf of the item. **Nobody takes an item away
//! from a member that lives and does not let go**: who ignores [`Share::revoked`] keeps others
//! waiting. Every item counts the same. If members do not agree on the set of items, that of the
//! planner counts. The plan must fit into a node: about 20,000 items of 40 bytes.
//!
//! # When things go wrong
//!
//! | what happens | a member |
//! | --- | --- |
//! | connection breaks | keeps its items, `Unsure` |
//! | session expires | has lost its items; joins again, and gets as many |
//! | no answer for the session timeout | has lost its items, without being told |
//! | a member dies | its items are shared out when its session times out |
//! | the planner dies | the next member plans, from the plan that is there |
//! | the node of a member deleted by somebody | joins again; its items are revoked and come back |
//! | the lock of an item deleted | that item is lost, and taken again |
//! | the plan deleted, or overwritten with nonsense | nothing moves; the planner writes it again |
//! | everything deleted | lost; made again |
//! | a share dropped | released, and taken again while it is planned for this member |
//! | the server refuses a node | the error at the start; later it warns in the log and tries again |
//! | partitioner dropped or left, or client closed | its items are revoked; leaves |
//!
//! # Cost
//!
//! Joining is one round trip (and one to read the plan). A change of members wakes the planner
//! alone, which takes two round trips (a list and a read, a write); the new plan wakes all, by
//! nature, and costs each one read. Leaving takes three
//! round trips, one more for each member that is not in the plan yet, and one more for the last to
//! leave. An item that moves costs a delete, and a create, a list and a watch of who waits for it; no
//! item that stays costs anything. One task per member, no polling.

mod handle;
mod party;
mod plan;
mod planner;
mod share;
mod worker;

pub use handle::{Partitioner, PartitionerBuilder};
pub use plan::Plan;
pub use share::{Revoked, Share};

use handle::{Paths, Shared};

#[cfg(doc)]
use crate::LeaderLatch;
