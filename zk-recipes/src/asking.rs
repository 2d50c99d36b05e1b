//! Asking until there is an answer.
//!
//! A request that fails for now (the connection broke, the session is being replaced, the server
//! sheds load) is sent again after a pause. That is for requests which may be sent any number of
//! times: reads, and writes whose repetition shows in the answer.

use zk_client::{Client, Error, Pending};

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
