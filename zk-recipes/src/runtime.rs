//! The world of this crate in one place: the clock, timers, randomness, and the tasks that belong
//! to a client. Everything else here asks ZooKeeper and decides.
#![allow(clippy::disallowed_methods, reason = "this module is where recipes touch the world")]

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, FutureExt};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use zk_client::{Client, SessionState, simulation};

/// The first pause before something that failed for now is tried again.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The monotonic time.
pub(crate) fn now() -> Instant {
    simulation::now()
}

/// The wall time in milliseconds since the epoch; 0 on a clock set before it.
pub(crate) fn wall_ms() -> i64 {
    let since = simulation::wall_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Resolves at `deadline`.
pub(crate) async fn sleep_until(deadline: Instant) {
    tokio::time::sleep_until(deadline.into()).await;
}

/// Resolves after `delay`.
pub(crate) async fn sleep(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// The output of `future`, or `None` when `limit` passed first; `future` is dropped then.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}

/// A tag nobody can guess or use twice: a random UUID, lower case, 36 characters.
pub(crate) fn fresh_guid() -> String {
    let uuid = match simulation::is_on() {
        false => uuid::Uuid::new_v4(),
        true => uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid(),
    };
    uuid.hyphenated().to_string()
}

/// As [`fresh_guid`], in 32 hexadecimal digits.
pub(crate) fn fresh_hex() -> String {
    fresh_guid().replace('-', "")
}

/// A random share of `limit`, to spread what many processes would do at the same moment.
pub(crate) fn jitter(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}

/// A random number below `limit`; 0 if that is 0.
pub(crate) fn random_below(limit: usize) -> usize {
    if limit == 0 { 0 } else { fastrand::usize(..limit) }
}

/// Runs `task` as one of the client's own: it outlives the caller, and the client's close waits
/// for it. For work that comes to an end by itself. May be called anywhere, also in `drop`.
pub(crate) fn spawn_cleanup(client: &Client, task: impl Future<Output = ()> + Send + 'static) {
    client.spawn_cleanup(task);
}

/// Runs `task` for as long as a recipe lives, where the client runs: whoever uses a recipe may be
/// gone long before. It must end when the client is [`closed`].
pub(crate) fn spawn_resident(client: &Client, task: impl Future<Output = ()> + Send + 'static) {
    client.spawn(task);
}

/// As [`spawn_resident`], and calls `end` when the task has ended, however it did: also when the
/// runtime is shut down under it. For who waits until there is an end.
pub(crate) fn spawn_resident_to_end(
    client: &Client,
    task: impl Future<Output = ()> + Send + 'static,
    end: impl FnOnce() + Send + 'static,
) {
    let end = AtEnd(Some(end));
    spawn_resident(client, async move {
        let _end = end;
        task.await;
    });
}

/// Calls what it holds when it is dropped.
struct AtEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// Work of the caller's that runs where the client does. Dropping this does not end it.
#[derive(Debug)]
pub(crate) struct Work {
    abort: AbortHandle,
    ended: oneshot::Receiver<WorkEnd>,
}

/// How work ended. It has been dropped when this is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkEnd {
    Returned,
    Panicked,
    /// It was aborted, or the runtime is gone.
    Dropped,
}

impl Work {
    pub(crate) fn start(client: &Client, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let (abort, registration) = AbortHandle::new_pair();
        let (told, ended) = oneshot::channel();
        spawn_resident(client, async move {
            let caught = AssertUnwindSafe(work).catch_unwind();
            let end = match Abortable::new(caught, registration).await {
                Ok(Ok(())) => WorkEnd::Returned,
                Ok(Err(_)) => WorkEnd::Panicked,
                Err(_) => WorkEnd::Dropped,
            };
            // Nobody may be waiting.
            let _ = told.send(end);
        });
        Self { abort, ended }
    }

    /// Drops the work at whatever it awaits; [`ended`](Self::ended) tells when that is done.
    pub(crate) fn abort(&self) {
        self.abort.abort();
    }

    /// Waits for the end of the work. Cancel-safe.
    pub(crate) async fn ended(&mut self) -> WorkEnd {
        (&mut self.ended).await.unwrap_or(WorkEnd::Dropped)
    }
}

/// Resolves when the client is closed, or came to its end otherwise.
pub(crate) async fn closed(client: &Client) {
    follow_states(client, |_| {}).await;
}

/// Resolves when a task has to end: whoever owns it says so, or the client is [`closed`].
pub(crate) async fn stopped(stop: &CancellationToken, client: &Client) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = closed(client) => {}
    }
}

/// Shows `state`, and wakes those who watch only if it is another one than before.
pub(crate) fn publish<T: PartialEq>(states: &watch::Sender<T>, state: T) {
    states.send_if_modified(|current| {
        let is_new = *current != state;
        *current = state;
        is_new
    });
}

/// Says each state of the session, the present one first, until the client is closed. For a view
/// that has to show that it may be outdated while it waits for an answer that does not come.
pub(crate) async fn follow_states(client: &Client, mut told: impl FnMut(SessionState)) {
    let mut states = client.states();
    while let Some(state) = states.next().await {
        told(state);
    }
}

/// Growing pauses with jitter between attempts of one kind.
///
/// Requests wait inside the client while there is no connection, so these pauses matter only when
/// a server answers and keeps refusing: it is shedding load, say, or read-only for now.
#[derive(Debug)]
pub(crate) struct Pauses(ExponentialBackoff);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self(
            ExponentialBuilder::default()
                .with_min_delay(PAUSE_MIN)
                .with_max_delay(PAUSE_MAX)
                .with_jitter()
                .with_jitter_seed(fastrand::u64(..))
                .without_max_times()
                .build(),
        )
    }

    /// The last attempt has held for so long: if that is longer than any pause, the next one is as
    /// short as the first. What ends sooner may end at once the next time, too.
    pub(crate) fn went_well_for(&mut self, held: Duration) {
        if held > PAUSE_MAX {
            *self = Self::new();
        }
    }

    /// Waits before the next attempt.
    pub(crate) async fn pause(&mut self) {
        sleep(self.0.next().unwrap_or(PAUSE_MAX)).await;
    }
}
