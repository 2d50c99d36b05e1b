//! Follows the node of a configuration.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, Error as ClientError, Observe, Stat};

use super::{ConfigBuilder, ConfigState};
use crate::error::Result;
use crate::runtime::{self, Pauses};

/// The task behind a configuration.
pub(super) struct Task<T> {
    client: Client,
    builder: ConfigBuilder<T>,
    nodes: Observe,
    state: watch::Sender<ConfigState<T>>,
}

impl<T: DeserializeOwned + Serialize + Send + Sync + 'static> Task<T> {
    /// Takes the first look.
    pub(super) async fn load(
        client: &Client,
        builder: ConfigBuilder<T>,
    ) -> Result<(Self, watch::Receiver<ConfigState<T>>)> {
        let mut nodes = client.observe(&builder.path);
        let first = nodes.next().await.unwrap_or(Err(ClientError::Closed))?;
        let (state, receiver) =
            watch::channel(ConfigState { value: None, version: None, problem: None });
        let task = Self { client: client.clone(), builder, nodes, state };
        task.take_in(first);
        Ok((task, receiver))
    }

    /// Follows the node until the handle is dropped or the client closed.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let client = self.client.clone();
        tokio::select! {
            biased;
            () = runtime::stopped(&stop, &client) => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut pauses = Pauses::new();
        loop {
            match self.nodes.next().await {
                Some(Ok(node)) => {
                    pauses = Pauses::new();
                    self.take_in(node);
                }
                Some(Err(error)) => self.problem(error.to_string()),
                // An error was the last of them: perhaps the node may be read again later.
                None => {
                    pauses.pause().await;
                    self.nodes = self.client.observe(&self.builder.path);
                }
            }
        }
    }

    fn take_in(&self, node: Option<(Bytes, Stat)>) {
        let Some((data, stat)) = node else {
            return self.problem("there is no node".to_owned());
        };
        match self.builder.read(&data) {
            Ok(value) => {
                let (value, version) = (Some(Arc::new(value)), Some(stat.version));
                self.state.send_replace(ConfigState { value, version, problem: None });
            }
            Err(reason) => self.problem(format!("version {} is refused: {reason}", stat.version)),
        }
    }

    fn problem(&self, problem: String) {
        warn!(path = %self.builder.path, problem, "goes on with the former configuration");
        self.state.send_modify(|state| state.problem = Some(problem));
    }
}
