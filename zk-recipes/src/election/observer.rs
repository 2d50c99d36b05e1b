//! Following who leads without taking part.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, Error as ClientError, OneshotWatch};

use super::Participant;
use crate::asking::ask;
use crate::error::Result;
use crate::parents::child;
use crate::runtime::{self, Pauses};
use crate::sequence::{Contender, Mark, line};

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
    stale: bool,
}

/// The leaders of an election, the current one first; `None` while nobody takes part. A slow
/// consumer misses leaders, never the latest. Ends when the observer does.
#[must_use = "streams do nothing unless polled"]
pub struct LeaderChanges(BoxStream<'static, Option<Participant>>);

impl LeaderObserver {
    pub(super) async fn start(client: &Client, path: &str, mark: Mark) -> Result<Self> {
        let line = Line { client: client.clone(), path: path.to_owned(), mark };
        let (leader, watch) = line.first().await?;
        let (sender, view) = watch::channel(View { leader, stale: !client.is_connected() });
        let stop = CancellationToken::new();
        runtime::spawn_resident(client, follow(line, watch, sender, stop.clone()));
        Ok(Self { view, stop })
    }

    /// Who leads; `None` when nobody takes part. Costs nothing.
    #[must_use]
    pub fn leader(&self) -> Option<Participant> {
        self.view.borrow().leader.clone()
    }

    /// Whether the connection is gone or the client is closed: the leader is the one last seen.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.view.borrow().stale || self.view.has_changed().is_err()
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
            let Some(first) = self.contender().await? else {
                if let Some(watch) = self.empty().await? {
                    return Ok((None, watch));
                }
                continue;
            };
            let path = child(&self.path, &first.name);
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

    async fn contender(&self) -> Result<Option<Contender>> {
        let client = &self.client;
        match ask(client, || client.children(&self.path).send()).await {
            Ok((children, _)) => Ok(line(self.mark, children).into_iter().next()),
            Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A watch for the first to come; `None` when somebody has come meanwhile.
    async fn empty(&self) -> Result<Option<OneshotWatch>> {
        let client = &self.client;
        match ask(client, || client.children(&self.path).watch().send()).await {
            Ok((children, _, watch)) => Ok(line(self.mark, children).is_empty().then_some(watch)),
            Err(ClientError::NoNode { .. }) => {
                let (found, watch) =
                    ask(client, || client.exists(&self.path).watch().send()).await?;
                Ok(found.is_none().then_some(watch))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Keeps the view up until the observer is dropped or the client closed.
async fn follow(
    line: Line,
    mut watch: OneshotWatch,
    view: watch::Sender<View>,
    stop: CancellationToken,
) {
    let mut states = line.client.states();
    let mut pauses = Pauses::new();
    let following = async {
        loop {
            tokio::select! {
                biased;
                // Whatever happened, the next look tells; also that the session ended.
                _ = &mut watch => {}
                state = states.next() => match state {
                    Some(state) => {
                        view.send_if_modified(|view| {
                            std::mem::replace(&mut view.stale, !state.is_connected()) == state.is_connected()
                        });
                        continue;
                    }
                    None => return,
                },
            }
            watch = loop {
                match line.first().await {
                    Ok((leader, watch)) => {
                        view.send_if_modified(|view| {
                            let is_new = view.leader != leader;
                            view.leader = leader;
                            is_new
                        });
                        pauses = Pauses::new();
                        break watch;
                    }
                    Err(error) if line.client.is_closed() => {
                        return tracing::debug!(path = %line.path, %error, "observes no more");
                    }
                    Err(error) => {
                        warn!(path = %line.path, %error, "cannot see who leads for now");
                        view.send_modify(|view| view.stale = true);
                        pauses.pause().await;
                    }
                }
            };
        }
    };
    tokio::select! {
        biased;
        () = following => {}
        () = stop.cancelled() => {}
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
