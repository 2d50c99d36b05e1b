//! How many leases there are.

use futures_util::StreamExt;
use zk_client::{Client, Error as ClientError};

use crate::counter::{Counter, CounterChanges};
use crate::error::Result;

/// Where the number of leases comes from.
#[derive(Clone, Debug)]
pub(super) enum Limit {
    /// All agree on it beforehand.
    Fixed(usize),
    /// It is in a node, and may change.
    Live(Counter),
}

impl Limit {
    pub(super) fn live(client: &Client, path: &str) -> Self {
        Self::Live(Counter::shared_count(client, path))
    }

    /// The limit now.
    pub(super) async fn now(&self) -> Result<usize> {
        match self {
            Self::Fixed(limit) => Ok(*limit),
            Self::Live(counter) => Ok(leases(counter.get().await?)),
        }
    }

    /// The limit now, and again each time it changes.
    pub(super) fn follow(&self) -> Following {
        match self {
            Self::Fixed(limit) => Following::Fixed(Some(*limit)),
            Self::Live(counter) => Following::Live(counter.changes()),
        }
    }
}

/// The limit as it changes.
pub(super) enum Following {
    Fixed(Option<usize>),
    Live(CounterChanges),
}

impl Following {
    /// The limit, when it is another one than the last. May be dropped at any point.
    pub(super) async fn next(&mut self) -> Result<usize> {
        match self {
            Self::Fixed(limit) => match limit.take() {
                Some(limit) => Ok(limit),
                None => std::future::pending().await,
            },
            Self::Live(changes) => match changes.next().await {
                Some(count) => Ok(leases(count?)),
                None => Err(ClientError::Closed.into()),
            },
        }
    }
}

/// A count below 0 lets as many in as 0 does.
fn leases(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}
