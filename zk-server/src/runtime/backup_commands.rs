//! AdminServer's `snapshot` and `restore` over HTTP: to a thread that may wait for the disk, and back.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::AUTHORIZATION;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::backup_body::{BodyReader, Piece, forward};
use super::clock;
use super::durable::{Backup, BackupError, Taken};
use super::http_places::{Answering, Place};
use super::shared::Shared;
use crate::admin::{self, AdminCommand, Gate, RESTORE_LEN_MAX, Refusal};
use crate::config::AdminConfig;

/// Pieces of a body between HTTP and a thread.
const PIECES_MAX: usize = 4;

/// How long a body that has to give way may take to be forgotten: what has come of it is in memory.
const GIVING_WAY_MAX: Duration = Duration::from_secs(10);

/// What the two commands work with.
pub(super) struct BackupCommands {
    /// `None`: the data are in memory only.
    backup: Option<Backup>,
    snapshots: Mutex<Gate>,
    restores: Mutex<Gate>,
    /// The body that has the turn to be restored, as long as it comes.
    coming: Mutex<Option<Coming>>,
    /// Told when the next restore may begin.
    restored: Notify,
    idle_timeout: Duration,
}

/// A body on its way.
#[derive(Clone)]
struct Coming {
    place: Arc<Place>,
    give_way: CancellationToken,
}

/// A piece of a snapshot on its way to an operator.
pub(super) type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// What an operator gets.
pub(super) enum BackupAnswer {
    /// The snapshot's zxid and bytes, and themselves if they were asked for.
    Snapshot { zxid: zk_proto::Zxid, len: u64, pieces: Option<Pieces> },
    /// The data are other ones now: JSON.
    Restored(String),
}

/// A connection that asks for one of them.
pub(super) struct Asking<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) peer: IpAddr,
    /// What shows that the connection does not stand still.
    pub(super) answering: &'a Answering,
}

impl BackupCommands {
    pub(super) fn new(backup: Option<Backup>, config: &AdminConfig) -> Arc<Self> {
        let (snapshots, restores) = (Gate::for_snapshots(config), Gate::for_restores(config));
        let (snapshots, restores) = (Mutex::new(snapshots), Mutex::new(restores));
        let (coming, restored) = (Mutex::default(), Notify::new());
        let idle_timeout = config.idle_timeout;
        Arc::new(Self { backup, snapshots, restores, coming, restored, idle_timeout })
    }

    /// Takes a snapshot, and sends it if it is wanted.
    pub(super) async fn snapshot(
        self: &Arc<Self>,
        asking: Asking<'_>,
        request: &Request<Incoming>,
        streaming: bool,
    ) -> Result<BackupAnswer, Refusal> {
        asking.authorize(request, AdminCommand::Snapshot)?;
        let turn = self.begin(Which::Snapshot).inspect_err(|_| {
            asking.count(|stats| stats.snapshots_limited += 1);
        })?;
        asking.answering.stay();
        let backup = self.backup.clone().ok_or(Refusal::InMemory)?;
        let shared = Arc::clone(asking.shared);
        let taken = self.work(&asking, move || {
            let taken = backup.snapshot(&shared);
            turn.end(taken.is_ok());
            taken
        });
        let taken = taken.await.inspect_err(|error| {
            tracing::warn!("cannot take a snapshot for an operator: {error}");
            asking.count(|stats| stats.snapshot_errors += 1);
        })?;
        let (zxid, len) = (taken.zxid, taken.len);
        Ok(BackupAnswer::Snapshot { zxid, len, pieces: streaming.then(|| send(taken)) })
    }

    /// Restores the snapshot in the body.
    pub(super) async fn restore(
        self: &Arc<Self>,
        asking: Asking<'_>,
        request: Request<Incoming>,
    ) -> Result<BackupAnswer, Refusal> {
        asking.authorize(&request, AdminCommand::Restore)?;
        let turn = self.begin_restore().await.inspect_err(|_| {
            asking.count(|stats| stats.restores_limited += 1);
        })?;
        asking.answering.stay();
        let backup = self.backup.clone().ok_or(Refusal::InMemory)?;
        if request.body().size_hint().lower() > RESTORE_LEN_MAX {
            return Err(Refusal::TooLong);
        }
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let shared = Arc::clone(asking.shared);
        let job = tokio::task::spawn_blocking(move || {
            let restored = backup.restore(&shared, BodyReader::new(receiver));
            turn.end(restored.is_ok());
            restored
        });
        self.receive(request.into_body(), sender, &asking).await?;
        let restored = self.wait(&asking, job).await.inspect_err(|error| {
            tracing::warn!("cannot restore what an operator sent: {error}");
            asking.count(|stats| stats.restore_errors += 1);
        })?;
        Ok(BackupAnswer::Restored(admin::restored(restored.zxid, restored.from)))
    }

    /// Has the body come to the thread, unless it stands still and another one wants the turn.
    async fn receive(
        &self,
        body: Incoming,
        sender: mpsc::Sender<Piece>,
        asking: &Asking<'_>,
    ) -> Result<(), Refusal> {
        let place = Arc::clone(asking.answering.place());
        let coming = Coming { place, give_way: CancellationToken::new() };
        let _guard = ComingGuard::new(self, &coming);
        tokio::select! {
            biased;
            forwarded = forward(body, sender, asking.answering) => forwarded,
            () = coming.give_way.cancelled() => {
                asking.count(|stats| stats.restore_errors += 1);
                Err(Refusal::GaveWay)
            }
        }
    }

    /// Begins a restore. A body that has the turn and does not come gives way: its sender could keep
    /// all others out for as long as a connection may stand still.
    async fn begin_restore(self: &Arc<Self>) -> Result<Turn, Refusal> {
        let give_up = Instant::now() + GIVING_WAY_MAX;
        loop {
            let restored = self.restored.notified();
            let refusal = match self.begin(Which::Restore) {
                Err(Refusal::Busy) => Refusal::Busy,
                begun => return begun,
            };
            let coming = locked(&self.coming).clone();
            let Some(coming) = coming.filter(|coming| coming.gives_way()) else {
                return Err(refusal);
            };
            coming.give_way.cancel();
            let waited = tokio::time::timeout_at(give_up.into(), restored).await;
            waited.map_err(|_| refusal)?;
        }
    }

    fn begin(self: &Arc<Self>, which: Which) -> Result<Turn, Refusal> {
        locked(self.gate(which)).begin(clock::now().instant)?;
        Ok(Turn { commands: Arc::clone(self), which, done: false })
    }

    fn gate(&self, which: Which) -> &Mutex<Gate> {
        match which {
            Which::Snapshot => &self.snapshots,
            Which::Restore => &self.restores,
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        asking: &Asking<'_>,
        job: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.wait(asking, tokio::task::spawn_blocking(job)).await
    }

    /// Waits for a thread. The connection does not stand still meanwhile: the client waits as well.
    async fn wait<T>(
        &self,
        asking: &Asking<'_>,
        mut job: JoinHandle<Result<T, BackupError>>,
    ) -> Result<T, Refusal> {
        let tick = self.idle_timeout / 3;
        loop {
            match tokio::time::timeout(tick, &mut job).await {
                Err(_) => asking.answering.note_progress(),
                Ok(Ok(done)) => return done.map_err(Refusal::from),
                // It has panicked, and everything else stops over that.
                Ok(Err(error)) => return Err(Refusal::Failed(error.to_string())),
            };
        }
    }
}

impl Asking<'_> {
    fn authorize(&self, request: &Request<Incoming>, command: AdminCommand) -> Result<(), Refusal> {
        let header = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
        let authorized = self
            .shared
            .act(|server, _| admin::authorize(server.access(), server.tree(), self.peer, header));
        let authorized = authorized.map_err(|_| Refusal::Stops)?;
        if let Err(refusal) = &authorized {
            let (name, peer) = (command.name(), self.peer);
            self.shared.report(&format_args!("{peer} may not ask for {name}: {refusal}"));
        }
        authorized
    }

    fn count(&self, count: impl FnOnce(&mut crate::server::stats::BackupStats)) {
        // A server that has stopped counts nothing.
        let _ = self.shared.act(|server, _| count(server.backup_stats()));
    }
}

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Stops => Self::Stops,
            BackupError::NotWhole(why) => Self::Invalid(why.to_string()),
            BackupError::Overrun(_) | BackupError::Disk(_) => Self::Failed(error.to_string()),
        }
    }
}

#[derive(Clone, Copy)]
enum Which {
    Snapshot,
    Restore,
}

/// Held by whoever does one of them, in whichever thread; the next one may begin when it is gone.
struct Turn {
    commands: Arc<BackupCommands>,
    which: Which,
    done: bool,
}

impl Turn {
    fn end(mut self, done: bool) {
        self.done = done;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        locked(self.commands.gate(self.which)).end(clock::now().instant, self.done);
        if matches!(self.which, Which::Restore) {
            self.commands.restored.notify_waiters();
        }
    }
}

impl Coming {
    fn gives_way(&self) -> bool {
        self.give_way.is_cancelled() || self.place.is_stalled(Instant::now())
    }
}

/// Shows a body as the one that comes, as long as this exists.
struct ComingGuard<'a> {
    commands: &'a BackupCommands,
    place: Arc<Place>,
}

impl<'a> ComingGuard<'a> {
    fn new(commands: &'a BackupCommands, coming: &Coming) -> Self {
        *locked(&commands.coming) = Some(coming.clone());
        Self { commands, place: Arc::clone(&coming.place) }
    }
}

impl Drop for ComingGuard<'_> {
    fn drop(&mut self) {
        // The next one may have shown its own already.
        let mut coming = locked(&self.commands.coming);
        if coming.as_ref().is_some_and(|coming| Arc::ptr_eq(&coming.place, &self.place)) {
            *coming = None;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a snapshot's file in a thread, no further than its reader is.
fn send(taken: Taken) -> Pieces {
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let read = taken.read(|piece| sender.blocking_send(Ok(piece)).is_ok());
        if let Err(error) = read {
            tracing::warn!("cannot read a snapshot for an operator: {error}");
            let _ = sender.blocking_send(Err(error));
        }
    });
    pieces
}
