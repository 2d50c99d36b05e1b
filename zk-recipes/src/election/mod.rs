//! Leader election: of many processes, one leads at a time, and another takes over when it goes.
//!
//! [`LeaderElection`] runs a piece of work while this process leads:
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::LeaderElection;
//!
//! let election = LeaderElection::start(&client, "/masters", "node-1", |term| async move {
//!     run_the_cluster(term.fencing_token()).await // dropped when the leadership goes
//! })
//! .await?;
//! # shut_down().await;
//! election.stop().await?; // ends the work, then tells the next leader at once
//! # Ok(()) }
//! # async fn run_the_cluster(token: zk_recipes::FencingToken) {}
//! # async fn shut_down() {}
//! ```
//!
//! [`LeaderLatch`] leaves it to the caller what to do with the terms:
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
//! [`LeaderObserver`] follows who leads without taking part: [`LeaderElection::observe`],
//! [`LeaderLatch::observe`].
//!
//! # Znodes
//!
//! The path given is the directory (a container, made on demand). Each participant has one
//! ephemeral sequential child whose data is the participant's id; the lowest number leads.
//!
//! | | the child | peer on the same path |
//! | --- | --- | --- |
//! | [`LeaderElection`] | `_c_<uuid>-lock-<number>` | Curator `LeaderSelector`, which is its mutex with ids |
//! | [`LeaderElection::kazoo`] | `<32 hex>__lock__<number>` | kazoo `Election` |
//! | [`LeaderLatch`] | `_c_<uuid>-latch-<number>` | Curator `LeaderLatch` |
//!
//! The directory of a [`LeaderElection::kazoo`] is no container, and stays behind: delete it when nobody
//! takes part any more. Never point two of them at the same path, nor a lock and an election.
//!
//! # What it guarantees
//!
//! - Leaders follow each other in the order in which the participants joined.
//! - While a term is held *and its session lives*, nobody else leads. Leadership is taken up only by
//!   the first in line, in a list read in the session that owns the node.
//! - A participant that loses its session or its node joins again by itself, at the tail.
//! - The work of a [`LeaderElection`] runs only while its process leads or, for as long as the
//!   [grace period](ElectionBuilder::grace) says, has just lost. When the term is lost, or the
//!   election is stopped or resigns, [`Term::cancellation`] is cancelled, the work has the grace
//!   period (none, unless asked for) to end by itself, and is dropped then at whatever it awaits.
//!   One process never runs two works of one election at a time.
//! - On [`stop`](LeaderElection::stop) and [`resign`](LeaderElection::resign) the node goes after
//!   the work has ended, and the next in line is told by that at once.
//!
//! # What it does not
//!
//! **Leadership is a lease**, exactly like a lock: see [`lock`](crate::lock) for why, and pass the
//! fencing token (the term) to whatever the leader writes to.
//!
//! **Work that never awaits cannot be dropped**, and what it has spawned elsewhere is not. Nobody
//! keeps leadership by that: the term is over when it is lost, and [`STUCK_WORK_LIMIT`] after the
//! grace period in any case, with a warning in the log. From then on another process may lead beside
//! work that goes on; only [`Term::writes`] and the fencing token stop what it writes.
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
//! | own node deleted by somebody | joins again, when it next looks at the line | term lost; joins again |
//! | directory deleted | joins again, and makes it | term lost; joins again, and makes it |
//! | the server refuses the node | tries again, says so in [`states`](LeaderLatch::states) | - |
//! | work returns or panics | - | steps down; joins again at the tail after a random part of 100 ms |
//! | dropped, stopped or closed | leaves the line | work ended, term lost; leaves the line |
//! | client closed | leaves the line | term lost with the node, then the work is ended |
//!
//! A process that crashes is replaced when its session times out, one that stops at once. Stop an
//! election before closing its client, or the node goes while the work still ends.
//!
//! # Cost
//!
//! Joining is one round trip (three where the directory has to be made), and who finds nobody else
//! there leads with it. A change of leader wakes one follower, which needs one round trip to know
//! that it leads, and each observer, which needs two. Stopping is one. The leader reads and watches
//! its own node. One request in flight at a time, no polling.

mod builder;
#[expect(clippy::module_inception, reason = "the recipe is called as its family")]
mod election;
mod election_builder;
mod latch;
mod leadership;
mod observer;
mod participants;
mod state;
mod task;
mod term;

pub use builder::LatchBuilder;
pub use election::{LeaderElection, STUCK_WORK_LIMIT};
pub use election_builder::ElectionBuilder;
pub use latch::LeaderLatch;
pub use leadership::Leadership;
pub use observer::{LeaderChanges, LeaderObserver};
pub use participants::Participant;
pub use state::{LatchState, LatchStates};
pub use term::Term;
