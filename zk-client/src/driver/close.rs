//! Ending a client in order, in bounded time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zk_proto::OpCode;

use crate::error::{Error, Result};
use crate::handover::SessionHandover;
use crate::queue::Command;
use crate::session::Failure;
use crate::shared::Shared;

/// How much longer than its own bound the session is given to end, before the driver is told to
/// give up: only a driver that gets no time to run is that late.
const GRACE: Duration = Duration::from_millis(500);

/// Closes a client: tidying first, then the requests that were sent, then the session.
pub(crate) async fn close(shared: Arc<Shared>) -> Result<()> {
    if !end(&shared, Command::Close).await {
        return unconfirmed(&Failure::TimedOut { in_flight: true }, shared.close_timeout);
    }
    match shared.close_outcome.get() {
        // Without an outcome the session had ended before.
        None | Some(Ok(_)) => Ok(()),
        Some(Err(failure)) => unconfirmed(failure, shared.close_timeout),
    }
}

/// Closes a client: tidying first, then the requests that were sent; the session stays.
pub(crate) async fn detach(shared: Arc<Shared>) -> Result<SessionHandover> {
    end(&shared, Command::Detach).await;
    match (shared.detached.get(), shared.end.get()) {
        (Some(handover), _) => Ok(handover.clone()),
        (None, Some(Failure::Closed)) if shared.close_outcome.get().is_none() => {
            Err(Error::SessionExpired)
        }
        (None, _) => Err(shared.end_error()),
    }
}

/// Brings the client to its end by this last command; whether it got there in time.
async fn end(shared: &Shared, last: Command) -> bool {
    shared.cleanup.close();
    if timeout(shared.close_timeout, shared.cleanup.wait()).await.is_err() {
        tracing::warn!(tasks = shared.cleanup.len(), "closing without waiting for all tidying");
    }
    shared.queue.close(last);
    let mut snapshots = shared.snapshot.subscribe();
    let ended = snapshots.wait_for(|now| now.finished);
    if timeout(shared.close_timeout.saturating_add(GRACE), ended).await.is_err() {
        shared.queue.abort();
        return false;
    }
    true
}

/// What it means that the server did not say goodbye.
fn unconfirmed(failure: &Failure, after: Duration) -> Result<()> {
    let (op, path) = (OpCode::CloseSession.name(), String::new());
    match failure {
        // There is no session to be ended.
        Failure::SessionExpired | Failure::AuthFailed(_) | Failure::Closed => Ok(()),
        Failure::TimedOut { in_flight } => {
            Err(Error::Timeout { op, path, after, in_flight: *in_flight })
        }
        _ => Err(Error::ConnectionLoss { op, path }),
    }
}
