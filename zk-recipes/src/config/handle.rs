//! A configuration that is followed.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zk_client::{Client, CreateMode, Error as ClientError};

use super::ConfigBuilder;
use super::task::Task;
use crate::asking::{make, parent};
use crate::error::{Error, Result};
use crate::parents::Parents;
use crate::runtime;

/// A configuration that is followed until this is dropped. See the [module](super).
pub struct Config<T> {
    client: Client,
    builder: ConfigBuilder<T>,
    state: watch::Receiver<ConfigState<T>>,
    stop: CancellationToken,
}

/// A configuration at one moment.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConfigState<T> {
    /// The last value that was accepted; `None` if there was none yet.
    pub value: Option<Arc<T>>,
    /// The version of the node when it had this value.
    pub version: Option<i32>,
    /// Why the value is not that of the node as it is now: the data cannot be parsed or was
    /// refused, there is no node, or it may not be read. `None` if it is.
    pub problem: Option<String>,
}

/// The states of a configuration. Made by [`Config::changes`].
#[must_use = "streams do nothing unless polled"]
pub struct ConfigChanges<T>(BoxStream<'static, ConfigState<T>>);

impl<T> Clone for ConfigState<T> {
    fn clone(&self) -> Self {
        let Self { value, version, problem } = self;
        Self { value: value.clone(), version: *version, problem: problem.clone() }
    }
}

impl<T: DeserializeOwned + Serialize + Send + Sync + 'static> Config<T> {
    /// Reads the configuration at `path`, as JSON, and follows it. It need not exist.
    pub async fn watch(client: &Client, path: &str) -> Result<Self> {
        Self::builder(path).start(client).await
    }

    /// Options for the configuration at `path`.
    pub fn builder(path: impl Into<String>) -> ConfigBuilder<T> {
        ConfigBuilder::new(path.into())
    }

    pub(super) async fn run(client: &Client, builder: ConfigBuilder<T>) -> Result<Self> {
        let (task, state) = Task::load(client, builder.clone()).await?;
        let stop = CancellationToken::new();
        runtime::spawn_resident(client, task.run(stop.clone()));
        Ok(Self { client: client.clone(), builder, state, stop })
    }

    /// The last value that was accepted. Costs nothing: no copy, no request.
    #[must_use]
    pub fn value(&self) -> Option<Arc<T>> {
        self.state.borrow().value.clone()
    }

    /// The last value, its version, and what is wrong with the node, if anything.
    #[must_use]
    pub fn state(&self) -> ConfigState<T> {
        self.state.borrow().clone()
    }

    /// The state now, and again each time it changes. Ends with the client.
    pub fn changes(&self) -> ConfigChanges<T> {
        let states = stream::unfold((self.state.clone(), true), |(mut state, first)| async move {
            if !first {
                state.changed().await.ok()?;
            }
            let now = state.borrow_and_update().clone();
            Some((now, (state, false)))
        });
        ConfigChanges(Box::pin(states))
    }

    /// Waits until the state is one that `wanted` accepts; `None` when the client is closed before.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&ConfigState<T>) -> bool,
    ) -> Option<ConfigState<T>> {
        let mut state = self.state.clone();
        let found = state.wait_for(|state| wanted(state)).await.ok()?;
        Some(found.clone())
    }

    /// Writes `value` for everybody, over the version given, or over anything. The node is created
    /// if there is none and no version is given. The version it has then.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a value that would be refused, and
    /// [`BadVersion`](zk_client::Error::BadVersion) if the node has another version.
    pub async fn publish(&self, value: &T, version: Option<i32>) -> Result<i32> {
        let path = &self.builder.path;
        let data = self
            .builder
            .write(value)
            .map_err(|reason| Error::Malformed { path: path.clone(), reason })?;
        let options = &self.builder.options;
        loop {
            if let Some(version) = version {
                let set = self.client.set(path, &data).version(version).idempotent();
                return Ok(set.await?.version);
            }
            let create = options.create(&self.client, path, &data, CreateMode::Persistent);
            match create.or_set().idempotent().await {
                Ok(created) => return Ok(created.stat.version),
                Err(ClientError::NoNode { .. }) if options.parents != Parents::MustExist => {
                    make(&self.client, parent(path), options).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<T> Drop for Config<T> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl<T> fmt::Debug for Config<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("builder", &self.builder).finish_non_exhaustive()
    }
}

impl<T> Stream for ConfigChanges<T> {
    type Item = ConfigState<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for ConfigChanges<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigChanges")
    }
}
