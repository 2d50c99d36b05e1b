//! Where a view's events come from: one recursive watch, or one-shot watches on old servers.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use zk_client::{Client, Error, EventType, OneshotWatch, WatchMode, WatchStream, WatchedEvent};

use crate::asking::list_watched;

/// The events of a service's directory and its nodes.
pub(super) enum Source {
    /// One watch for everything; the client sets it again after a reconnect and says `Resync`.
    Recursive(WatchStream),
    /// Servers before 3.6: one watch on the list and one on each node, renewed by each read.
    Oneshot {
        /// At most one per node and two for the directory, since each read renews one that fired.
        watches: FuturesUnordered<OneshotWatch>,
    },
}

/// What a view needs to know of an event.
#[derive(Debug)]
pub(super) enum Event {
    /// This node changed in some way.
    Changed { path: String },
    /// Anything may have changed.
    Resync,
}

impl Event {
    fn of(event: WatchedEvent) -> Self {
        match event.kind {
            EventType::Resync => Self::Resync,
            _ => Self::Changed { path: event.path },
        }
    }
}

impl Source {
    /// Opens the source; from then on no change is missed by who reads afterwards.
    pub(super) async fn open(client: &Client, directory: &str) -> Result<Self, Error> {
        match client.watch(directory, WatchMode::PersistentRecursive).await {
            Ok(stream) => Ok(Self::Recursive(stream)),
            Err(Error::Unimplemented { .. }) => {
                Ok(Self::Oneshot { watches: FuturesUnordered::new() })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_recursive(&self) -> bool {
        matches!(self, Self::Recursive(_))
    }

    /// The next event; `None` when the client is closed.
    pub(super) async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Recursive(stream) => stream.next().await.map(Event::of),
            Self::Oneshot { watches } => match watches.next().await {
                Some(Ok(event)) => Some(Event::of(event)),
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

    /// Watches a node that was read.
    pub(super) fn add(&mut self, watch: OneshotWatch) {
        if let Self::Oneshot { watches } = self {
            watches.push(watch);
        }
    }

    /// The names of the nodes; none when there is no such directory.
    pub(super) async fn list(
        &mut self,
        client: &Client,
        directory: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let names = match self {
            Self::Recursive(_) => match client.children(directory).await {
                Err(Error::NoNode { .. }) => Vec::new(),
                listed => listed?.0,
            },
            Self::Oneshot { watches } => {
                let (names, watch) = list_watched(client, directory).await?;
                watches.push(watch);
                names
            }
        };
        Ok(names.into_iter().collect())
    }
}
