//! Tells the server when its time has come.

use std::sync::Arc;
use std::time::Instant;

use super::shared::{Shared, Stopped};
use crate::server::Event;

/// Runs until the server stops. While the server plays dead no time passes for it.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut paused = shared.halt.pauses();
    loop {
        let Ok(deadline) = shared.arm() else { return };
        let is_paused = *paused.borrow_and_update();
        tokio::select! {
            () = shared.halt.stopped() => return,
            () = shared.ticker.notified() => {}
            changed = paused.changed() => if changed.is_err() { return },
            () = sleep_until(deadline), if !is_paused => {
                if tick(&shared).is_err() { return }
                // There may be more to do at once, as when ten thousand sessions end together.
                shared.let_others_in().await;
            }
        }
    }
}

fn tick(shared: &Shared) -> Result<(), Stopped> {
    shared.act(|server, now| server.handle(now, Event::Tick))
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
