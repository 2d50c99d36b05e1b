//! Where a cache's events come from: one lasting watch, or one-shot watches on old servers.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use zk_client::{Client, Error, EventType, OneshotWatch, WatchMode, WatchStream, WatchedEvent};

/// The events of the cached nodes.
pub(super) enum Source {
    /// One watch for everything; the client sets it again after a reconnect and says `Resync`.
    Lasting(WatchStream),
    /// Servers before 3.6: each read of a node and each list leaves a watch.
    Oneshot {
        /// About two for each node, since each read renews one that fired.
        watches: FuturesUnordered<OneshotWatch>,
    },
}

/// What a cache needs to know of an event.
#[derive(Debug)]
pub(super) enum Event {
    /// What has to be read again.
    Changed { path: String, data: bool, children: bool },
    /// Anything may have changed.
    Resync,
}

impl Source {
    /// Opens the source; from then on no change is missed by who reads afterwards.
    pub(super) async fn open(client: &Client, path: &str, depth: usize) -> Result<Self, Error> {
        let mode = if depth == 0 { WatchMode::Persistent } else { WatchMode::PersistentRecursive };
        match client.watch(path, mode).await {
            Ok(stream) => Ok(Self::Lasting(stream)),
            Err(Error::Unimplemented { .. }) => {
                Ok(Self::Oneshot { watches: FuturesUnordered::new() })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_oneshot(&self) -> bool {
        matches!(self, Self::Oneshot { .. })
    }

    /// The next event; `None` when there will be none any more.
    pub(super) async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Lasting(stream) => {
                stream.next().await.map(|event| match event.kind {
                    EventType::Resync => Event::Resync,
                    // Of children their own events tell.
                    _ => Event::Changed { path: event.path, data: true, children: false },
                })
            }
            Self::Oneshot { watches } => match watches.next().await {
                Some(Ok(event)) => Some(of_oneshot(event)),
                Some(Err(Error::Closed | Error::AuthFailed { .. })) => None,
                // The session is over and took all watches along: read everything again, once.
                Some(Err(_)) => {
                    watches.clear();
                    Some(Event::Resync)
                }
                None => std::future::pending().await,
            },
        }
    }

    /// Keeps a watch that a read left.
    pub(super) fn add(&mut self, watch: OneshotWatch) {
        if let Self::Oneshot { watches } = self {
            watches.push(watch);
        }
    }
}

fn of_oneshot(event: WatchedEvent) -> Event {
    let children = matches!(event.kind, EventType::NodeChildrenChanged | EventType::NodeCreated);
    // What was deleted may be there again, and has neither watch any more.
    let deleted = event.kind == EventType::NodeDeleted;
    let data = event.kind != EventType::NodeChildrenChanged;
    Event::Changed { path: event.path, data, children: children || deleted }
}
