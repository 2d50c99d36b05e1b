//! Waiting for a condition, with an end.

use std::time::Duration;

/// How long any one condition may take: far above what it should, so that a slow machine is no
/// failure and a hang is one.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The future's value.
///
/// # Panics
///
/// With `what`, if it does not come in time.
pub async fn within<F: IntoFuture>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// Asks again and again until the answer is yes. For what nothing announces; where a watch or a
/// state stream does, wait for that instead.
///
/// # Panics
///
/// With `what`, if it does not become true in time.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    within(what, async {
        let mut turn = tokio::time::interval(Duration::from_millis(10));
        while !condition().await {
            turn.tick().await;
        }
    })
    .await;
}

/// Plays a scene whose session ends by silence when its timeout has passed: the shortest that every
/// target grants. A machine that stands still for as long as that ends it before the scene wants it,
/// which is not what the scene is about: then it gives up with `None`, and is played again with a
/// longer session.
///
/// # Panics
///
/// If it gives up however long the session.
pub async fn with_short_session(scene: impl AsyncFn(Duration) -> Option<()>) {
    for session_ms in [400, 2000, 10_000] {
        if scene(Duration::from_millis(session_ms)).await.is_some() {
            return;
        }
    }
    panic!("no session lives as long as it should");
}
