//! The world of this crate in one place: the clock, timers, randomness, and the tasks that belong
//! to a client. Everything else here asks ZooKeeper and decides.
#![allow(clippy::disallowed_methods, reason = "this module is where recipes touch the world")]

use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::StreamExt;
use zk_client::Client;

/// The first pause before something that failed for now is tried again.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The monotonic time.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The wall time in milliseconds since the epoch; 0 on a clock set before it.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
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
    uuid::Uuid::new_v4().hyphenated().to_string()
}

/// A random share of `limit`, to spread what many processes would do at the same moment.
pub(crate) fn jitter(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}

/// Runs `task` as one of the client's own: it outlives the caller, and the client's close waits
/// for it. For work that comes to an end by itself. May be called anywhere, also in `drop`.
pub(crate) fn spawn_cleanup(client: &Client, task: impl Future<Output = ()> + Send + 'static) {
    client.spawn_cleanup(task);
}

/// Runs `task` for as long as a recipe lives. It must end when the client is [`closed`].
pub(crate) fn spawn_resident(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// Resolves when the client is closed, or came to its end otherwise.
pub(crate) async fn closed(client: &Client) {
    let mut states = client.states();
    while states.next().await.is_some() {}
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

    /// Waits before the next attempt.
    pub(crate) async fn pause(&mut self) {
        sleep(self.0.next().unwrap_or(PAUSE_MAX)).await;
    }
}
