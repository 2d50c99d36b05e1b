//! Leading by a piece of work that is started and ended with the term.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use zk_client::{Client, Error as ClientError};

use super::{
    ElectionBuilder, LatchState, LatchStates, LeaderLatch, LeaderObserver, Leadership, Participant,
    Term, participants,
};
use crate::error::{Error, Result};
use crate::runtime::{self, Work, WorkEnd};
use crate::sequence::Mark;

/// How long work that was dropped may keep its thread from letting go of it. After that the term is
/// given up all the same.
pub const STUCK_WORK_LIMIT: Duration = Duration::from_secs(10);

/// A participant of an election that does its work while it leads. See the [module](super).
///
/// Dropped, it ends the work and leaves the election in the background; [`stop`](Self::stop) waits
/// for that.
#[derive(Debug)]
#[must_use = "dropping it leaves the election"]
pub struct LeaderElection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    latch: LeaderLatch,
    client: Client,
    grace: Duration,
    /// Cancelled when the owner wants out.
    stop: CancellationToken,
    running: Mutex<Option<Running>>,
    /// How it ended, when it has.
    ended: watch::Sender<Option<Result<()>>>,
}

/// A term that is being served.
#[derive(Clone, Debug)]
struct Running {
    /// Tells the work to end.
    cancel: CancellationToken,
    /// Holds how giving up the term went, when it is over.
    over: watch::Receiver<Option<Result<()>>>,
}

impl LeaderElection {
    /// Joins the election at `path` as `id`, which any UTF-8 text can be and which the others see,
    /// and runs `work` whenever this participant leads.
    ///
    /// When the work returns, the term is given up, and the participant gets in line again.
    pub async fn start<W, F>(client: &Client, path: &str, id: &str, work: W) -> Result<Self>
    where
        W: Fn(Term) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::builder(path, id).start(client, work).await
    }

    /// Options for taking part in the election at `path` as `id`.
    pub fn builder(path: impl Into<String>, id: impl Into<String>) -> ElectionBuilder {
        ElectionBuilder::new(path.into(), id.into(), Mark::LOCK)
    }

    /// As [`builder`](Self::builder), in the layout of kazoo's `Election`. The directory is made to
    /// stay, since an object of kazoo's makes it once in its life, and fails for good if the server
    /// sweeps it away.
    pub fn kazoo(path: impl Into<String>, id: impl Into<String>) -> ElectionBuilder {
        ElectionBuilder::new(path.into(), id.into(), Mark::KAZOO_LOCK)
    }

    pub(super) fn run<W, F>(client: &Client, latch: LeaderLatch, grace: Duration, work: W) -> Self
    where
        W: Fn(Term) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            latch,
            client: client.clone(),
            grace,
            stop: CancellationToken::new(),
            running: Mutex::default(),
            ended: watch::Sender::new(None),
        });
        let (task, ended) = (lead(shared.clone(), Arc::new(work)), shared.clone());
        runtime::spawn_resident_to_end(client, task, move || ended.end(Err(over())));
        Self { shared }
    }

    /// The id this participant joined with.
    #[must_use]
    pub fn id(&self) -> &str {
        self.shared.latch.id()
    }

    /// The path of the election.
    #[must_use]
    pub fn path(&self) -> &str {
        self.shared.latch.path()
    }

    /// Whether this participant leads right now.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.shared.latch.is_leading()
    }

    /// What the participant is doing.
    #[must_use]
    pub fn state(&self) -> LatchState {
        self.shared.latch.state()
    }

    /// What the participant is doing, as it changes; the current state first.
    pub fn states(&self) -> LatchStates {
        self.shared.latch.states()
    }

    /// Everybody who takes part, the leader first, as the server this client talks to sees it.
    ///
    /// Cost: one list, then all nodes are read at once. Who leaves meanwhile is left out.
    pub async fn participants(&self) -> Result<Vec<Participant>> {
        self.shared.latch.participants().await
    }

    /// Who leads; `None` when nobody takes part.
    pub async fn leader(&self) -> Result<Option<Participant>> {
        self.shared.latch.leader().await
    }

    /// [`participants`](Self::participants) of the election at `path`, for who is not one of them.
    pub async fn participants_of(client: &Client, path: &str) -> Result<Vec<Participant>> {
        participants::list(client, path, Mark::LOCK).await
    }

    /// [`leader`](Self::leader) of the election at `path`, for who takes no part.
    pub async fn leader_of(client: &Client, path: &str) -> Result<Option<Participant>> {
        participants::leader(client, path, Mark::LOCK).await
    }

    /// Follows who leads at `path`, for who takes no part. The directory need not exist yet.
    pub async fn observe(client: &Client, path: &str) -> Result<LeaderObserver> {
        LeaderObserver::start(client, path, Mark::LOCK).await
    }

    /// As [`observe`](Self::observe), of an election in the layout of kazoo's `Election`.
    pub async fn observe_kazoo(client: &Client, path: &str) -> Result<LeaderObserver> {
        LeaderObserver::start(client, path, Mark::KAZOO_LOCK).await
    }

    /// Ends the work, then the term, and goes to the tail of the line (or out of it, if the builder
    /// said so). Returns when the server has confirmed that; at once if this participant does not
    /// lead. Dropped half-way, it goes on in the background.
    pub async fn resign(&self) -> Result<()> {
        let running = self.shared.running().clone();
        let Some(mut running) = running else { return Ok(()) };
        running.cancel.cancel();
        outcome(&mut running.over).await
    }

    /// Ends the work if it runs, then leaves the election, and waits until the server has confirmed
    /// it, through disconnects. The next in line leads at once.
    ///
    /// The node goes only after the work has ended: by itself in the grace period, or dropped. See
    /// the [module](super) about work that blocks its thread. Dropped half-way, it goes on in the
    /// background; may be called again.
    pub async fn stop(&self) -> Result<()> {
        self.shared.stop.cancel();
        outcome(&mut self.shared.ended.subscribe()).await
    }

    /// Waits until the election is over for this participant: [stopped](Self::stop), its client
    /// closed, or its only term served.
    pub async fn ended(&self) -> Result<()> {
        outcome(&mut self.shared.ended.subscribe()).await
    }
}

impl Drop for LeaderElection {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// How something ended, once it has.
async fn outcome(end: &mut watch::Receiver<Option<Result<()>>>) -> Result<()> {
    match end.wait_for(Option::is_some).await {
        Ok(end) => end.clone().unwrap_or(Ok(())),
        Err(_) => Err(over()),
    }
}

/// The runtime was shut down, and the task with it.
fn over() -> Error {
    Error::Client(ClientError::Closed)
}

impl Shared {
    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        // Nothing is left half-done under this lock, so a panic elsewhere is no reason to stop.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is over, like this, unless it was before.
    fn end(&self, how: Result<()>) {
        self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert(how);
            is_first
        });
    }

    /// One term: the work from its start to its end, and only then the end of the term.
    async fn serve(&self, leadership: Leadership, start: impl FnOnce(Term) -> Work) -> Result<()> {
        let term = Term::new(leadership.term());
        let cancel = term.cancellation();
        let (over, receiver) = watch::channel(None);
        *self.running() = Some(Running { cancel: cancel.clone(), over: receiver });
        let mut work = start(term);
        let end = tokio::select! {
            biased;
            end = work.ended() => Some(end),
            () = cancel.cancelled() => None,
            () = self.stop.cancelled() => None,
        };
        cancel.cancel();
        match end {
            Some(end) => self.report(end),
            None => self.wind_up(work).await,
        }
        *self.running() = None;
        if self.stop.is_cancelled() {
            // Not back into the line.
            self.latch.set_last_term();
        }
        let given_up = leadership.resign().await.map(drop);
        over.send_replace(Some(given_up.clone()));
        given_up
    }

    /// Waits for work that was told to end, and drops it when it takes too long.
    async fn wind_up(&self, mut work: Work) {
        if let Some(end) = runtime::within(self.grace, work.ended()).await {
            return self.report(end);
        }
        work.abort();
        match runtime::within(STUCK_WORK_LIMIT, work.ended()).await {
            Some(end) => self.report(end),
            None => warn!(
                path = self.latch.path(),
                id = self.latch.id(),
                "the work of a leader blocks its thread and cannot be ended: the term ends without"
            ),
        }
    }

    fn report(&self, end: WorkEnd) {
        if end == WorkEnd::Panicked {
            let (path, id) = (self.latch.path(), self.latch.id());
            error!(%path, %id, "the work of a leader panicked: the term is given up");
        }
    }
}

/// Leads whenever it is the turn, until the owner or the client has enough.
async fn lead<W, F>(shared: Arc<Shared>, work: Arc<W>)
where
    W: Fn(Term) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut given_up = Ok(());
    loop {
        let leadership = tokio::select! {
            biased;
            () = shared.stop.cancelled() => break,
            leadership = shared.latch.lead() => match leadership {
                Ok(leadership) => leadership,
                Err(Error::LatchClosed { .. }) => break,
                Err(failed) => {
                    warn!(path = shared.latch.path(), error = %failed, "cannot lead any more");
                    break;
                }
            },
        };
        let start = |term| {
            let work = work.clone();
            // Called inside of the task, where a panic harms nobody else.
            Work::start(&shared.client, async move { work(term).await })
        };
        given_up = shared.serve(leadership, start).await;
    }
    let left = shared.latch.leave().await;
    shared.end(left.and(given_up));
}
