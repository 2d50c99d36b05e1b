//! Queues.

mod basics;
mod cancel;
mod claims;
mod failures;
mod layouts;
mod shards;
mod waiting;
