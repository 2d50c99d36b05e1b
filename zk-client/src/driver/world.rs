//! What a client needs of the world, for those who have another one: connections and tasks.
//!
//! By default connections are made by TCP or TLS, and tasks run in the runtime that the client was
//! made in. [`ClientBuilder::connector`](crate::ClientBuilder::connector) and
//! [`ClientBuilder::spawner`](crate::ClientBuilder::spawner) replace either.

pub use super::connector::{Connecting, Connection, Connector};
pub use super::executor::{BackgroundTask, Spawner};
