//! The handle of a member.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, Error as ClientError};

use super::party;
use super::plan::Plan;
use super::planner::{Planner, clean_up, clean_up_after};
use super::share::Share;
use super::worker::Worker;
use crate::election::LeaderLatch;
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{self, Pauses};

/// A member among whom a set of items is shared out. See the [module](super).
///
/// Dropped, it leaves in the background, once its shares are released; [`leave`](Self::leave) waits
/// for that.
#[derive(Debug)]
#[must_use = "dropping it leaves the group"]
pub struct Partitioner {
    shared: Arc<Shared>,
}

/// Options of a member, in any order.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it joins"]
pub struct PartitionerBuilder {
    path: String,
    id: String,
    items: BTreeSet<String>,
    options: NodeOptions,
    is_kazoo: bool,
}

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) members: String,
    pub(super) plan: String,
    locks: String,
    /// Each member plans for itself, as kazoo's do.
    pub(super) is_kazoo: bool,
}

impl Paths {
    fn new(path: &str, is_kazoo: bool) -> Self {
        let below = |name| child(path, name);
        let members = below(if is_kazoo { "party" } else { "members" });
        Self { members, plan: below("plan"), locks: below("locks"), is_kazoo }
    }

    /// The path of an item's lock. Any item can be a node, also `.` and one with slashes; not so where
    /// kazoo has the say.
    pub(super) fn lock(&self, item: &str) -> String {
        if self.is_kazoo {
            return child(&self.locks, item);
        }
        let mut name = item.replace('%', "%25").replace('/', "%2F");
        if name == "." || name == ".." {
            name = name.replace('.', "%2E");
        }
        child(&self.locks, &name)
    }
}

/// What the handle and its tasks share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) id: String,
    pub(super) paths: Paths,
    pub(super) options: NodeOptions,
    pub(super) plan: watch::Sender<Option<Arc<Plan>>>,
    /// Counts how often there was no plan, or none that could be read.
    pub(super) missing: watch::Sender<u64>,
    pub(super) items: watch::Sender<BTreeSet<String>>,
    /// Cancelled when the owner wants out.
    pub(super) stop: CancellationToken,
    /// How it ended, when it has.
    ended: watch::Sender<Option<Result<()>>>,
    shares: Mutex<Shares>,
    offered: Notify,
}

#[derive(Debug, Default)]
struct Shares {
    /// Those nobody has taken yet: at most one for each item.
    offers: VecDeque<Share>,
    /// What is held, with what is cancelled when it is lost.
    held: BTreeMap<String, CancellationToken>,
}

impl Partitioner {
    /// Joins those who share `items` out at `path`, as `id`. Returns once this member is in line.
    pub async fn join(
        client: &Client,
        path: &str,
        id: &str,
        items: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self> {
        Self::builder(path, id).items(items).join(client).await
    }

    /// Options for joining those at `path` as `id`, which any UTF-8 text can be.
    pub fn builder(path: impl Into<String>, id: impl Into<String>) -> PartitionerBuilder {
        let (path, id) = (path.into(), id.into());
        let (items, options) = (BTreeSet::new(), NodeOptions::new());
        PartitionerBuilder { path, id, items, options, is_kazoo: false }
    }

    /// As kazoo's `SetPartitioner`, with which it shares the items out: for what differs, see the
    /// [module](super#with-kazoos-partitioners). Ids and items become names of nodes as they are.
    /// The directories are made to stay, since kazoo's objects rely on them.
    pub fn kazoo(path: impl Into<String>, id: impl Into<String>) -> PartitionerBuilder {
        PartitionerBuilder { is_kazoo: true, ..Self::builder(path, id) }
    }

    /// The id this member joined with.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// The next item that this member has come to have; `None` when it has left or its client is
    /// closed. Cancel-safe.
    ///
    /// Shares that nobody takes are held all the same, until they are revoked.
    pub async fn next(&self) -> Option<Share> {
        loop {
            let offered = self.shared.offered.notified();
            if let Some(share) = self.shared.take() {
                return Some(share);
            }
            if self.shared.ended.borrow().is_some() || self.shared.stop.is_cancelled() {
                return None;
            }
            offered.await;
        }
    }

    /// The items that are held by this member now, taken from [`next`](Self::next) or not.
    #[must_use]
    pub fn held(&self) -> BTreeSet<String> {
        let shares = self.shared.shares();
        let held = shares.held.iter().filter(|(_, lost)| !lost.is_cancelled());
        held.map(|(item, _)| item.clone()).collect()
    }

    /// The plan as this member has seen it last; `None` before the first.
    #[must_use]
    pub fn plan(&self) -> Option<Arc<Plan>> {
        self.shared.plan.borrow().clone()
    }

    /// Waits until the plan is one that `wanted` accepts; `None` when this member leaves before.
    pub async fn wait_for_plan(&self, mut wanted: impl FnMut(&Plan) -> bool) -> Option<Arc<Plan>> {
        let mut plan = self.shared.plan.subscribe();
        let wanted = |plan: &Option<Arc<Plan>>| plan.as_ref().is_some_and(|plan| wanted(plan));
        tokio::select! {
            biased;
            found = plan.wait_for(wanted) => found.ok()?.clone(),
            () = self.shared.stop.cancelled() => None,
        }
    }

    /// Changes the set of items. It counts when this member plans: change it at all of them. (In
    /// kazoo's layout each plans for itself, at once.)
    pub fn set_items(&self, items: impl IntoIterator<Item = impl Into<String>>) {
        self.shared.items.send_replace(items.into_iter().map(Into::into).collect());
    }

    /// Revokes all shares, waits until they are released, and leaves. The others get the items as
    /// they are released. Dropped half-way, it goes on in the background; may be called again.
    /// Should the client's runtime be shut down, this ends, perhaps with an error, and the nodes go
    /// with the session.
    pub async fn leave(&self) -> Result<()> {
        self.shared.stop.cancel();
        let mut ended = self.shared.ended.subscribe();
        // The sender lives in `shared`, so this ends by the state alone.
        let ended = ended.wait_for(Option::is_some).await;
        ended.map_or(Ok(()), |ended| ended.clone().unwrap_or(Ok(())))
    }
}

impl Drop for Partitioner {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        // Nobody will take them any more.
        let offers = std::mem::take(&mut self.shared.shares().offers);
        drop(offers);
    }
}

impl PartitionerBuilder {
    /// The items to share out. Default: none, for members that leave the planning to others.
    pub fn items(mut self, items: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.items = items.into_iter().map(Into::into).collect();
        self
    }

    /// The ACL of the nodes, and what to do about missing parents. Everybody needs all rights on
    /// what is below the path.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Joins. Returns once this member is in line, so what the server would always refuse (no
    /// rights, a bad path) is an error here. Cancel-safe: dropped, it leaves in the background.
    pub async fn join(self, client: &Client) -> Result<Partitioner> {
        let shared = Arc::new(Shared {
            client: client.clone(),
            id: self.id,
            paths: Paths::new(&self.path, self.is_kazoo),
            options: self.options,
            plan: watch::Sender::new(None),
            missing: watch::Sender::new(0),
            items: watch::Sender::new(self.items),
            stop: CancellationToken::new(),
            ended: watch::Sender::new(None),
            shares: Mutex::default(),
            offered: Notify::new(),
        });
        if shared.paths.is_kazoo {
            let membership = party::join(client, &shared).await?;
            shared.spawn(party::run(shared.clone(), membership));
        } else {
            let latch = LeaderLatch::builder(&shared.paths.members, &shared.id);
            let latch = latch.options(shared.options.clone()).start(client).await?;
            shared.spawn(run(shared.clone(), latch));
        }
        Ok(Partitioner { shared })
    }
}

impl Shared {
    fn shares(&self) -> MutexGuard<'_, Shares> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Share> {
        let mut shares = self.shares();
        let share = shares.offers.pop_front();
        if !shares.offers.is_empty() {
            // Several may be waiting, and each offer has woken one at most.
            self.offered.notify_one();
        }
        share
    }

    pub(super) fn offer(&self, share: Share, lost: CancellationToken) {
        let mut shares = self.shares();
        shares.held.insert(share.item().to_owned(), lost);
        if self.stop.is_cancelled() {
            // Nobody will take it: dropped, it is released.
            return;
        }
        shares.offers.push_back(share);
        drop(shares);
        self.offered.notify_one();
    }

    /// Takes back the offer of an item, if nobody has taken it.
    pub(super) fn withdraw(&self, item: &str) {
        let mut shares = self.shares();
        let at = shares.offers.iter().position(|share| share.item() == item);
        let share = at.and_then(|at| shares.offers.remove(at));
        drop(shares);
        drop(share);
    }

    /// Runs the member's one task.
    fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let shared = self.clone();
        // Where it did not get to its end, the runtime was shut down.
        let end = move || shared.end(Err(Error::Client(ClientError::Closed)));
        runtime::spawn_resident_to_end(&self.client, task, end);
    }

    /// It is over, like this, unless it was before.
    pub(super) fn end(&self, left: Result<()>) {
        self.stop.cancel();
        self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(left);
            is_first
        });
        self.offered.notify_waiters();
    }

    /// The item is held no more. What is offered of it is of no use to anybody.
    pub(super) fn forget(&self, item: &str) {
        self.withdraw(item);
        self.shares().held.remove(item);
    }
}

/// Plans when it is the turn, and works by the plan, until the owner or the client has enough.
async fn run(shared: Arc<Shared>, latch: LeaderLatch) {
    let stop = CancellationToken::new();
    let worker = Worker::new(shared.clone(), latch.look_again()).run(latch.node(), stop.clone());
    // Leaves before its shares are all released: so each goes to its next holder as soon as it is.
    let planner = async {
        plan(&shared, &latch, &stop).await;
        let left = latch.leave().await;
        (left, clean_up(&shared.client, &shared.paths, &shared.id).await)
    };
    let stopper = async {
        runtime::stopped(&shared.stop, &shared.client).await;
        stop.cancel();
    };
    let ((), (left, former), ()) = futures_util::join!(worker, planner, stopper);
    shared.end(left);
    if !former.is_empty() {
        // That can take a session timeout, and nobody need wait for it.
        clean_up_after(&shared.client, &shared.paths, &shared.id, former).await;
    }
}

/// Plans whenever this member is the first in line.
async fn plan(shared: &Shared, latch: &LeaderLatch, stop: &CancellationToken) {
    let mut pauses = Pauses::new();
    loop {
        let leadership = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            leadership = latch.lead() => match leadership {
                Ok(leadership) => leadership,
                // The client has ended.
                Err(_) => return shared.stop.cancel(),
            },
        };
        let mut planner = Planner {
            client: &shared.client,
            paths: &shared.paths,
            options: &shared.options,
            items: shared.items.subscribe(),
            missing: shared.missing.subscribe(),
            last: shared.plan.borrow().clone(),
            members: BTreeMap::new(),
        };
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            _ = leadership.lost() => Some(Ok(())),
            ended = planner.run(&leadership) => Some(ended),
        };
        match ended {
            None => {
                latch.set_last_term();
                // What went wrong is what leaving tells.
                return drop(leadership.resign().await);
            }
            Some(Ok(())) => {}
            Some(Err(error)) => {
                // Perhaps another member may do what this one may not.
                warn!(path = %shared.paths.plan, %error, "cannot plan");
                drop(leadership);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = pauses.pause() => {}
                }
            }
        }
    }
}
