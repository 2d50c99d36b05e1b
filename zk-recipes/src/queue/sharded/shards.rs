//! The shards that a handle knows of, and which of them are full.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use zk_client::{Client, OneshotWatch};

use super::super::core::{Core, Settings};
use super::growing;
use crate::asking::{list_watched, make};
use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{self, fresh_guid};

/// Where the shards are, and how they are used.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) client: Client,
    pub(super) path: String,
    /// The directory in which each shard has one for its claims.
    pub(super) claims: String,
    /// The election of who adds shards.
    pub(super) leader: String,
    pub(super) options: NodeOptions,
    pub(super) threshold: usize,
    pub(super) max_shards: usize,
}

/// A shard with its name.
pub(super) type Shard = (String, Core);

/// The shards as one handle and its clones know them.
#[derive(Debug)]
pub(super) struct Shards {
    site: Arc<Site>,
    known: Mutex<Known>,
    /// A task of this handle stands in line to add a shard.
    is_growing: Arc<AtomicBool>,
    /// Cancelled when nobody has the handle any more.
    gone: CancellationToken,
    _guard: DropGuard,
}

#[derive(Debug, Default)]
struct Known {
    shards: BTreeMap<String, Core>,
    /// Those of them that had too many items when they were counted last.
    full: BTreeSet<String>,
    /// Fires when shards come or go.
    watch: Option<OneshotWatch>,
}

impl Site {
    /// Makes a shard. Its name is random: it is nobody else's.
    pub(super) async fn add(&self) -> Result<()> {
        let shard = child(&self.path, &format!("queue-{}", fresh_guid()));
        Ok(make(&self.client, &shard, &self.options.lasting()).await?)
    }

    /// Nothing of ours may lie in the directory of the shards: for Curator all is shards there.
    pub(super) fn settings(&self, name: &str) -> Settings {
        let mut settings = Settings::shard(&self.client, &self.path, &self.claims, name);
        settings.options = self.options.clone();
        settings
    }
}

impl Known {
    /// What is known is what `names` says.
    fn update(&mut self, site: &Site, names: Vec<String>) {
        let names: BTreeSet<String> = names.into_iter().collect();
        self.shards.retain(|name, _| names.contains(name));
        self.full.retain(|name| names.contains(name));
        for name in names {
            let shard = self.shards.entry(name);
            shard.or_insert_with_key(|name| Core::new(site.settings(name)));
        }
    }

    fn list(&self) -> Vec<Shard> {
        self.shards.iter().map(|(name, shard)| (name.clone(), shard.clone())).collect()
    }
}

impl Shards {
    pub(super) fn new(site: Site) -> Self {
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        let (known, is_growing) = (Mutex::default(), Arc::default());
        Self { site: Arc::new(site), known, is_growing, gone, _guard: guard }
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// The shards there are. Asks the server only when some came or went.
    pub(super) async fn known(&self) -> Result<Vec<Shard>> {
        let mut known = self.known.lock().await;
        self.refresh(&mut known).await?;
        Ok(known.list())
    }

    async fn refresh(&self, known: &mut Known) -> Result<()> {
        let fired = known.watch.as_mut().is_none_or(|watch| watch.now_or_never().is_some());
        if fired {
            known.watch = None;
            let (names, watch) = list_watched(&self.site.client, &self.site.path).await?;
            known.update(&self.site, names);
            known.watch = Some(watch);
        }
        Ok(())
    }

    /// The shards as the server has them, and a watch for those that come and go.
    pub(super) async fn watched(&self) -> Result<(Vec<Shard>, OneshotWatch)> {
        // Locked before asking: no older list is taken in after a newer one.
        let mut known = self.known.lock().await;
        let (names, watch) = list_watched(&self.site.client, &self.site.path).await?;
        known.update(&self.site, names);
        Ok((known.list(), watch))
    }

    /// One to put something into: any that is not full, or any if all are. The first one is made by
    /// whoever needs it, as Curator does; should several do so, there are several.
    pub(super) async fn to_put(&self) -> Result<Shard> {
        loop {
            let mut known = self.known.lock().await;
            self.refresh(&mut known).await?;
            let mut shards = known.list();
            if known.full.len() < shards.len() {
                shards.retain(|(name, _)| !known.full.contains(name));
            }
            drop(known);
            if !shards.is_empty() {
                return Ok(shards.swap_remove(runtime::random_below(shards.len())));
            }
            self.site.add().await?;
        }
    }

    /// A shard has been counted. If none is left that is not full, one is added in the background.
    pub(super) async fn note_count(&self, name: &str, count: usize) {
        let mut known = self.known.lock().await;
        if count < self.site.threshold {
            known.full.remove(name);
            return;
        }
        // It may have gone meanwhile, and the marks are compared with the shards by their number.
        if !known.shards.contains_key(name) {
            return;
        }
        known.full.insert(name.to_owned());
        // A mark is taken off when somebody puts something there, so it may be out of date; who adds
        // a shard counts anew.
        let are_all = known.full.len() >= known.shards.len();
        let is_wanted = are_all && known.shards.len() < self.site.max_shards;
        drop(known);
        if is_wanted && !self.is_growing.swap(true, Ordering::AcqRel) {
            self.grow();
        }
    }

    fn grow(&self) {
        let (site, gone) = (self.site.clone(), self.gone.clone());
        let is_growing = self.is_growing.clone();
        runtime::spawn_resident(&self.site.client, async move {
            tokio::select! {
                biased;
                () = runtime::stopped(&gone, &site.client) => {}
                () = growing::grow(&site) => {}
            }
            is_growing.store(false, Ordering::Release);
        });
    }
}
