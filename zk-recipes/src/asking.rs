//! Asking until there is an answer.
//!
//! A request that fails for now (the connection broke, the session is being replaced, the server
//! sheds load) is sent again after a pause. That is for requests which may be sent any number of
//! times: reads, and writes whose repetition shows in the answer.

use zk_client::{Client, Error, OneshotWatch, Pending, Stat, Zxid};

use crate::cleaner::is_passing;
use crate::options::NodeOptions;
use crate::parents::{self, Parents};
use crate::runtime::Pauses;

/// Whether to ask again, in the same session or in the next one.
pub(crate) fn may_pass(client: &Client, error: &Error) -> bool {
    is_passing(error) || (*error == Error::SessionExpired && !client.is_closed())
}

/// The answer to what `send` sends, however often it takes.
pub(crate) async fn ask<T>(
    client: &Client,
    mut send: impl FnMut() -> Pending<T>,
) -> Result<T, Error> {
    let mut pauses = Pauses::new();
    loop {
        match send().await {
            Err(error) if may_pass(client, &error) => pauses.pause().await,
            answer => return answer,
        }
    }
}

/// As [`ask`], but ends with the session.
pub(crate) async fn ask_in_session<T>(mut send: impl FnMut() -> Pending<T>) -> Result<T, Error> {
    let mut pauses = Pauses::new();
    loop {
        match send().await {
            Err(error) if is_passing(&error) => pauses.pause().await,
            answer => return answer,
        }
    }
}

/// The names under `directory`, and a watch for the next change, be it that there is a directory.
pub(crate) async fn list_watched(
    client: &Client,
    directory: &str,
) -> Result<(Vec<String>, OneshotWatch), Error> {
    loop {
        match ask(client, || client.children(directory).watch().send()).await {
            Ok((names, _, watch)) => return Ok((names, watch)),
            Err(Error::NoNode { .. }) => {}
            Err(error) => return Err(error),
        }
        // A list of what is missing leaves no watch. If it was made between the two requests, it
        // can be listed now; it takes somebody who deletes and makes it all the time to get here
        // again.
        let (found, watch) = ask(client, || client.exists(directory).watch().send()).await?;
        if found.is_none() {
            return Ok((Vec::new(), watch));
        }
    }
}

/// As [`ask`], for a create in `directory`, which is made whenever the server says it is missing:
/// at first, and after a container was swept away.
pub(crate) async fn ask_in<T>(
    client: &Client,
    directory: &str,
    options: &NodeOptions,
    mut send: impl FnMut() -> Pending<T>,
) -> Result<T, Error> {
    let mut pauses = Pauses::new();
    loop {
        match send().await {
            Err(Error::NoNode { .. }) => make(client, directory, options).await?,
            Err(error) if may_pass(client, &error) => pauses.pause().await,
            answer => return answer,
        }
    }
}

/// Deletes the node at `path`, but none that was made in its place while the outcome was unknown.
///
/// A delete whose reply was lost may have been carried out, and somebody may have made the node anew
/// since; a repeated delete would hit that one. No request of the protocol deletes a node only if
/// it is the one that was meant: a version is 0 on each. So `look` tells before each attempt, as of
/// now on the leader's clock, which node is to be deleted, if any, by its czxid; only the first one
/// it tells of is. After `sync` on a new connection of the session the look is final about the
/// attempts before: the leader takes nothing more from the old connection. So of all attempts one
/// is carried out at most. What remains is the time between a look and its delete.
pub(crate) async fn delete_one<F>(
    client: &Client,
    path: &str,
    mut look: impl FnMut() -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<Option<Zxid>, Error>>,
{
    let mut first = None;
    let mut pauses = Pauses::new();
    loop {
        let deleted = match look().await {
            Ok(Some(found)) if *first.get_or_insert(found) == found => client.delete(path).await,
            looked => looked.map(drop),
        };
        match deleted {
            Ok(()) | Err(Error::NoNode { .. }) => return Ok(()),
            Err(error) if may_pass(client, &error) => pauses.pause().await,
            Err(error) => return Err(error),
        }
    }
}

/// The node at `path` as of now, on the leader's clock, if there is one.
pub(crate) async fn exists_synced(client: &Client, path: &str) -> Result<Option<Stat>, Error> {
    let synced = client.sync(path).send();
    let found = client.exists(path).send();
    match synced.await {
        // Nothing to bring up to date where there is nothing; the look says so itself.
        Ok(()) | Err(Error::NoNode { .. }) => found.await,
        Err(error) => Err(error),
    }
}

/// Makes `directory` and what is above it.
pub(crate) async fn make(
    client: &Client,
    directory: &str,
    options: &NodeOptions,
) -> Result<(), Error> {
    let mut pauses = Pauses::new();
    loop {
        let acl = options.parents_acl.as_deref();
        match parents::ensure(client, directory, options.parents, acl).await {
            // A container above was swept away between two of the creates.
            Err(Error::NoNode { .. }) if options.parents != Parents::MustExist => {}
            Err(error) if may_pass(client, &error) => {}
            done => return done,
        }
        pauses.pause().await;
    }
}

/// The directory a node lies in.
pub(crate) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}
