//! Following who leads without taking part.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, Error as ClientError, OneshotWatch, SessionState};

use super::Participant;
use crate::asking::ask;
use crate::error::Result;
use crate::parents::child;
use crate::runtime::{self, Pauses};
use crate::sequence::{Mark, first};

/// A view of who leads an election, kept up. Takes no part in it. Dropping it ends it.
///
/// It watches the leader's node alone, so participants that come and go behind the leader wake
/// nobody here. Cost: a list and a read for each change of leader.
#[derive(Debug)]
pub struct LeaderObserver {
    view: watch::Receiver<View>,
    stop: CancellationToken,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct View {
    leader: Option<Participant>,
    disconnected: bool,
    /// Whether the server did not let it look the last time.
    refused: bool,
}

/// The leaders of an election, the current one first; `None` while nobody takes part. A slow
/// consumer misses leaders, never the latest. Ends when the observer does.
#[must_use = "streams do nothing unless polled"]
pub struct LeaderChanges(BoxStream<'static, Option<Participant>>);

impl LeaderObserver {
    pub(super) async fn start(client: &Client, path: &str, mark: Mark) -> Result<Self> {
        let line = Line { client: client.clone(), path: path.to_owned(), mark };
        let (leader, watch) = line.first().await?;
        let disconnected = !client.is_connected();
        let (sender, view) = watch::channel(View { leader, disconnected, refused: false });
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        runtime::spawn_resident(client, async move {
            let client = line.client.clone();
            tokio::select! {
                biased;
                () = stopped.cancelled() => {}
                () = runtime::follow_states(&client, |state| connected(&sender, state)) => {}
                () = follow(line, watch, &sender) => {}
            }
        });
        Ok(Self { view, stop })
    }

    /// Who leads; `None` when nobody takes part. Costs nothing.
    #[must_use]
    pub fn leader(&self) -> Option<Participant> {
        self.view.borrow().leader.clone()
    }

    /// Whether the connection is gone, the nodes may not be read any more or the client is closed:
    /// the leader is the one last seen.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let View { disconnected, refused, .. } = *self.view.borrow();
        disconnected || refused || self.view.has_changed().is_err()
    }

    /// The leaders as they change, the current one first.
    pub fn changes(&self) -> LeaderChanges {
        let mut view = self.view.clone();
        view.mark_changed();
        let leaders = stream::unfold((view, None), |(mut view, mut told)| async move {
            loop {
                view.changed().await.ok()?;
                let leader = view.borrow_and_update().leader.clone();
                // The view also changes with the connection.
                if told.as_ref() != Some(&leader) {
                    told = Some(leader.clone());
                    return Some((leader, (view, told)));
                }
            }
        });
        LeaderChanges(Box::pin(leaders))
    }

    /// Waits until the leader is one that `wanted` accepts; `None` when the observer ends before.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(Option<&Participant>) -> bool,
    ) -> Option<Option<Participant>> {
        let mut view = self.view.clone();
        let found = view.wait_for(|view| wanted(view.leader.as_ref())).await.ok()?;
        Some(found.leader.clone())
    }
}

impl Drop for LeaderObserver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The line that is observed.
struct Line {
    client: Client,
    path: String,
    mark: Mark,
}

impl Line {
    /// The first in line, and a watch that fires before that changes.
    async fn first(&self) -> Result<(Option<Participant>, OneshotWatch)> {
        let client = &self.client;
        loop {
            let Some(path) = self.leader().await? else {
                if let Some(watch) = self.empty().await? {
                    return Ok((None, watch));
                }
                continue;
            };
            match ask(client, || client.get(&path).watch().send()).await {
                Ok((data, _, watch)) => {
                    let id = String::from_utf8_lossy(&data).into_owned();
                    return Ok((Some(Participant { id, path, is_leader: true }), watch));
                }
                // Gone since the list was read.
                Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The path of the first in line.
    async fn leader(&self) -> Result<Option<String>> {
        let client = &self.client;
        match ask(client, || client.children(&self.path).packed().send()).await {
            Ok((children, _)) => {
                let first = first(self.mark, &children);
                Ok(first.map(|first| child(&self.path, first.name)))
            }
            Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A watch for the first to come; `None` when somebody has come meanwhile.
    async fn empty(&self) -> Result<Option<OneshotWatch>> {
        let client = &self.client;
        match ask(client, || client.children(&self.path).watch().send()).await {
            Ok((children, _, watch)) => {
                let first = first(self.mark, children.iter().map(String::as_str));
                Ok(first.is_none().then_some(watch))
            }
            Err(ClientError::NoNode { .. }) => {
                let (found, watch) =
                    ask(client, || client.exists(&self.path).watch().send()).await?;
                Ok(found.is_none().then_some(watch))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn connected(view: &watch::Sender<View>, state: SessionState) {
    let disconnected = !state.is_connected();
    view.send_if_modified(|view| {
        std::mem::replace(&mut view.disconnected, disconnected) != disconnected
    });
}

/// Keeps the view up until the client is closed.
async fn follow(line: Line, mut watch: OneshotWatch, view: &watch::Sender<View>) {
    loop {
        // Whatever happened, the next look tells; also that the session ended.
        drop((&mut watch).await);
        let mut pauses = Pauses::new();
        watch = loop {
            match line.first().await {
                Ok((leader, watch)) => {
                    view.send_if_modified(|view| {
                        let is_new = view.leader != leader || view.refused;
                        (view.leader, view.refused) = (leader, false);
                        is_new
                    });
                    break watch;
                }
                Err(error) if line.client.is_closed() => {
                    return tracing::debug!(path = %line.path, %error, "observes no more");
                }
                Err(error) => {
                    warn!(path = %line.path, %error, "cannot see who leads for now");
                    view.send_modify(|view| view.refused = true);
                    pauses.pause().await;
                }
            }
        };
    }
}

impl Stream for LeaderChanges {
    type Item = Option<Participant>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Option<Participant>>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for LeaderChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaderChanges")
    }
}
