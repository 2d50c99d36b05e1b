//! Locks, leader election and service discovery on ZooKeeper, correct under failure.
//!
//! | recipe | call | peer on the same znodes |
//! | --- | --- | --- |
//! | [`Lock`] | `Lock::acquire(&client, "/locks/x")` | Curator `InterProcessMutex`, Go `Lock` |
//! | [`LeaderLatch`] | `LeaderLatch::start(&client, "/masters", "node-1")` | Curator `LeaderLatch` |
//! | [`ServiceRegistry`] | `ServiceRegistry::new(&client, "/services")` | Curator service discovery |
//!
//! The page of each recipe says what its znodes are, what it guarantees and what not, what happens
//! when the connection breaks, the session expires or a future is dropped, and what it costs.
//!
//! What all of them have in common:
//!
//! - **A lost reply is no lost node.** A create whose answer never came is found by the random tag
//!   in its name, and adopted, repeated or removed.
//! - **Losing is part of holding.** Guards know when they are lost, also when nobody told them, and
//!   carry a [`FencingToken`] for the rest.
//! - **Any future may be dropped at any point.** What is left to do on the server is done by a task
//!   of the client's, which [`Client::close`](zk_client::Client::close) waits for.
//! - **Nobody polls, and no release wakes more than the one who can go on.**

mod cleaner;
mod contest;
pub mod election;
mod error;
pub mod lock;
mod parents;
pub mod registry;
mod runtime;
mod sequence;

pub use cleaner::Released;
pub use contest::{FencingToken, HoldState, LostReason};
pub use election::{LeaderLatch, Leadership};
pub use error::{Error, Result};
pub use lock::{Lock, LockGuard};
pub use parents::Parents;
pub use registry::{Registration, ServiceInstance, ServiceRegistry, ServiceView};
