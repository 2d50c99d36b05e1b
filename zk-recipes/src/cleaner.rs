//! Removes nodes whose maker is gone: a waiter was dropped, a guard went out of scope, a create got
//! no reply and its caller gave up.
//!
//! The work belongs to the client, never to the caller: a caller's deadline or cancellation is the
//! very reason why it is needed. It goes on through disconnects until the node is gone for certain
//! or its session is over, which takes an ephemeral node with it.

use tracing::{debug, warn};
use zk_client::{Client, Error, ErrorCode};

use crate::parents::child;
use crate::runtime::{self, Pauses};

/// What became of a node that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Released {
    /// It was removed by this call.
    Released,
    /// It had gone before: somebody deleted it.
    AlreadyGone,
    /// Its session is over, and that removed it.
    SessionEnded,
}

/// Deletes `path` in the background.
pub(crate) fn delete_later(client: &Client, path: String) {
    let task_client = client.clone();
    runtime::spawn_cleanup(client, async move {
        match delete(&task_client, &path).await {
            Ok(outcome) => debug!(%path, ?outcome, "cleaned up"),
            Err(error) => warn!(
                %path, %error,
                "could not delete a node nobody uses any more: it stays until its session ends"
            ),
        }
    });
}

/// Finds the child of `directory` tagged `tag`, whose create never got its answer, and deletes it
/// in the background.
pub(crate) fn delete_tagged_later(client: &Client, directory: String, tag: String) {
    let task_client = client.clone();
    runtime::spawn_cleanup(client, async move {
        match delete_tagged(&task_client, &directory, &tag).await {
            Ok(()) => debug!(%directory, %tag, "cleaned up what an unanswered create left"),
            Err(error) => warn!(
                %directory, %tag, %error,
                "could not look for what an unanswered create left: it stays until its session ends"
            ),
        }
    });
}

/// Deletes `path` and waits until that is decided, through any number of disconnects.
///
/// Paths carry a random tag, so a delete that takes effect late cannot hit anybody else's node.
pub(crate) async fn delete(client: &Client, path: &str) -> Result<Released, Error> {
    let mut pauses = Pauses::new();
    let mut may_be_done = false;
    loop {
        match client.delete(path).await {
            Ok(()) => return Ok(Released::Released),
            Err(Error::NoNode { .. }) if may_be_done => return Ok(Released::Released),
            Err(Error::NoNode { .. }) => return Ok(Released::AlreadyGone),
            Err(Error::SessionExpired | Error::Closed) => return Ok(Released::SessionEnded),
            Err(error) if is_passing(&error) => may_be_done |= error.is_outcome_unknown(),
            Err(error) => return Err(error),
        }
        pauses.pause().await;
    }
}

async fn delete_tagged(client: &Client, directory: &str, tag: &str) -> Result<(), Error> {
    let mut pauses = Pauses::new();
    loop {
        match list_synced(client, directory).await {
            Ok(children) => {
                for name in children.iter().filter(|name| name.starts_with(tag)) {
                    delete(client, &child(directory, name)).await?;
                }
                return Ok(());
            }
            Err(Error::NoNode { .. } | Error::SessionExpired | Error::Closed) => return Ok(()),
            Err(error) if is_passing(&error) => pauses.pause().await,
            Err(error) => return Err(error),
        }
    }
}

/// The children of `directory` as of now, on the leader's clock.
///
/// After a reconnect the new server may lag behind the create whose fate is in question. `sync`
/// brings it up to date, and from then on the answer is final: the leader takes nothing more from
/// the old connection of this session.
pub(crate) async fn list_synced(client: &Client, directory: &str) -> Result<Vec<String>, Error> {
    let synced = client.sync(directory).send();
    let listed = client.children(directory).send();
    match synced.await {
        // Nothing to bring up to date where there is nothing; the list says so itself.
        Ok(()) | Err(Error::NoNode { .. }) => {}
        Err(error) => return Err(error),
    }
    let (children, _) = listed.await?;
    Ok(children)
}

/// Whether to ask again: nothing is wrong with the request, only with the moment.
pub(crate) fn is_passing(error: &Error) -> bool {
    // "Moved" is said by the server that was left behind; the client is on its way to the new one.
    let moved = error.code() == Some(ErrorCode::SessionMoved);
    (error.is_retryable() || error.is_outcome_unknown() || moved)
        && !matches!(error, Error::SessionExpired | Error::Closed | Error::AuthFailed)
}
