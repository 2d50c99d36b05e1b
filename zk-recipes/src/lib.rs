//! Locks, elections, barriers, queues, counters, caches and service discovery on ZooKeeper, correct
//! under failure.
//!
//! ```toml
//! [dependencies]
//! zk-client = "0.1"
//! zk-recipes = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! ```no_run
//! use zk_client::Client;
//! use zk_recipes::Lock;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("127.0.0.1:2181").await?; // one for the whole program
//! let guard = Lock::acquire(&client, "/locks/invoices").await?;
//! println!("nobody else is here until this is released");
//! guard.release().await?;
//! client.close().await?;
//! # Ok(()) }
//! ```
//!
//! Programs without a runtime write `.wait()` for `.await`, with a client of
//! [`zk_client::blocking`]: `Lock::acquire(&client, "/locks/invoices").wait()`.
//!
//! | recipe | call | peer on the same znodes |
//! | --- | --- | --- |
//! | [`Lock`] | `Lock::acquire(&client, "/locks/x")` | Curator `InterProcessMutex`, Go `Lock`, kazoo `Lock` by another constructor |
//! | [`RwLock`] | `RwLock::new(&client, "/locks/x").read()` | Curator `InterProcessReadWriteLock`, kazoo `ReadLock` and `WriteLock` |
//! | [`ReentrantLock`] | `ReentrantLock::new(&client, "/locks/x").acquire()` | Curator `InterProcessMutex` |
//! | [`MultiLock`] | `MultiLock::new(&client, ["/locks/x", "/locks/y"]).acquire()` | Curator `InterProcessMultiLock` |
//! | [`Lease`] | `Lease::new(&client, "/leases/x", "node-1", hour, skew).try_acquire()` | kazoo `NonBlockingLease`, `MultiNonBlockingLease` |
//! | [`Semaphore`] | `Semaphore::new(&client, "/limits/x", 4).acquire()` | Curator `InterProcessSemaphoreV2`, `InterProcessSemaphoreMutex`, kazoo's `Semaphore` by another constructor |
//! | [`LeaderLatch`] | `LeaderLatch::start(&client, "/masters", "node-1")` | Curator `LeaderLatch` |
//! | [`LeaderElection`] | `LeaderElection::start(&client, "/masters", "node-1", work)` | Curator `LeaderSelector`, kazoo `Election` by another constructor |
//! | [`Barrier`] | `Barrier::new(&client, "/barriers/start").wait()` | Curator `DistributedBarrier`, kazoo `Barrier` |
//! | [`DoubleBarrier`] | `DoubleBarrier::new(&client, "/barriers/job", 3).enter()` | Curator `DistributedDoubleBarrier` |
//! | [`Queue`], [`PriorityQueue`], [`DelayQueue`] | `Queue::new(&client, "/queues/mail").take()` | Curator's queues, kazoo's by another constructor |
//! | [`ShardedQueue`] | `ShardedQueue::new(&client, "/queues/mail").take()` | Curator `QueueSharder` |
//! | [`Cache`] | `Cache::tree(&client, "/settings")` | Curator `CuratorCache`, kazoo `TreeCache` |
//! | [`PersistentNode`] | `PersistentNode::start(&client, "/health/node-1", "ready")` | Curator `PersistentNode` |
//! | [`PersistentTtlNode`] | `PersistentTtlNode::start(&client, "/seen/node-1", "", ttl)` | Curator `PersistentTtlNode` |
//! | [`Group`] | `Group::new(&client, "/groups/workers").join("worker-1", "")` | Curator `GroupMember`, kazoo's parties |
//! | [`AtomicValue`] | `AtomicValue::new(&client, "/value").update(..)` | Curator `DistributedAtomicValue`, `SharedValue` |
//! | [`Counter`] | `Counter::new(&client, "/visits").add(1)` | Curator `DistributedAtomicLong`, `SharedCount`, kazoo `Counter` |
//! | [`IdGenerator`] | `IdGenerator::new(&client, "/ids").next()` | Curator `CachedAtomicLong` |
//! | [`Config`] | `Config::<Limits>::watch(&client, "/config/limits")` | - |
//! | [`Rendezvous`] | `Rendezvous::open(&client, "/jobs/17")` | - |
//! | [`Partitioner`] | `Partitioner::join(&client, "/shards", "worker-1", items)` | kazoo `SetPartitioner` by another constructor |
//! | [`ServiceRegistry`] | `ServiceRegistry::new(&client, "/services")` | Curator service discovery |
//! | [`Transaction`] | `Transaction::begin(&client, "/transactions", ["a", "b"], payload)` | - |
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

mod asking;
pub mod atomic;
pub mod barrier;
pub mod cache;
mod cleaner;
pub mod config;
mod contest;
pub mod counter;
pub mod election;
mod error;
pub mod group;
pub mod guide;
pub mod id_generator;
pub mod lease;
mod ledger;
pub mod lock;
pub mod multi_lock;
mod options;
mod parents;
pub mod partitioner;
pub mod persistent_node;
pub mod queue;
pub mod registry;
pub mod rendezvous;
mod runtime;
pub mod rw_lock;
pub mod semaphore;
mod sequence;
mod source;
pub mod transaction;

pub use atomic::AtomicValue;
pub use barrier::{Barrier, DoubleBarrier};
pub use cache::Cache;
pub use cleaner::Released;
pub use config::Config;
pub use contest::{FencingToken, HoldState, LostReason};
pub use counter::Counter;
pub use election::{LeaderElection, LeaderLatch, LeaderObserver, Leadership};
pub use error::{Error, Result};
pub use group::Group;
pub use id_generator::IdGenerator;
pub use lease::{Lease, LeaseGuard};
pub use lock::{Lock, LockGuard, ReentrantGuard, ReentrantLock};
pub use multi_lock::{MultiLock, MultiLockGuard};
pub use options::NodeOptions;
pub use parents::Parents;
pub use partitioner::Partitioner;
pub use persistent_node::{PersistentNode, PersistentTtlNode};
pub use queue::{DelayQueue, PriorityQueue, Queue, ShardedQueue};
pub use registry::{Registration, ServiceInstance, ServiceProvider, ServiceRegistry, ServiceView};
pub use rendezvous::Rendezvous;
pub use rw_lock::{ReadGuard, RwLock, WriteGuard};
pub use semaphore::{Semaphore, SemaphoreLease};
pub use transaction::Transaction;
