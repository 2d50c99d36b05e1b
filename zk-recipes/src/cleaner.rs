//! Removes nodes whose maker is gone: a waiter was dropped, a guard went out of scope, a create got
//! no reply and its caller gave up.
//!
//! The work belongs to the client, never to the caller: a caller's deadline or cancellation is the
//! very reason why it is needed. It goes on through disconnects until the node is gone for certain
//! or its session is over, which takes an ephemeral node with it.

use zk_client::{Client, Error, ErrorCode};

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

/// Deletes `path`, unless its session is over, and tells when that is decided, through any number of
/// disconnects. The work goes on in the background when the future is dropped.
///
/// Paths carry a random tag, so a delete that takes effect late cannot hit anybody else's node.
pub(crate) fn delete(
    client: &Client,
    path: &str,
    epoch: u64,
) -> impl Future<Output = Result<Released, Error>> + use<> {
    let deleted = client.delete(path).guaranteed().in_session(epoch).send();
    async move {
        match deleted.await {
            Ok(()) => Ok(Released::Released),
            Err(Error::NoNode { .. }) => Ok(Released::AlreadyGone),
            Err(Error::SessionExpired | Error::Closed) => Ok(Released::SessionEnded),
            // Only the end of the session leaves the question open, and answers it.
            Err(error) if error.is_outcome_unknown() => Ok(Released::SessionEnded),
            Err(error) => Err(error),
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
        && !matches!(error, Error::SessionExpired | Error::Closed | Error::AuthFailed { .. })
}
