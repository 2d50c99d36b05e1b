//! The handles of queues.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use zk_client::Client;

use super::core::{Core, Settings};
use super::naming::{self, KAZOO_PRIORITY_MAX, Naming};
use super::{Claim, Claims, Items};
use crate::error::{Error, Result};
use crate::options::NodeOptions;

/// What the handles of all queues have in common.
macro_rules! queue {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A cheap handle, whose clones are the same; the [module](super) has the rest.
        #[derive(Clone, Debug)]
        pub struct $name {
            core: Core,
        }

        impl $name {
            fn of(settings: Settings) -> Self {
                Self { core: Core::new(settings) }
            }

            fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
                let mut settings = self.core.settings.clone();
                change(&mut settings);
                Self::of(settings)
            }

            fn encoded<T: Into<Bytes>>(&self, items: impl IntoIterator<Item = T>) -> Vec<Bytes> {
                let encode = |item: T| self.core.settings.encode(&[item.into()]);
                items.into_iter().map(encode).collect()
            }

            /// The ACL of the nodes, and what to do about missing parents.
            #[must_use]
            pub fn options(self, options: NodeOptions) -> Self {
                self.with(|settings| settings.options = options)
            }

            /// Lets puts wait while there are this many nodes in the queue, or more. Default: no
            /// limit.
            ///
            /// A list of tens of thousands of nodes does not fit into the default frame any more,
            /// so a queue that may grow needs a limit. It may be exceeded by as much as is put at
            /// the same time.
            #[must_use]
            pub fn max_items(self, max_items: usize) -> Self {
                self.with(|settings| settings.max_items = Some(max_items))
            }

            /// The directory of the claims: what Curator calls the lock path of a queue. Default:
            /// `<path>-claims`; where kazoo has its own, that.
            #[must_use]
            pub fn claims_in(self, directory: &str) -> Self {
                self.with(|settings| directory.clone_into(&mut settings.claims))
            }

            /// Waits for an item and takes it: from then on nobody else gets it, whatever becomes
            /// of this process.
            ///
            /// Cancel-safe: an item that was taken while the future was dropped is put back to its
            /// place in the background. (If the session ends in that moment, too, nobody is there to
            /// hear that it may be lost, and only the log tells.) Without a limit: disconnects and expired sessions do not
            /// end the wait.
            ///
            /// # Errors
            ///
            /// One whose [outcome is unknown](Error::is_outcome_unknown) if the session ended in
            /// the moment of taking: the item is still there, or lost. [Claims](Self::claim) have
            /// no such moment.
            pub async fn take(&self) -> Result<Bytes> {
                self.core.take().await
            }

            /// As [`take`](Self::take), but `None` if there is no item now.
            pub async fn try_take(&self) -> Result<Option<Bytes>> {
                self.core.try_take().await
            }

            /// Waits for an item and claims it: it is out of the others' reach for as long as the
            /// claim is held, and removed when the claim is [completed](Claim::complete). If this
            /// process dies first, the next one gets it: each item is worked on at least once.
            ///
            /// Cancel-safe: a claim that was made while the future was dropped is removed in the
            /// background.
            pub async fn claim(&self) -> Result<Claim> {
                self.core.claim().await
            }

            /// As [`claim`](Self::claim), but `None` if there is no item now that nobody has
            /// claimed.
            pub async fn try_claim(&self) -> Result<Option<Claim>> {
                self.core.try_claim().await
            }

            /// The items, each [taken](Self::take) when the stream is asked for the next. Ends when
            /// the client is closed.
            pub fn items(&self) -> Items {
                Items::new(self.core.clone())
            }

            /// The items, each [claimed](Self::claim) when the stream is asked for the next. Ends
            /// when the client is closed.
            pub fn claims(&self) -> Claims {
                Claims::new(self.core.clone())
            }

            /// How many nodes are in the queue, claimed ones included.
            pub async fn count(&self) -> Result<usize> {
                self.core.count().await
            }
        }
    };
}

queue! {
    /// A queue whose items are taken in the order in which they were put.
    Queue
}

queue! {
    /// A queue whose items are taken by priority, the lowest number first, and first in, first out
    /// among those of one priority.
    PriorityQueue
}

queue! {
    /// A queue whose items can be taken from a certain time on, the one that is due first.
    ///
    /// The time is that of the machine that takes, so clocks have to agree as closely as it
    /// matters.
    DelayQueue
}

impl Queue {
    /// The queue at `path`, as Curator's `DistributedQueue` and `DistributedIdQueue` lay it out.
    /// Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::Curator))
    }

    /// As Curator's `SimpleDistributedQueue`, and the queue that comes with ZooKeeper.
    #[must_use]
    pub fn simple(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::Simple))
    }

    /// As kazoo's `Queue`; items are put with its default priority.
    #[must_use]
    pub fn kazoo(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::Kazoo))
    }

    /// As kazoo's `LockingQueue`; items are put with its default priority.
    #[must_use]
    pub fn kazoo_locking(client: &Client, path: &str) -> Self {
        Self::of(Settings::kazoo_locking(client, path))
    }

    /// Puts an item at the end. When this returns it is there, once.
    pub async fn put(&self, data: impl Into<Bytes>) -> Result<()> {
        self.put_all([data]).await
    }

    /// Puts items at the end, in this order, all or none. All together have to fit into one frame
    /// (1 MiB by default).
    pub async fn put_all<T: Into<Bytes>>(&self, items: impl IntoIterator<Item = T>) -> Result<()> {
        self.core.put(&self.core.naming().first_in_first_out(), self.encoded(items)).await
    }

    /// Puts items into one node, as Curator's `putMulti` does: one claim gets all of them. In
    /// layouts that have no room for that each gets its own node.
    pub async fn put_together<T: Into<Bytes>>(
        &self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        if !self.core.naming().is_framed() {
            return self.put_all(items).await;
        }
        let items: Vec<Bytes> = items.into_iter().map(Into::into).collect();
        if items.is_empty() {
            return Ok(());
        }
        self.core
            .put(&self.core.naming().first_in_first_out(), [self.core.settings.encode(&items)])
            .await
    }

    /// Puts an item with an id by which it can be [removed](Self::remove). Ids need not be unique;
    /// `/` and `|` in them become `_`. In layouts without ids the id is dropped.
    pub async fn put_with_id(&self, id: &str, data: impl Into<Bytes>) -> Result<()> {
        if !self.core.naming().has_ids() {
            return self.put(data).await;
        }
        self.core.put(&naming::with_id(id), self.encoded([data])).await
    }

    /// Removes the items of this id that nobody has taken yet; how many there were.
    pub async fn remove(&self, id: &str) -> Result<usize> {
        if self.core.naming().has_ids() { self.core.remove_id(id).await } else { Ok(0) }
    }
}

impl PriorityQueue {
    /// The queue at `path`, as Curator's `DistributedPriorityQueue` lays it out. Asks the server
    /// nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::CuratorPriority))
    }

    /// As kazoo's `Queue`, with priorities from 0 to 999.
    #[must_use]
    pub fn kazoo(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::Kazoo))
    }

    /// As kazoo's `LockingQueue`, with priorities from 0 to 999.
    #[must_use]
    pub fn kazoo_locking(client: &Client, path: &str) -> Self {
        Self::of(Settings::kazoo_locking(client, path))
    }

    /// Puts an item; lower priorities are taken first. When this returns it is there, once.
    pub async fn put(&self, data: impl Into<Bytes>, priority: i32) -> Result<()> {
        self.put_all([data], priority).await
    }

    /// Puts items of one priority, in this order, all or none.
    pub async fn put_all<T: Into<Bytes>>(
        &self,
        items: impl IntoIterator<Item = T>,
        priority: i32,
    ) -> Result<()> {
        let base = match self.core.naming() {
            Naming::Kazoo => match u16::try_from(priority) {
                Ok(priority @ ..=KAZOO_PRIORITY_MAX) => naming::kazoo(priority),
                _ => return Err(Error::InvalidPriority { priority, max: KAZOO_PRIORITY_MAX }),
            },
            _ => naming::by_priority(priority),
        };
        self.core.put(&base, self.encoded(items)).await
    }
}

impl DelayQueue {
    /// The queue at `path`, as Curator's `DistributedDelayQueue` lays it out. Asks the server
    /// nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(Settings::new(client, path, Naming::CuratorDelay))
    }

    /// Puts an item that can be taken from `due` on, to the millisecond. When this returns it is
    /// there, once.
    pub async fn put(&self, data: impl Into<Bytes>, due: SystemTime) -> Result<()> {
        self.put_all([data], due).await
    }

    /// Puts items that are due at the same time, in this order, all or none.
    pub async fn put_all<T: Into<Bytes>>(
        &self,
        items: impl IntoIterator<Item = T>,
        due: SystemTime,
    ) -> Result<()> {
        let since: Duration = due.duration_since(UNIX_EPOCH).unwrap_or_default();
        let due_ms =
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(i64::MAX.cast_unsigned());
        self.core.put(&naming::delayed(due_ms), self.encoded(items)).await
    }
}
