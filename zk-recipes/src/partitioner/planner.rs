//! Planning, which the member does who is first in line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;
use tracing::{debug, warn};
use zk_client::{Client, CreateMode, Error as ClientError, OneshotWatch};

use super::Paths;
use super::plan::Plan;
use crate::asking::{ask, may_pass};
use crate::election::Leadership;
use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::Pauses;

/// How many members are read at once.
const READ_BATCH: usize = 100;

/// One term of planning.
pub(super) struct Planner<'a> {
    pub(super) client: &'a Client,
    pub(super) paths: &'a Paths,
    pub(super) options: &'a NodeOptions,
    pub(super) items: watch::Receiver<BTreeSet<String>>,
    pub(super) missing: watch::Receiver<u64>,
    /// The last plan that is known, should it be deleted.
    pub(super) last: Option<Arc<Plan>>,
    /// The members that were there at the last look: the names of their nodes, and their ids.
    pub(super) members: BTreeMap<String, String>,
}

impl Planner<'_> {
    /// Plans for as long as the term lasts. Returns early only for what is refused for good.
    pub(super) async fn run(&mut self, leadership: &Leadership) -> Result<()> {
        let mut pauses = Pauses::new();
        loop {
            let changed = match self.pass(leadership).await {
                Ok(changed) => changed,
                Err(ClientError::GuardFailed { .. } | ClientError::SessionExpired) => return Ok(()),
                // Another term has planned meanwhile, or somebody has deleted the plan.
                Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. })
                | Err(ClientError::NodeExists { .. }) => {
                    pauses.pause().await;
                    continue;
                }
                Err(error) if may_pass(self.client, &error) => {
                    pauses.pause().await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            pauses = Pauses::new();
            tokio::select! {
                biased;
                // Whatever happened, the next look tells.
                _ = changed => {}
                Ok(()) = self.missing.changed() => {}
                changed = self.items.changed() => if changed.is_err() {
                    return Ok(());
                },
            }
        }
    }

    /// Looks who is there, and plans for them if need be; a watch for who comes and goes.
    async fn pass(&mut self, leadership: &Leadership) -> Result<OneshotWatch, ClientError> {
        // Before the plan is asked for: if it is missed after this, the answer may be from before.
        self.missing.borrow_and_update();
        let listed = self.client.children(&self.paths.members).watch().send();
        let read = self.client.get(&self.paths.plan).send();
        let (names, _, watch) = listed.await?;
        let (plan, version) = match read.await {
            Ok((data, stat)) => (Some(data), stat.version),
            Err(ClientError::NoNode { .. }) => (None, 0),
            Err(error) => return Err(error),
        };
        self.meet(names).await?;
        let current = plan.as_deref().map(Plan::decode).and_then(|plan| {
            let warned =
                |reason| warn!(path = %self.paths.plan, %reason, "not a plan: is replaced");
            plan.map_err(warned).ok()
        });
        // What is missing is made again as it was, so that nothing moves.
        let memory = self.last.as_deref().cloned().unwrap_or_default();
        let is_whole = current.is_some();
        let current = current.unwrap_or(memory);
        let items = self.items.borrow_and_update().clone();
        let next = match current.next(&self.members, &items) {
            Some(next) => next,
            None if is_whole => {
                self.last = Some(Arc::new(current));
                return Ok(watch);
            }
            None => Plan { generation: current.generation + 1, ..current },
        };
        let data = next.encode();
        debug!(path = %self.paths.plan, generation = next.generation, "a new plan");
        // By the leader of this moment, or not at all.
        match plan {
            Some(_) => {
                leadership.writes().set(&self.paths.plan, &data).version(version).await?;
            }
            None => {
                let create =
                    leadership.writes().create(&self.paths.plan, &data, CreateMode::Persistent);
                match &self.options.acl {
                    Some(acl) => create.acl(acl.iter().cloned()).await?,
                    None => create.await?,
                };
            }
        }
        self.last = Some(Arc::new(next));
        Ok(watch)
    }

    /// Reads the ids of the members that were not there at the last look.
    async fn meet(&mut self, names: Vec<String>) -> Result<(), ClientError> {
        let names: BTreeSet<String> = names.into_iter().collect();
        self.members.retain(|name, _| names.contains(name));
        let new: Vec<&String> =
            names.iter().filter(|name| !self.members.contains_key(*name)).collect();
        for batch in new.chunks(READ_BATCH) {
            let read = |name: &&String| {
                let path = child(&self.paths.members, name);
                ((*name).clone(), self.client.get(&path).send())
            };
            let reads: Vec<_> = batch.iter().map(read).collect();
            for (name, read) in reads {
                match read.await {
                    Ok((id, _)) => {
                        self.members.insert(name, String::from_utf8_lossy(&id).into_owned());
                    }
                    // Gone since the list was read: the watch tells, too.
                    Err(ClientError::NoNode { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// Takes the plan away when nobody is there any more. Every member that leaves looks, so the last
/// one does it.
///
/// What is there yet may be nodes of `id` itself, of sessions that were lost and that the server has
/// not ended so far. Their names are returned, for [`clean_up_after`] them.
pub(super) async fn clean_up(client: &Client, paths: &Paths, id: &str) -> Vec<String> {
    // The version first: whoever joins and plans after that is left in peace.
    let plan = match ask(client, || client.get(&paths.plan).send()).await {
        Ok(plan) => Some(plan),
        Err(ClientError::NoNode { .. }) => None,
        Err(_) => return Vec::new(),
    };
    let names = match ask(client, || client.children(&paths.members).send()).await {
        Ok((names, _)) => names,
        Err(ClientError::NoNode { .. }) => Vec::new(),
        Err(_) => return Vec::new(),
    };
    if !names.is_empty() {
        let known = plan.and_then(|(data, _)| Plan::decode(&data).ok()).unwrap_or_default();
        return own_among(client, paths, id, names, &known).await;
    }
    if let Some((_, stat)) = plan {
        let delete = || client.delete(&paths.plan).version(stat.version).send();
        if let Err(error) = ask(client, delete).await {
            debug!(path = %paths.plan, %error, "the plan stays, or is gone already");
        }
    }
    Vec::new()
}

/// Those of `names` that are nodes of `id`. The plan knows most of them: only others are read.
async fn own_among(
    client: &Client,
    paths: &Paths,
    id: &str,
    names: Vec<String>,
    known: &Plan,
) -> Vec<String> {
    let mut own = Vec::new();
    for name in names {
        let is_own = match known.members.get(&name) {
            Some(of) => of == id,
            None => {
                let path = child(&paths.members, &name);
                let read = ask(client, || client.get(&path).send()).await;
                read.is_ok_and(|(of, _)| *of == *id.as_bytes())
            }
        };
        if is_own {
            own.push(name);
        }
    }
    own
}

/// Waits until the nodes called `former` are gone, and then looks whether the plan can go. Those
/// who left meanwhile saw them, and took the member for one that stays.
pub(super) async fn clean_up_after(client: &Client, paths: &Paths, id: &str, former: Vec<String>) {
    for name in former {
        let path = child(&paths.members, &name);
        // Whatever ends a watch, the next look tells; also that the client is closed.
        while let Ok((_, _, watch)) = ask(client, || client.get(&path).watch().send()).await {
            let _ = watch.await;
        }
    }
    // Whoever has come under this id by now is another member, which cleans up for itself.
    clean_up(client, paths, id).await;
}
