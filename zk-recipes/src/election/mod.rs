//! Leader election: of many processes, one leads at a time, and another takes over when it goes.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::LeaderLatch;
//!
//! let latch = LeaderLatch::start(&client, "/masters", "node-1").await?;
//! loop {
//!     let term = latch.lead().await?; // waits until it is our turn
//!     tokio::select! {
//!         reason = term.lost() => println!("stepping down: {reason}"),
//!         () = run_the_cluster(term.fencing_token()) => term.resign().await.map(drop)?,
//!     }
//! }
//! # }
//! # async fn run_the_cluster(token: zk_recipes::FencingToken) {}
//! ```
//!
//! # Znodes
//!
//! The path given is the directory (a container, made on demand). Each participant has one
//! ephemeral sequential child `_c_<uuid>-latch-<number>` whose data is the participant's id; the
//! lowest number leads. This is the layout of Curator's `LeaderLatch`, and both can take part in
//! one election. Never point a lock or a leader selector at the same path.
//!
//! # What it guarantees
//!
//! - Leaders follow each other in the order in which the participants joined.
//! - While a [`Leadership`] is held *and its session lives*, nobody else leads. Leadership is taken
//!   up only by the first in line, in a list read in the session that owns the node.
//! - A participant that loses its session or its node joins again by itself, at the tail.
//!
//! # What it does not
//!
//! **Leadership is a lease**, exactly like a lock: see [`lock`](crate::lock) for why, and pass
//! [`Leadership::fencing_token`] (the term) to whatever the leader writes to.
//!
//! A latch that is first in line leads whether or not anybody in its process has called
//! [`lead`](LeaderLatch::lead): others see it as the leader, and wait. Start a latch when the
//! process is ready to lead.
//!
//! # When things go wrong
//!
//! | what happens | a follower | the leader |
//! | --- | --- | --- |
//! | connection breaks | stays in line | `Unsure`, still leading (a builder option: steps down) |
//! | it comes back in time | looks at the line once | leading again |
//! | session expires | joins again at the tail | term lost; joins again at the tail |
//! | no answer for the session timeout | keeps waiting | term lost, without being told |
//! | own node deleted by somebody | joins again | term lost; joins again |
//! | the server refuses the node | tries again, says so in [`states`](LeaderLatch::states) | - |
//! | latch dropped or closed, or client closed | leaves the line | term lost; leaves the line |
//!
//! A process that crashes is replaced when its session times out, one that is closed at once.
//!
//! # Cost
//!
//! Joining is one round trip (three where the directory has to be made), and who finds nobody else
//! there leads with it. A change of leader
//! wakes one follower, which needs one round trip to know that it leads. The leader reads and
//! watches its own node. One task per latch, one request in flight at a time, no polling.

mod builder;
mod latch;
mod leadership;
mod participants;
mod state;
mod task;

pub use builder::LatchBuilder;
pub use latch::LeaderLatch;
pub use leadership::Leadership;
pub use participants::Participant;
pub use state::{LatchState, LatchStates};
