//! Keeps a cache equal to what the server has.
//!
//! Events only say *that* something changed; what it is now is always read. So a missed event, a
//! reconnect or a full buffer costs a look at everything and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{
    Client, Error as ClientError, EventType, OneshotWatch, SessionStates, Stat, WatchMode,
};

use super::handle::State;
use super::reads::{Reads, Visit, Visits};
use super::tree::Tree;
use super::{CacheChange, CachedNode};
use crate::asking::{may_pass, parent};
use crate::error::Result;
use crate::runtime::{self, Pauses};
use crate::source::{Event, Source};

/// How many nodes are read at once: enough to hide the round trip, few enough to leave the server
/// and this client's other requests some air.
const READ_BATCH: usize = 100;

/// How many events are taken together before their nodes are read.
const EVENT_BATCH: usize = 1000;

/// Looks at everything start within this time, at random, so that all the caches of a fleet do not
/// read everything at the moment a server comes back.
const RELOAD_SPREAD: Duration = Duration::from_millis(250);

/// The task behind a cache.
pub(super) struct Task {
    client: Client,
    root: String,
    /// How many levels below the root are cached.
    depth: usize,
    source: Source,
    states: SessionStates,
    tree: Tree,
    state: watch::Sender<State>,
    changes: broadcast::Sender<CacheChange>,
}

impl Task {
    /// Sets the watch, then reads, so that nothing falls between.
    pub(super) async fn load(
        client: &Client,
        root: String,
        depth: usize,
        state: watch::Sender<State>,
        changes: broadcast::Sender<CacheChange>,
    ) -> Result<Self> {
        let states = client.states();
        let source = open(client, &root, depth).await?;
        let (client, tree) = (client.clone(), Tree::default());
        let mut task = Self { client, root, depth, source, states, tree, state, changes };
        task.settle(task.everything()).await?;
        task.publish();
        Ok(task)
    }

    /// Follows the events until the cache is dropped or the client closed.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let (client, state) = (self.client.clone(), self.state.clone());
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = runtime::follow_states(&client, |now| if !now.is_connected() {
                set_stale(&state, true);
            }) => {}
            ended = self.follow() => if let Err(error) = ended {
                warn!(path = %self.root, %error, "a cache cannot be kept up any more");
            },
        }
        // From here on changes go unseen, whatever the connection does.
        set_stale(&state, true);
    }

    async fn follow(&mut self) -> Result<()> {
        loop {
            let visits = tokio::select! {
                biased;
                event = self.source.next() => match event {
                    Some(event) => self.gather(event),
                    None if self.client.is_closed() => return Ok(()),
                    // The next server is of another kind.
                    None => {
                        self.source = open(&self.client, &self.root, self.depth).await?;
                        self.everything()
                    }
                },
                state = self.states.next() => match state {
                    None => return Ok(()),
                    Some(state) if !state.is_connected() => continue,
                    Some(_) => self.after_a_gap(),
                },
            };
            self.settle(visits).await?;
            self.publish();
            set_stale(&self.state, !self.client.is_connected());
        }
    }

    /// All there is; what is known already only if it is outdated.
    fn everything(&self) -> Visits {
        // One-shot watches have to be set again in any case.
        let if_outdated = !self.source.is_oneshot();
        Visits::from([(self.root.clone(), Visit { if_outdated, ..Visit::ALL })])
    }

    /// What to look at when connected again, but for what events tell of. Those of one-shot watches
    /// do not tell whether the root may still be read.
    fn after_a_gap(&self) -> Visits {
        let mut visits = Visits::new();
        if self.source.is_oneshot() && self.state.borrow().stale && self.tree.knows(&self.root) {
            let visit = Visit { data: true, children: false, if_outdated: true };
            visits.insert(self.root.clone(), visit);
        }
        visits
    }

    /// Takes in `first` and whatever else has arrived.
    fn gather(&mut self, first: Event) -> Visits {
        let mut visits = Visits::new();
        let mut resync = false;
        let mut next = Some(first);
        for _ in 0..EVENT_BATCH {
            match next {
                None => break,
                Some(Event::Resync) => resync = true,
                Some(Event::Of(event)) => {
                    if let Some(level) = self.level(&event.path) {
                        let (data, children) = self.touched(event.kind);
                        let visit = visits.entry(event.path).or_default();
                        visit.data |= data;
                        visit.children |= children && level < self.depth;
                    }
                }
            }
            next = self.source.next().now_or_never().flatten();
        }
        if resync { self.everything() } else { visits }
    }

    /// Whether the data and the list of a node to which this happened have to be read again.
    fn touched(&self, kind: EventType) -> (bool, bool) {
        use EventType::{NodeChildrenChanged, NodeCreated, NodeDeleted};
        if !self.source.is_oneshot() {
            // Of children their own events tell.
            return (true, false);
        }
        // What was deleted may be there again, and has neither watch any more.
        let children = matches!(kind, NodeChildrenChanged | NodeCreated | NodeDeleted);
        (kind != NodeChildrenChanged, children)
    }

    /// How far below the root `path` is; `None` if it is not cached.
    fn level(&self, path: &str) -> Option<usize> {
        if path == self.root {
            return Some(0);
        }
        let below = if self.root == "/" { path } else { path.strip_prefix(&self.root)? };
        let level = below.starts_with('/').then(|| below.matches('/').count())?;
        (level <= self.depth).then_some(level)
    }

    /// Reads all that is to be read, however often it takes. Fails only for good.
    async fn settle(&mut self, visits: Visits) -> Result<()> {
        if visits
            .get(&self.root)
            .is_some_and(|visit| visit.if_outdated && self.tree.knows(&self.root))
        {
            runtime::sleep(runtime::jitter(RELOAD_SPREAD)).await;
        }
        let mut pauses = Pauses::new();
        loop {
            match self.visit_all(visits.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn visit_all(&mut self, mut visits: Visits) -> Result<(), ClientError> {
        while !visits.is_empty() {
            let rest = visits.keys().nth(READ_BATCH).cloned();
            let later = rest.map(|from| visits.split_off(&from)).unwrap_or_default();
            visits = self.visit(visits).await?;
            for (path, visit) in later {
                visits.entry(path).or_insert(visit);
            }
        }
        Ok(())
    }

    /// Reads a batch; what is to be read as a consequence.
    async fn visit(&mut self, visits: Visits) -> Result<Visits, ClientError> {
        let mut next = Visits::new();
        let visits = self.check(visits, &mut next).await?;
        let send = |(path, mut visit): (String, Visit)| {
            visit.children &= self.depth > 0;
            Reads::send(&self.client, path, visit, self.source.is_oneshot())
        };
        let reads: Vec<Reads> = visits.into_iter().map(send).collect();
        for Reads { path, data, children } in reads {
            if let Some(data) = data
                && !self.read(&path, data.answer().await, &mut next).await?
            {
                continue;
            }
            let Some(children) = children else { continue };
            match children.answer().await {
                Ok((names, stat, watch)) => {
                    watch.into_iter().for_each(|watch| self.source.add(watch));
                    let paths = self.tree.list(&path, names, &stat);
                    self.descend(paths, &mut next);
                }
                Err(ClientError::NoNode { .. }) => self.tree.remove(&path),
                Err(error @ ClientError::NoAuth { .. }) => warn!(%path, %error, "cannot list"),
                Err(error) => return Err(error),
            }
        }
        Ok(next)
    }

    /// Looks at the metadata of what is known, and leaves out what it shows to be up to date.
    async fn check(&mut self, visits: Visits, next: &mut Visits) -> Result<Visits, ClientError> {
        let mut needed = Visits::new();
        let mut asked = Vec::new();
        for (path, visit) in visits {
            if visit.if_outdated && self.tree.knows(&path) {
                let stat = self.client.exists(&path).send();
                asked.push((path, visit, stat));
            } else {
                needed.insert(path, visit);
            }
        }
        for (path, visit, stat) in asked {
            let stat = match stat.await {
                Ok(Some(stat)) => stat,
                Ok(None) => {
                    self.tree.remove(&path);
                    continue;
                }
                Err(error) => {
                    self.refused(&path, error)?;
                    continue;
                }
            };
            let outdated = self.tree.outdated(&path, &stat);
            let children = visit.children && outdated.children;
            if visit.children && !outdated.children {
                self.descend(self.tree.children(&path), next);
            }
            if outdated.data || children {
                needed.insert(path, Visit { data: outdated.data, children, ..visit });
            }
        }
        Ok(needed)
    }

    /// The children of a node are to be visited, and theirs if they are cached.
    fn descend(&self, paths: Vec<String>, next: &mut Visits) {
        for path in paths {
            if let Some(level) = self.level(&path) {
                let if_outdated = !self.source.is_oneshot();
                let visit = Visit { data: true, children: level < self.depth, if_outdated };
                next.insert(path, visit);
            }
        }
    }

    /// Takes in what a node is; whether it is there.
    async fn read(
        &mut self,
        path: &str,
        read: Result<(Bytes, Stat, Option<OneshotWatch>), ClientError>,
        next: &mut Visits,
    ) -> Result<bool, ClientError> {
        match read {
            // Nobody may list it, so nobody would see it go.
            Ok(_) if !self.may_know(path) => Ok(false),
            Ok((data, stat, watch)) => {
                self.tree.accept(path, data, stat);
                watch.into_iter().for_each(|watch| self.source.add(watch));
                Ok(true)
            }
            Err(ClientError::NoNode { .. }) => {
                self.tree.remove(path);
                if path == self.root && self.source.is_oneshot() {
                    let (stat, watch) = self.client.exists(path).watch().await?;
                    match stat {
                        // Created in between.
                        Some(_) => drop(next.insert(path.to_owned(), Visit::ALL)),
                        None => self.source.add(watch),
                    }
                }
                Ok(false)
            }
            Err(error) => self.refused(path, error).map(|()| false),
        }
    }

    /// What is not for this client to see must not keep the others from being seen.
    fn refused(&mut self, path: &str, error: ClientError) -> Result<(), ClientError> {
        if path == self.root || !matches!(error, ClientError::NoAuth { .. }) {
            return Err(error);
        }
        warn!(%path, %error, "cannot read");
        self.tree.remove(path);
        Ok(())
    }

    /// Whether a node has its place in the cache: what is below one that may not be read has none.
    /// Parents are read before their children.
    fn may_know(&self, path: &str) -> bool {
        path == self.root || self.tree.knows(parent(path))
    }

    /// Shows what was read: the nodes first, so that who hears of a change finds it there.
    fn publish(&mut self) {
        let untold = self.tree.take_untold();
        if untold.is_empty() {
            return;
        }
        self.state.send_modify(|state| apply(Arc::make_mut(&mut state.nodes), &untold));
        for change in untold {
            // Nobody may be listening.
            let _ = self.changes.send(change);
        }
    }
}

fn set_stale(state: &watch::Sender<State>, stale: bool) {
    state.send_if_modified(|state| std::mem::replace(&mut state.stale, stale) != stale);
}

async fn open(client: &Client, root: &str, depth: usize) -> Result<Source, ClientError> {
    let mode = if depth == 0 { WatchMode::Persistent } else { WatchMode::PersistentRecursive };
    Source::open(client, root, mode).await
}

fn apply(nodes: &mut BTreeMap<String, Arc<CachedNode>>, changes: &[CacheChange]) {
    use CacheChange::{Added, Missed, Removed, Replaced, Updated};
    for change in changes {
        match change {
            Added(node) | Updated(node) | Replaced(node) => {
                nodes.insert(node.path.clone(), node.clone());
            }
            Removed(node) => {
                nodes.remove(&node.path);
            }
            Missed { .. } => {}
        }
    }
}
