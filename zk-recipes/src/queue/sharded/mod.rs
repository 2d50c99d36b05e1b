//! Several queues that are one: for more items than one list can hold, or more puts and takes than
//! one directory bears.

mod growing;
mod shards;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use tracing::debug;
use zk_client::Client;

use self::shards::{Shards, Site};
use super::core::Core;
use super::hands::{Hands, Try};
use super::{Claim, Claims, Items};
use crate::error::Result;
use crate::options::NodeOptions;
use crate::runtime;

/// From how many items on a shard is full, unless told otherwise. As in Curator.
const THRESHOLD_DEFAULT: usize = 10_000;

/// How many shards there are at most, unless told otherwise. As in Curator.
const MAX_SHARDS_DEFAULT: usize = 10;

/// Several [`Queue`](super::Queue)s in one directory, used as one whose items have no order. A new
/// one is added when all are full.
///
/// A cheap handle, whose clones are the same; the [module](super#shards) has the rest.
#[derive(Clone, Debug)]
pub struct ShardedQueue {
    shards: Arc<Shards>,
}

impl ShardedQueue {
    /// The queues in the directory `path`, as Curator's `QueueSharder` lays them out. Asks the server
    /// nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(Site {
            client: client.clone(),
            path: path.to_owned(),
            claims: format!("{path}-claims"),
            leader: format!("{path}-leader"),
            options: NodeOptions::new(),
            threshold: THRESHOLD_DEFAULT,
            max_shards: MAX_SHARDS_DEFAULT,
        })
    }

    fn of(site: Site) -> Self {
        Self { shards: Arc::new(Shards::new(site)) }
    }

    fn with(self, change: impl FnOnce(&mut Site)) -> Self {
        let mut site = self.shards.site().clone();
        change(&mut site);
        Self::of(site)
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(self, options: NodeOptions) -> Self {
        self.with(|site| site.options = options)
    }

    /// A shard with this many items or more is full (1 if 0 is given). Default: 10,000.
    ///
    /// It is still used when there is no other, so this is no limit on how many items there are.
    #[must_use]
    pub fn threshold(self, items: usize) -> Self {
        self.with(|site| site.threshold = items.max(1))
    }

    /// How many shards are added at most (1 if 0 is given). Default: 10.
    #[must_use]
    pub fn max_shards(self, shards: usize) -> Self {
        self.with(|site| site.max_shards = shards.max(1))
    }

    /// The path of the election whose leader adds shards: what Curator calls the leader path.
    /// Default: `<path>-leader`.
    #[must_use]
    pub fn leader_in(self, path: &str) -> Self {
        self.with(|site| path.clone_into(&mut site.leader))
    }

    /// The directory of the claims: those of a shard lie in its child of the shard's name. Default:
    /// `<path>-claims`.
    #[must_use]
    pub fn claims_in(self, directory: &str) -> Self {
        self.with(|site| directory.clone_into(&mut site.claims))
    }

    /// Puts an item into one of the shards that are not full. When this returns it is there, once.
    pub async fn put(&self, data: impl Into<Bytes>) -> Result<()> {
        self.put_all([data]).await
    }

    /// Puts items into one shard, in this order, all or none. All together have to fit into one
    /// frame (1 MiB by default).
    pub async fn put_all<T: Into<Bytes>>(&self, items: impl IntoIterator<Item = T>) -> Result<()> {
        let (name, shard) = self.shards.to_put().await?;
        let encode = |item: T| shard.settings.encode(&[item.into()]);
        let items: Vec<Bytes> = items.into_iter().map(encode).collect();
        let base = shard.naming().first_in_first_out();
        let more = items.len();
        // The count is a read ahead of the write, which costs no time of its own.
        let (count, put) = tokio::join!(shard.count(), shard.put(&base, items));
        put?;
        match count {
            Ok(count) => self.shards.note_count(&name, count.saturating_add(more)).await,
            // The items are there all the same. Who may put and not look adds no shards.
            Err(error) => debug!(shard = %name, %error, "cannot count the items of a shard"),
        }
        Ok(())
    }

    /// Waits for an item in any of the shards and takes it, as [`Queue::take`](super::Queue::take)
    /// does, with the same errors. Cancel-safe.
    pub async fn take(&self) -> Result<Bytes> {
        let try_one = |core: Core| -> Try<Bytes> { Box::pin(async move { core.try_take().await }) };
        let wait = |core: Core, hands: Hands| -> Try<Bytes> {
            Box::pin(async move { core.wait_to_take(&hands).await })
        };
        self.get(try_one, wait).await
    }

    /// As [`take`](Self::take), but `None` if there is no item now.
    pub async fn try_take(&self) -> Result<Option<Bytes>> {
        self.try_each(|core| Box::pin(async move { core.try_take().await })).await
    }

    /// Waits for an item in any of the shards and claims it, as
    /// [`Queue::claim`](super::Queue::claim) does. Cancel-safe.
    pub async fn claim(&self) -> Result<Claim> {
        let try_one =
            |core: Core| -> Try<Claim> { Box::pin(async move { core.try_claim().await }) };
        let wait = |core: Core, hands: Hands| -> Try<Claim> {
            Box::pin(async move { core.wait_to_claim(&hands).await })
        };
        self.get(try_one, wait).await
    }

    /// As [`claim`](Self::claim), but `None` if there is no item now that nobody has claimed.
    pub async fn try_claim(&self) -> Result<Option<Claim>> {
        self.try_each(|core| Box::pin(async move { core.try_claim().await })).await
    }

    /// The items, each [taken](Self::take) when the stream is asked for the next. Ends when the
    /// client is closed.
    pub fn items(&self) -> Items {
        Items::of_shards(self.clone())
    }

    /// The items, each [claimed](Self::claim) when the stream is asked for the next. Ends when the
    /// client is closed.
    pub fn claims(&self) -> Claims {
        Claims::of_shards(self.clone())
    }

    /// How many nodes are in all shards together, claimed ones included.
    pub async fn count(&self) -> Result<usize> {
        let shards = self.shards.known().await?;
        let counts = try_join_all(shards.iter().map(|(_, shard)| shard.count())).await?;
        Ok(counts.into_iter().sum())
    }

    /// The paths of the shards, as this handle knows them now.
    pub async fn shards(&self) -> Result<Vec<String>> {
        let shards = self.shards.known().await?;
        Ok(shards.into_iter().map(|(_, shard)| shard.settings.items).collect())
    }

    /// What `attempt` finds in the first shard where it finds something.
    async fn try_each<T>(&self, attempt: impl Fn(Core) -> Try<T>) -> Result<Option<T>> {
        let mut shards = self.shards.known().await?;
        // Each begins elsewhere, so that they do not all go after the items of one shard.
        let first = runtime::random_below(shards.len());
        shards.rotate_left(first);
        for (_, shard) in shards {
            if let Some(found) = attempt(shard).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What `attempt` finds, or `wait` comes to in any of the shards, also in those to come.
    async fn get<T: Send + 'static>(
        &self,
        attempt: impl Fn(Core) -> Try<T>,
        wait: impl Fn(Core, Hands) -> Try<T>,
    ) -> Result<T> {
        loop {
            if let Some(found) = self.try_each(&attempt).await? {
                return Ok(found);
            }
            let (shards, changed) = self.shards.watched().await?;
            let hands = Hands::default();
            let shards = shards.into_iter();
            let mut waits: Vec<Try<T>> =
                shards.map(|(_, shard)| wait(shard, hands.clone())).collect();
            waits.push(Box::pin(async move {
                // Whatever happened, the next look tells.
                let _ = changed.await;
                Ok(None)
            }));
            if let Some(got) = hands.first_got(waits).await? {
                return Ok(got);
            }
        }
    }
}
