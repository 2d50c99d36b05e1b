//! What all queues do: listing, standing in line, waiting.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing::warn;
use zk_client::{Client, Error as ClientError, OneshotWatch, Stat};

use super::frame;
use super::naming::{Item, Naming};
use crate::asking::{ask, list_watched};
use crate::contest::{Contest, Held};
use crate::error::Result;
use crate::ledger::Ledger;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime;
use crate::sequence::Mark;

/// How far back a consumer goes at most to get out of the others' way.
pub(super) const SPREAD_MAX: usize = 64;

/// Where a queue is, and how it is used.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) client: Client,
    pub(super) naming: Naming,
    /// The directory of the items.
    pub(super) items: String,
    /// The directory of the claims.
    pub(super) claims: String,
    /// The directory of what this library needs besides: ledgers, and the line of those who wait.
    pub(super) consumers: String,
    /// The line of those who wait for room.
    pub(super) producers: String,
    pub(super) options: NodeOptions,
    pub(super) max_items: Option<usize>,
}

/// A queue as seen by one handle and its clones.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) settings: Settings,
    pub(super) ledger: Arc<Ledger>,
    /// Items that were listed and not tried yet, where later ones cannot come before them.
    backlog: Arc<Mutex<Vec<Item>>>,
}

/// How long there is nothing to do.
pub(super) struct Wait {
    /// Fires when items come or go.
    pub(super) items: OneshotWatch,
    /// When the next item that is there becomes due.
    pub(super) due: Option<Duration>,
}

impl Settings {
    pub(super) fn new(client: &Client, path: &str, naming: Naming) -> Self {
        Self {
            client: client.clone(),
            naming,
            items: path.to_owned(),
            claims: format!("{path}-claims"),
            consumers: format!("{path}-consumers"),
            producers: format!("{path}-producers"),
            options: NodeOptions::new(),
            max_items: None,
        }
    }

    /// One of several queues in a directory, whose claims lie in a child of `claims`: what belongs to
    /// it lies outside of that.
    pub(super) fn shard(client: &Client, path: &str, claims: &str, name: &str) -> Self {
        let beside = |what| child(&format!("{path}-{what}"), name);
        Self {
            claims: child(claims, name),
            consumers: beside("consumers"),
            producers: beside("producers"),
            ..Self::new(client, &child(path, name), Naming::Curator)
        }
    }

    /// kazoo's `LockingQueue` keeps items and claims in directories of their own.
    pub(super) fn kazoo_locking(client: &Client, path: &str) -> Self {
        Self {
            items: child(path, "entries"),
            claims: child(path, "taken"),
            ..Self::new(client, path, Naming::Kazoo)
        }
    }

    /// The path of the item called `name`.
    pub(super) fn item(&self, name: &str) -> String {
        child(&self.items, name)
    }

    /// The path of the claim on the item called `name`.
    pub(super) fn claim(&self, name: &str) -> String {
        child(&self.claims, name)
    }

    /// The data of a node that holds `items`; only framed ones can hold other than one.
    pub(super) fn encode(&self, items: &[Bytes]) -> Bytes {
        match items {
            [item] if !self.naming.is_framed() => item.clone(),
            items => frame::encode(items),
        }
    }

    /// The items that a node holds.
    pub(super) fn decode(&self, data: Bytes) -> Result<Vec<Bytes>, &'static str> {
        if self.naming.is_framed() { frame::decode(data) } else { Ok(vec![data]) }
    }

    /// The options for the directories of items and claims. They are made to stay: in one that was
    /// swept away and made again the names of items begin anew, and a consumer who was about to take
    /// an item would take another one in its stead. The peers make theirs once, and rely on them.
    pub(super) fn shared(&self) -> NodeOptions {
        self.options.lasting()
    }

    /// The line in `directory`, of which only the first one watches the queue.
    fn line(&self, directory: &str) -> Contest {
        Contest {
            client: self.client.clone(),
            directory: directory.to_owned(),
            mark: Mark::LOCK,
            data: Bytes::new(),
            options: self.options.clone().into(),
        }
    }
}

impl Core {
    pub(super) fn new(settings: Settings) -> Self {
        let ledger =
            Arc::new(Ledger::new(&settings.client, &settings.consumers, &settings.options));
        Self { settings, ledger, backlog: Arc::default() }
    }

    pub(super) fn naming(&self) -> Naming {
        self.settings.naming
    }

    /// Waits until this is the one who watches the queue.
    pub(super) async fn turn(&self) -> Result<Held> {
        self.settings.line(&self.settings.consumers).win().await
    }

    /// Waits until there is room for more; keep the result until they are put.
    pub(super) async fn room(&self) -> Result<Option<Held>> {
        let Some(max_items) = self.settings.max_items else { return Ok(None) };
        if self.count().await? < max_items {
            return Ok(None);
        }
        loop {
            let turn = self.settings.line(&self.settings.producers).win().await?;
            let lost = turn.term().lost();
            tokio::pin!(lost);
            loop {
                let (names, watch) =
                    list_watched(&self.settings.client, &self.settings.items).await?;
                if names.len() < max_items {
                    return Ok(Some(turn));
                }
                tokio::select! {
                    biased;
                    _ = watch => {}
                    _ = &mut lost => break,
                }
            }
        }
    }

    /// How many nodes are in the queue.
    pub(super) async fn count(&self) -> Result<usize> {
        let Settings { client, items, .. } = &self.settings;
        let stat = ask(client, || client.exists(items).send()).await?;
        Ok(stat.map_or(0, |stat| usize::try_from(stat.num_children).unwrap_or(0)))
    }

    /// The items in the order in which they are taken; none if there is no queue.
    pub(super) async fn list(&self) -> Result<Vec<Item>> {
        Ok(self.settings.naming.items(children(&self.settings.client, &self.settings.items).await?))
    }

    /// What was listed before and not tried yet.
    pub(super) fn recall(&self) -> Vec<Item> {
        std::mem::take(&mut *self.lock_backlog())
    }

    /// Keeps what was listed and not tried for the next time, if nothing can come before it.
    pub(super) fn remember(&self, items: Vec<Item>) {
        if let Naming::Curator | Naming::Simple = self.settings.naming {
            *self.lock_backlog() = items;
        }
    }

    fn lock_backlog(&self) -> std::sync::MutexGuard<'_, Vec<Item>> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items and what to wait for when none of them will do.
    pub(super) async fn list_watched(&self) -> Result<(Vec<Item>, Wait)> {
        let Settings { client, naming, items, .. } = &self.settings;
        let (names, watch) = list_watched(client, items).await?;
        let items = naming.items(names);
        // Those that are due already and left alone are claimed, or no items.
        let due = items.iter().map(|item| self.due_in(item)).find(|due| !due.is_zero());
        Ok((items, Wait { items: watch, due }))
    }

    /// Those of `items` that are due, by this machine's clock.
    pub(super) fn due(&self, mut items: Vec<Item>) -> Vec<Item> {
        let due = items.iter().take_while(|item| self.due_in(item).is_zero()).count();
        items.truncate(due);
        items
    }

    fn due_in(&self, item: &Item) -> Duration {
        if self.settings.naming != Naming::CuratorDelay {
            return Duration::ZERO;
        }
        let wait_ms = item.rank.saturating_sub(runtime::wall_ms());
        Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))
    }

    /// What is in `item`; `None` if it is gone, or no item.
    pub(super) async fn read(&self, item: &Item) -> Result<Option<(Vec<Bytes>, Stat)>> {
        let path = self.settings.item(&item.name);
        let client = &self.settings.client;
        let (data, stat) = match ask(client, || client.get(&path).send()).await {
            Ok(read) => read,
            Err(ClientError::NoNode { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.settings.decode(data) {
            Ok(items) => Ok(Some((items, stat))),
            Err(reason) => {
                warn!(%path, reason, "passes over what is not an item of this queue");
                Ok(None)
            }
        }
    }

    /// The names of the claimed items.
    pub(super) async fn claimed(&self) -> Result<HashSet<String>> {
        let names = children(&self.settings.client, &self.settings.claims).await?;
        Ok(names.into_iter().collect())
    }

    /// The names of the claimed items, and a watch on them.
    pub(super) async fn claimed_watched(&self) -> Result<(HashSet<String>, OneshotWatch)> {
        let Settings { client, claims, .. } = &self.settings;
        let (names, watch) = list_watched(client, claims).await?;
        Ok((names.into_iter().collect(), watch))
    }
}

/// Resolves when `due` has passed; never if there is none.
pub(super) fn when_due(due: Option<Duration>) -> impl Future<Output = ()> + Send {
    // A wait of ages is cut short: waking for nothing once a day does no harm.
    let deadline: Option<Instant> =
        due.map(|due| runtime::now() + due.min(Duration::from_secs(24 * 60 * 60)));
    async move {
        match deadline {
            Some(deadline) => runtime::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}

/// The names under `directory`; none if it does not exist.
pub(super) async fn children(client: &Client, directory: &str) -> Result<Vec<String>> {
    match ask(client, || client.children(directory).send()).await {
        Ok((names, _)) => Ok(names),
        Err(ClientError::NoNode { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
