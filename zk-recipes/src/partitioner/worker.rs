//! What a member does with the plan: it takes the locks of what is planned for it, and lets go of
//! what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use zk_client::{Error as ClientError, OneshotWatch};

use super::plan::Plan;
use super::share::Share;
use super::{Shared, party};
use crate::asking::ask;
use crate::error::Error;
use crate::lock::Lock;
use crate::runtime::{self, Pauses, Work, WorkEnd};

/// The items that this member is busy with.
pub(super) struct Worker {
    shared: Arc<Shared>,
    /// For each item, what tells its task to let go.
    busy: BTreeMap<String, CancellationToken>,
    /// What becomes of the task of each item. They are tasks of their own: all wait for the states
    /// of one session, and in which order those who wait are woken is chance.
    tasks: FuturesUnordered<BoxFuture<'static, (String, WorkEnd)>>,
    /// What is planned for this member.
    wanted: BTreeSet<String>,
    /// For when the planner does not know this member: perhaps its node is gone.
    look_again: Arc<Notify>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, look_again: Arc<Notify>) -> Self {
        let (busy, tasks) = (BTreeMap::new(), FuturesUnordered::new());
        Self { shared, busy, tasks, wanted: BTreeSet::new(), look_again }
    }

    /// Follows the plan until `stop`, then lets go of everything and waits for that.
    pub(super) async fn run(
        mut self,
        mut node: watch::Receiver<Option<String>>,
        stop: CancellationToken,
    ) {
        let mut next = next_plan(self.shared.clone(), None);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                (plan, seen) = &mut next => {
                    match plan {
                        Some(plan) => drop(self.shared.plan.send_replace(Some(Arc::new(plan)))),
                        // What was planned last holds until the planner has made up for it.
                        None => self.shared.missing.send_modify(|times| *times += 1),
                    }
                    next = next_plan(self.shared.clone(), Some(seen));
                }
                Ok(()) = node.changed() => {}
                Some((item, end)) = self.tasks.next() => {
                    self.ended(&item, end);
                    continue;
                }
            }
            let own = node.borrow_and_update().clone();
            self.follow(own.as_deref());
        }
        self.wanted.clear();
        self.let_go();
        while let Some((item, end)) = self.tasks.next().await {
            self.ended(&item, end);
        }
    }

    /// Takes up what is new for the member whose node is called `own`, lets go of what is not.
    fn follow(&mut self, own: Option<&str>) {
        let plan = self.shared.plan.borrow().clone();
        self.wanted = match (plan, own) {
            (Some(plan), Some(own)) => {
                if !plan.members.contains_key(own) {
                    self.look_again.notify_one();
                }
                plan.of(own)
            }
            // No node, no plan for it: what is held is held by locks of the same session.
            _ => BTreeSet::new(),
        };
        self.let_go();
        self.take_up();
    }

    fn let_go(&self) {
        for (item, revoke) in &self.busy {
            if !self.wanted.contains(item) {
                revoke.cancel();
            }
        }
    }

    fn take_up(&mut self) {
        for item in &self.wanted {
            if !self.busy.contains_key(item) {
                let revoke = CancellationToken::new();
                self.busy.insert(item.clone(), revoke.clone());
                let task = hold(self.shared.clone(), item.clone(), revoke);
                let (mut task, item) = (Work::start(&self.shared.client, task), item.clone());
                self.tasks.push(Box::pin(async move { (item, task.ended().await) }));
            }
        }
    }

    /// The task of an item has let go of it; if it was planned for this member again meanwhile, it
    /// is taken up once more.
    fn ended(&mut self, item: &str, end: WorkEnd) {
        self.busy.remove(item);
        match end {
            WorkEnd::Returned => self.take_up(),
            // Once more would end like this, too.
            WorkEnd::Panicked | WorkEnd::Dropped => self.shared.stop.cancel(),
        }
    }
}

/// Nobody else would tell the tasks.
impl Drop for Worker {
    fn drop(&mut self) {
        self.busy.values().for_each(CancellationToken::cancel);
    }
}

/// What a plan was made of or read from.
pub(super) struct Seen {
    /// Fires when that changes.
    pub(super) watch: OneshotWatch,
    /// The items, where each member plans for itself.
    pub(super) items: Option<watch::Receiver<BTreeSet<String>>>,
}

impl Seen {
    /// Waits until there may be another plan.
    async fn changed(self) {
        let items = async {
            if let Some(mut items) = self.items
                && items.changed().await.is_ok()
            {
                return;
            }
            std::future::pending().await
        };
        tokio::select! {
            biased;
            // Whatever happened, the next look tells; also that the session ended.
            _ = self.watch => {}
            () = items => {}
        }
    }
}

/// The plan after what was `seen` has changed, `None` if there is none; never if the client has
/// ended.
fn next_plan(shared: Arc<Shared>, seen: Option<Seen>) -> BoxFuture<'static, (Option<Plan>, Seen)> {
    Box::pin(async move {
        if let Some(seen) = seen {
            seen.changed().await;
        }
        let mut pauses = Pauses::new();
        loop {
            let found = if shared.paths.is_kazoo {
                party::look(&shared).await
            } else {
                look(&shared).await
            };
            match found {
                Ok(found) => return found,
                Err(ClientError::Closed) => std::future::pending().await,
                Err(error) => {
                    warn!(path = %shared.paths.plan, %error, "cannot see the plan for now");
                    pauses.pause().await;
                }
            }
        }
    })
}

/// The plan as it is now, and a watch for the next one.
async fn look(shared: &Shared) -> Result<(Option<Plan>, Seen), ClientError> {
    let (client, path) = (&shared.client, &shared.paths.plan);
    loop {
        match ask(client, || client.get(path).watch().send()).await {
            Ok((data, _, watch)) => {
                let plan = Plan::decode(&data);
                if let Err(reason) = &plan {
                    warn!(%path, %reason, "not a plan: waits for the next one");
                }
                return Ok((plan.ok(), Seen { watch, items: None }));
            }
            Err(ClientError::NoNode { .. }) => {
                let (found, watch) = ask(client, || client.exists(path).watch().send()).await?;
                if found.is_none() {
                    return Ok((None, Seen { watch, items: None }));
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Has the item for as long as it is planned for this member: takes its lock, hands it out, and
/// takes it again if it was lost or dropped.
async fn hold(shared: Arc<Shared>, item: String, revoke: CancellationToken) {
    let path = shared.paths.lock(&item);
    let lock = shared.lock(&path);
    let mut pauses = Pauses::new();
    while !revoke.is_cancelled() {
        let acquired = tokio::select! {
            biased;
            () = revoke.cancelled() => break,
            acquired = lock.acquire(&shared.client) => acquired,
        };
        let guard = match acquired {
            Ok(guard) => guard,
            // The worker is about to hear of it. Ended before that, this would be taken up again at once.
            Err(Error::Client(ClientError::Closed)) => {
                revoke.cancelled().await;
                break;
            }
            Err(error) => {
                warn!(%path, %error, "cannot take an item for now");
                tokio::select! {
                    biased;
                    () = revoke.cancelled() => break,
                    () = pauses.pause() => continue,
                }
            }
        };
        let since = runtime::now();
        let lost = guard.lost();
        let held = guard.cancellation();
        shared.offer(Share::new(item.clone(), guard, revoke.clone()), held);
        let mut lost = std::pin::pin!(lost);
        let reason = tokio::select! {
            biased;
            reason = &mut lost => reason,
            () = revoke.cancelled() => {
                // If nobody has taken it yet, nobody needs to let it go.
                shared.withdraw(&item);
                lost.await
            }
        };
        debug!(%path, %reason, "has an item no more");
        shared.forget(&item);
        pauses.went_well_for(runtime::now() - since);
        tokio::select! {
            biased;
            () = revoke.cancelled() => {}
            () = pauses.pause() => {}
        }
    }
}

impl Shared {
    fn lock(&self, path: &str) -> crate::lock::LockBuilder {
        let lock = if self.paths.is_kazoo {
            // Without data, as kazoo's partitioners take them.
            Lock::kazoo(path)
        } else {
            Lock::builder(path).data(self.id.clone())
        };
        lock.options(self.options.clone())
    }
}
