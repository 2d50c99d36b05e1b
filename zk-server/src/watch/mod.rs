//! PURE: who waits for which change.
//!
//! [`WatchManager`] holds the watches of all connections of this server. Reads and `addWatch` add to
//! it, changes of the tree fire from it ([`WatchManager::fire`]), and what a client missed while it
//! was away is decided in [`set_watches`]. Watches are not replicated and not stored: they end with
//! their connection.
//!
//! | change of a node | data | child | persistent | recursive, here or above | child and persistent of the parent |
//! | --- | --- | --- | --- | --- | --- |
//! | created | `NodeCreated` | | `NodeCreated` | `NodeCreated` | `NodeChildrenChanged` |
//! | deleted | `NodeDeleted` | `NodeDeleted` | `NodeDeleted` | `NodeDeleted` | `NodeChildrenChanged` |
//! | data set | `NodeDataChanged` | | `NodeDataChanged` | `NodeDataChanged` | |
//! | ACL set | | | | | |
//!
//! The one-shot kinds (data, child) end when an event for exactly their path meets them, even if the
//! connection is then not allowed to see it.

pub mod set_watches;

mod fire;
mod kinds;
mod manager;
#[cfg(test)]
mod tests;

pub use fire::Notification;
pub use kinds::WatchKind;
pub(crate) use manager::WatchPlace;
pub use manager::{DROP_BATCH, WatchManager};
