//! Keeps a view equal to what the server has.
//!
//! Events only say *that* something changed; what it is now is always read. So a missed event, a
//! reconnect or a full buffer costs a reload and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, Error as ClientError, SessionStates, WatchMode, WatchedEvent, Zxid};

use super::loader::{self, Node};
use super::view::Snapshot;
use super::{ServiceChange, ServiceInstance};
use crate::asking::list_watched;
use crate::cleaner::is_passing;
use crate::error::{Error, Result};
use crate::runtime::{self, Pauses};
use crate::source::{Event, Source};

/// Full reloads start within this time, at random, so that all the views of a fleet do not read
/// everything at the moment a server comes back.
const RELOAD_SPREAD: std::time::Duration = std::time::Duration::from_millis(250);

/// How many events are taken together before their nodes are read.
const EVENT_BATCH: usize = 1000;

/// The task behind a view.
pub(super) struct ViewTask {
    client: Client,
    directory: String,
    source: Source,
    states: SessionStates,
    entries: BTreeMap<String, Entry>,
    snapshot: watch::Sender<Snapshot>,
    changes: broadcast::Sender<ServiceChange>,
    /// Changes that are in `entries` and not published yet; at most a few per node.
    untold: Vec<ServiceChange>,
}

/// What is known of one node.
struct Entry {
    created: Zxid,
    modified: Zxid,
    /// What was last read and could be parsed.
    instance: Option<Arc<ServiceInstance>>,
}

/// What some events ask to be read again.
#[derive(Default)]
struct Dirty {
    everything: bool,
    /// The list of nodes, but only new ones' data.
    list: bool,
    nodes: BTreeSet<String>,
}

impl ViewTask {
    /// Sets the watch, then reads, so that nothing falls between.
    pub(super) async fn load(
        client: &Client,
        directory: String,
        snapshot: watch::Sender<Snapshot>,
        changes: broadcast::Sender<ServiceChange>,
    ) -> Result<Self> {
        let mut task = Self {
            client: client.clone(),
            source: open(client, &directory).await?,
            directory,
            states: client.states(),
            entries: BTreeMap::new(),
            snapshot,
            changes,
            untold: Vec::new(),
        };
        task.settle(Dirty { everything: true, ..Dirty::default() }).await?;
        task.publish();
        Ok(task)
    }

    /// Follows the events until the view is dropped or the client closed.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let (client, snapshot) = (self.client.clone(), self.snapshot.clone());
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = runtime::follow_states(&client, |now| if !now.takes_writes() {
                set_stale(&snapshot, true);
            }) => {}
            ended = self.follow() => if let Err(error) = ended {
                warn!(path = %self.directory, %error, "a service view cannot be kept up any more");
            },
        }
        // From here on changes go unseen, whatever the connection does.
        set_stale(&snapshot, true);
    }

    async fn follow(&mut self) -> Result<()> {
        loop {
            let dirty = tokio::select! {
                biased;
                event = self.source.next() => match event {
                    Some(event) => self.gather(event),
                    None if self.client.is_closed() => return Ok(()),
                    // The next server is of another kind.
                    None => {
                        self.source = open(&self.client, &self.directory).await?;
                        Dirty { everything: true, ..Dirty::default() }
                    }
                },
                state = self.states.next() => match state {
                    Some(state) if state.takes_writes() => Dirty::default(),
                    Some(_) => continue,
                    None => return Ok(()),
                },
            };
            if dirty.everything {
                runtime::sleep(runtime::jitter(RELOAD_SPREAD)).await;
            }
            self.settle(dirty).await?;
            self.publish();
            set_stale(&self.snapshot, !self.client.state().takes_writes());
        }
    }

    /// Takes in `first` and whatever else has arrived.
    fn gather(&mut self, first: Event) -> Dirty {
        let mut dirty = Dirty::default();
        let mut next = Some(first);
        for _ in 0..EVENT_BATCH {
            let Some(event) = next else { break };
            self.take_in(event, &mut dirty);
            next = self.source.next().now_or_never().flatten();
        }
        dirty
    }

    fn take_in(&mut self, event: Event, dirty: &mut Dirty) {
        let Event::Of(WatchedEvent { path, .. }) = event else {
            dirty.everything = true;
            return;
        };
        if path == self.directory {
            dirty.list |= self.source.is_oneshot();
            return;
        }
        let Some(name) = path.strip_prefix(&self.directory).and_then(|n| n.strip_prefix('/'))
        else {
            return;
        };
        if name.contains('/') {
            return;
        }
        // A node that is gone is looked for as well: if it was replaced in one step, the new one is
        // found and the instance never vanishes from the view.
        dirty.nodes.insert(name.to_owned());
    }

    /// Reads what is dirty, however often it takes. Fails only for good.
    async fn settle(&mut self, dirty: Dirty) -> Result<()> {
        let mut pauses = Pauses::new();
        loop {
            match self.refresh(&dirty).await {
                Ok(()) => return Ok(()),
                Err(Error::Client(error))
                    if is_passing(&error) || error == ClientError::SessionExpired =>
                {
                    pauses.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn refresh(&mut self, dirty: &Dirty) -> Result<()> {
        let mut names: Vec<String> = dirty.nodes.iter().cloned().collect();
        if dirty.everything || dirty.list {
            let listed = self.list().await?;
            let gone: Vec<String> =
                self.entries.keys().filter(|name| !listed.contains(*name)).cloned().collect();
            gone.iter().for_each(|name| self.remove(name));
            let is_new = |name: &&String| dirty.everything || !self.entries.contains_key(*name);
            names.extend(listed.iter().filter(is_new).cloned());
            names.sort_unstable();
            names.dedup();
        }
        let watched = self.source.is_oneshot();
        let nodes = loader::read(&self.client, &self.directory, &names, watched).await?;
        let found: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let gone: Vec<&String> =
            names.iter().filter(|name| !found.contains(name.as_str())).collect();
        gone.into_iter().for_each(|name| self.remove(name));
        for node in nodes {
            self.accept(node);
        }
        Ok(())
    }

    /// The names of the nodes; none when there is no such directory.
    async fn list(&mut self) -> Result<BTreeSet<String>, ClientError> {
        let (client, directory) = (&self.client, &self.directory);
        let names = if self.source.is_oneshot() {
            let (names, watch) = list_watched(client, directory).await?;
            self.source.add(watch);
            names
        } else {
            match client.children(directory).await {
                Err(ClientError::NoNode { .. }) => Vec::new(),
                listed => listed?.0,
            }
        };
        Ok(names.into_iter().collect())
    }

    fn remove(&mut self, name: &str) {
        let removed = self.entries.remove(name).and_then(|entry| entry.instance);
        if let Some(instance) = removed {
            self.tell(ServiceChange::Removed(instance));
        }
    }

    fn accept(&mut self, node: Node) {
        if let Some(watch) = node.watch {
            self.source.add(watch);
        }
        let known = self.entries.get(&node.name);
        if known
            .is_some_and(|entry| entry.created == node.created && entry.modified >= node.modified)
        {
            return;
        }
        let before = known.and_then(|entry| entry.instance.clone());
        let instance = match node.instance {
            Ok(instance) => {
                let instance = Arc::new(instance);
                self.tell(match before {
                    Some(_) => ServiceChange::Updated(instance.clone()),
                    None => ServiceChange::Added(instance.clone()),
                });
                Some(instance)
            }
            Err(error) => {
                self.tell(match error {
                    Error::Malformed { path, reason } => ServiceChange::Malformed { path, reason },
                    other => ServiceChange::Malformed {
                        path: crate::parents::child(&self.directory, &node.name),
                        reason: other.to_string(),
                    },
                });
                before
            }
        };
        let (created, modified) = (node.created, node.modified);
        self.entries.insert(node.name, Entry { created, modified, instance });
    }

    fn tell(&mut self, change: ServiceChange) {
        self.untold.push(change);
    }

    /// Shows what was read: the list first, so that who hears of a change finds it there.
    fn publish(&mut self) {
        let instances =
            self.entries.values().filter_map(|entry| entry.instance.clone()).collect::<Arc<[_]>>();
        self.snapshot.send_if_modified(|current| {
            let same = same_items(&current.instances, &instances);
            current.instances = instances;
            !same
        });
        for change in self.untold.drain(..) {
            // Nobody may be listening.
            let _ = self.changes.send(change);
        }
    }
}

async fn open(client: &Client, directory: &str) -> Result<Source, ClientError> {
    Source::open(client, directory, WatchMode::PersistentRecursive).await
}

fn set_stale(snapshot: &watch::Sender<Snapshot>, stale: bool) {
    snapshot.send_if_modified(|snapshot| std::mem::replace(&mut snapshot.stale, stale) != stale);
}

fn same_items(left: &[Arc<ServiceInstance>], right: &[Arc<ServiceInstance>]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| Arc::ptr_eq(left, right))
}
