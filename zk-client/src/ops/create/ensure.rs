//! Making a path exist.

use zk_proto::{Acl, path};

use super::careful::ATTEMPTS_MAX;
use super::parents::Parents;
use crate::client::Client;
use crate::driver::Pauses;
use crate::error::{Error, Result};
use crate::ops::{Call, Limits, Pending, request};

/// Makes a path exist; made by [`Client::ensure_path`](crate::Client::ensure_path).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct EnsurePath<'a> {
    call: Call<'a>,
    parents: Parents,
}

impl<'a> EnsurePath<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, parents: Parents { containers: false, acl: None } }
    }

    /// Creates what is missing as containers, which the server deletes once their last child is
    /// gone. Servers before 3.5.1 have none: there it is persistent.
    pub fn containers(mut self) -> Self {
        self.parents.containers = true;
        self
    }

    /// The ACL of what is created. Without it the client's
    /// [`default_acl`](crate::ClientBuilder::default_acl).
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.parents.acl = Some(acl.into_iter().collect());
        self
    }

    /// Sends the first request now; the result is awaited later.
    pub fn send(self) -> Pending<()> {
        if let Err(reason) = path::validate(self.call.path()) {
            return Pending::failed(self.call.invalid_path(&reason));
        }
        let limits = self.call.limits().started();
        let client = self.call.client().clone();
        let (shown, parents) = (self.call.path().to_owned(), self.parents);
        // The chroot is a part of the path, and may be missing as well.
        let (client, path) = match shown.as_str() {
            "/" => (client.unrooted(), client.chroot().to_server("/").into_owned()),
            path => (client, path.to_owned()),
        };
        let there = client.exists(&path).limited(limits).send();
        Pending::chained(async move {
            let is_there = match there.await {
                Ok(stat) => stat.is_some(),
                // One may not look; one may be allowed to create.
                Err(Error::NoAuth { .. }) => false,
                Err(error) => return Err(error.with_path(&shown)),
            };
            if is_there {
                return Ok(());
            }
            let made = make(&client, &path, &parents, limits).await;
            made.map_err(|error| if path == shown { error } else { error.with_path(&shown) })
        })
    }
}

/// Creates `path` and everything above it, except what is there already. Repeating that does no
/// harm, so it is repeated when its outcome is unknown, or somebody deletes what it creates.
async fn make(client: &Client, path: &str, parents: &Parents, limits: Limits) -> Result<()> {
    let mut pauses = Pauses::new();
    let last_child = path::join(path, "");
    let mut attempts = 1;
    loop {
        match parents.send(client, &last_child, limits).settle().await {
            Err(Error::Unimplemented { .. }) if parents.containers && attempts == 1 => {}
            Err(error)
                if attempts == ATTEMPTS_MAX
                    || limits.are_exhausted()
                    || !(error.is_passing() || matches!(error, Error::NoNode { .. })) =>
            {
                return Err(error);
            }
            Err(_) => pauses.pause(limits.deadline).await,
            Ok(()) => return Ok(()),
        }
        attempts += 1;
    }
}

request!(EnsurePath => ());
