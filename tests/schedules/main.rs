//! The recipes, unchanged, under thousands of seeded schedules of trouble.
//!
//! The real recipes run on the real client against the real server, all of them on one thread and a
//! clock that jumps to the next thing to happen. One number decides everything that chance decides:
//! which task runs next, how long each message takes, which connections break and where, who is cut
//! off, paused or crashes, which futures are dropped and at which of their steps. What must hold is
//! checked at each step, on the server's tree and on what the guards say.
//!
//! ```sh
//! cargo test -p tests --test schedules                              # some of each scenario
//! ZK_SCHEDULES=1000 cargo test --release -p tests --test schedules  # more
//! ZK_SCHEDULES_WHOLE=1 ZK_SCHEDULES=1000 cargo test …               # of the long ones as many
//! ZK_SEED=17 cargo test -p tests --test schedules lock::            # one again, told in words
//! ZK_SEED=5001 ZK_SCHEDULES=1000 cargo test …                       # from this one on
//! ```
//!
//! | folder | what |
//! | --- | --- |
//! | `world` | processes, network, clock, faults |
//! | `scenario` | what processes do, recipe by recipe |
//! | `invariant` | what must hold |
//! | `planted` | recipes with a mistake, each of which has to be found |
// Tests live in the world: clocks and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
// What fails here fails the test, in the functions that tests share as well.
#![allow(clippy::unwrap_used)]

mod barrier;
mod counter;
mod election;
mod gate;
mod invariant;
mod latch;
mod lease;
mod lock;
mod multi_lock;
mod observer;
mod partitioner;
mod planted;
mod queue;
mod registry;
mod rendezvous;
mod run;
mod rw_lock;
mod scenario;
mod semaphore;
mod transaction;
mod views;
mod world;
