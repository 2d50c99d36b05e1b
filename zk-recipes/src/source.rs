//! Where the events of what is kept up come from: one lasting watch, or one-shot watches on old
//! servers.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use zk_client::{Client, Error, EventType, OneshotWatch, WatchMode, WatchStream, WatchedEvent};

use crate::asking::ask;

/// The events of a node, or of a node and all below it.
pub(crate) enum Source {
    /// One watch for everything; the client sets it again after a reconnect and says `Resync`.
    Lasting(WatchStream),
    /// Servers before 3.6: reads and lists leave watches, which are [added](Source::add) here.
    Oneshot {
        /// At most one for each list and one for each node, since each read renews one that fired.
        watches: FuturesUnordered<OneshotWatch>,
    },
}

/// What somebody who reads whatever has changed needs to know.
#[derive(Debug)]
pub(crate) enum Event {
    /// This happened to a node.
    Of(WatchedEvent),
    /// Anything may have changed.
    Resync,
}

impl Source {
    /// Opens the source, however often it takes; from then on no change is missed by who reads
    /// afterwards.
    pub(crate) async fn open(client: &Client, path: &str, mode: WatchMode) -> Result<Self, Error> {
        match ask(client, || client.watch(path, mode).send()).await {
            Ok(stream) => Ok(Self::Lasting(stream)),
            Err(Error::Unimplemented { .. }) => {
                Ok(Self::Oneshot { watches: FuturesUnordered::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether each read has to leave a watch here.
    pub(crate) fn is_oneshot(&self) -> bool {
        matches!(self, Self::Oneshot { .. })
    }

    /// The next event; `None` when there will be none any more.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Lasting(stream) => stream.next().await.map(|event| match event.kind {
                EventType::Resync => Event::Resync,
                _ => Event::Of(event),
            }),
            Self::Oneshot { watches } => match watches.next().await {
                Some(Ok(event)) => Some(Event::Of(event)),
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
    pub(crate) fn add(&mut self, watch: OneshotWatch) {
        if let Self::Oneshot { watches } = self {
            watches.push(watch);
        }
    }
}
