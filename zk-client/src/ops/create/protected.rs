//! Creates that are found again when their reply is lost.
//!
//! A create of a name that nobody knows beforehand, whose reply is lost, leaves a node that nobody
//! answers for; an ephemeral one stays as long as the session lives. So each attempt puts a random
//! tag into the name, and an attempt without an answer ends in one of four ways:
//!
//! 1. after a `sync` the tag is listed, and the node is this session's: it is the one;
//! 2. it is not listed: it never will be; another attempt, with another tag;
//! 3. the session is over: an ephemeral node of the former one is never adopted but removed;
//! 4. the caller gives up: the client does 1 to 3 in the background, and deletes.

use zk_proto::path;

use super::Created;
use crate::client::Client;
use crate::driver::{Pauses, fresh_guid};
use crate::error::{Error, Result};
use crate::ops::Limits;
use crate::ops::delete::delete_for_certain;

/// How a tag looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tag {
    /// `_c_<uuid>-`
    Curator,
    /// 32 hexadecimal digits.
    Hex,
}

impl Tag {
    fn fresh(self) -> String {
        let guid = fresh_guid();
        match self {
            Self::Curator => format!("_c_{guid}-"),
            Self::Hex => guid.replace('-', ""),
        }
    }
}

/// A create whose outcome is not known yet. Dropped before it is, it leaves the question to the
/// client's cleaner.
#[derive(Debug)]
pub(super) struct Unsettled {
    client: Client,
    /// The parent of the node.
    directory: String,
    tag: String,
    /// The session of the create; `None` if the node does not belong to one.
    epoch: Option<u64>,
    settled: bool,
}

/// What became of a create without an answer.
pub(super) enum Found {
    Ours(Created),
    OfAnotherSession,
    Nothing,
}

impl Unsettled {
    /// A tag for a node at `path`, and the path with the tag in it.
    pub(super) fn new(client: &Client, path: &str, tag: Tag, epoch: Option<u64>) -> (Self, String) {
        let directory = path::parent(path).unwrap_or("/").to_owned();
        let tag = tag.fresh();
        let tagged = path::join(&directory, &format!("{tag}{}", path::basename(path)));
        (Self { client: client.clone(), directory, tag, epoch, settled: false }, tagged)
    }

    /// The outcome is known.
    pub(super) fn settle(mut self) {
        self.settled = true;
    }

    /// Asks the server what became of the create, through disconnects.
    pub(super) async fn find(&self, limits: Limits) -> Result<Found> {
        let mut pauses = Pauses::new();
        loop {
            match self.look(limits).await {
                Err(error) if error.is_passing() && !limits.are_exhausted() => {
                    pauses.pause(limits.deadline).await;
                }
                found => return found,
            }
        }
    }

    async fn look(&self, limits: Limits) -> Result<Found> {
        let Some(path) = tagged(&self.client, &self.directory, &self.tag, limits).await? else {
            return Ok(Found::Nothing);
        };
        let Some(stat) = self.client.exists(&path).limited(limits).await? else {
            return Ok(Found::Nothing);
        };
        let is_ours = match self.epoch {
            None => true,
            Some(epoch) => {
                self.client.session_id() == Some(stat.ephemeral_owner)
                    && self.client.session_epoch() == epoch
            }
        };
        Ok(if is_ours { Found::Ours(Created { path, stat }) } else { Found::OfAnotherSession })
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if !self.settled {
            let (directory, tag) =
                (std::mem::take(&mut self.directory), std::mem::take(&mut self.tag));
            let client = self.client.clone();
            let ephemeral = self.epoch.is_some();
            self.client.spawn_cleanup(async move {
                match delete_tagged(&client, &directory, &tag, ephemeral).await {
                    Ok(()) => {
                        tracing::debug!(directory, tag, "no unanswered create was left behind")
                    }
                    Err(error) => tracing::warn!(
                        directory, tag, %error,
                        "could not look for what an unanswered create left: if it is ephemeral it \
                         stays until its session ends, otherwise for good"
                    ),
                }
            });
        }
    }
}

/// Deletes what a create left that nobody answers for any more.
async fn delete_tagged(client: &Client, directory: &str, tag: &str, ephemeral: bool) -> Result<()> {
    // The caller's limits are the very reason why this is needed.
    let mut pauses = Pauses::new();
    loop {
        let error = match tagged(client, directory, tag, Limits::NONE).await {
            Ok(None) => return Ok(()),
            Ok(Some(path)) => match delete_for_certain(client, &path, Limits::NONE).await {
                Ok(()) | Err(Error::NoNode { .. }) => return Ok(()),
                Err(error) => error,
            },
            Err(error) => error,
        };
        match error {
            Error::Closed => return Ok(()),
            Error::SessionExpired if ephemeral => return Ok(()),
            error if error.is_passing() || error == Error::SessionExpired => {
                pauses.pause(None).await;
            }
            error => return Err(error),
        }
    }
}

/// The path of the child of `directory` with this tag, as of now on the leader's clock.
///
/// After a reconnection the new server may lag behind the create whose fate is in question. `sync`
/// brings it up to date, and from then on the answer is final: the leader takes nothing more from
/// the old connection of this session.
async fn tagged(
    client: &Client,
    directory: &str,
    tag: &str,
    limits: Limits,
) -> Result<Option<String>> {
    let synced = client.sync(directory).limited(limits).send();
    let listed = client.children(directory).limited(limits).send();
    match synced.await {
        // Nothing to bring up to date where there is nothing; the list says so itself.
        Ok(()) | Err(Error::NoNode { .. }) => {}
        Err(error) => return Err(error),
    }
    let children = match listed.await {
        Err(Error::NoNode { .. }) => return Ok(None),
        listed => listed?.0,
    };
    let name = children.iter().find(|name| name.starts_with(tag));
    Ok(name.map(|name| path::join(directory, name)))
}
