//! A barrier that is down or not.

use zk_client::{Client, CreateMode, Error as ClientError};

use crate::asking::{ask, ask_in, delete_one, exists_synced, parent};
use crate::error::Result;
use crate::options::NodeOptions;

/// A barrier that one process sets and removes, and any number wait at. A cheap handle. See the
/// [module](super).
#[derive(Clone, Debug)]
pub struct Barrier {
    client: Client,
    path: String,
    options: NodeOptions,
}

impl Barrier {
    /// The barrier at `path`. Asks the server nothing.
    pub fn new(client: &Client, path: &str) -> Self {
        let (client, path) = (client.clone(), path.to_owned());
        Self { client, path, options: NodeOptions::new() }
    }

    /// The ACL of the node, and what to do about missing parents.
    #[must_use]
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Lets the barrier down, unless it is down already. It stays until somebody
    /// [removes](Self::remove) it, also when this process dies.
    ///
    /// Dropped half-way, the barrier may be down or not.
    pub async fn set(&self) -> Result<()> {
        let set = ask_in(&self.client, parent(&self.path), &self.options, || {
            self.options.create(&self.client, &self.path, b"", CreateMode::Persistent).send()
        });
        match set.await {
            Ok(_) | Err(ClientError::NodeExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets everybody through who waits. Nothing happens if the barrier is not down.
    ///
    /// One that somebody sets again stays, however often the request has to be repeated: each call
    /// removes one barrier at most.
    pub async fn remove(&self) -> Result<()> {
        let look = || async {
            let found = exists_synced(&self.client, &self.path).await?;
            Ok(found.map(|stat| stat.czxid))
        };
        Ok(delete_one(&self.client, &self.path, look).await?)
    }

    /// Whether the barrier is down.
    pub async fn is_set(&self) -> Result<bool> {
        Ok(ask(&self.client, || self.client.exists(&self.path).send()).await?.is_some())
    }

    /// Waits until the barrier is removed; not at all if it is not down.
    ///
    /// Without a limit: disconnects and expired sessions do not end the wait. Drop the future to
    /// give up.
    pub async fn wait(&self) -> Result<()> {
        let mut barrier = None;
        loop {
            // By a read, not by `exists`: that would leave a watch on a node that is gone.
            let watched = ask(&self.client, || self.client.get(&self.path).watch().send()).await;
            let (stat, watch) = match watched {
                Ok((_, stat, watch)) => (stat, watch),
                Err(ClientError::NoNode { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            // Another one: the one waited for is gone, and was set again.
            if *barrier.get_or_insert(stat.czxid) != stat.czxid {
                return Ok(());
            }
            // Whatever happened, the next read tells; also that the client was closed.
            let _ = watch.await;
        }
    }
}
