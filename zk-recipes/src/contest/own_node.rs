//! The contender's own node, which never stays behind when its owner is gone.

use zk_client::{Client, SessionId, Stat};

use super::FencingToken;
use crate::cleaner::{self, Released};
use crate::error::Result;
use crate::runtime;

/// A node this process made and answers for. Dropped, it is deleted in the background, unless it
/// is known to be gone.
#[derive(Debug)]
pub(crate) struct OwnNode {
    pub(crate) client: Client,
    pub(crate) path: String,
    /// The zxid of its creation, or of that of the first node that it stands for.
    pub(crate) token: FencingToken,
    pub(crate) session: SessionId,
    /// The client's number of that session.
    pub(crate) epoch: u64,
    gone: bool,
}

impl OwnNode {
    /// Takes charge of a node as soon as it is known. `epoch` was read before the create was sent.
    pub(crate) fn new(client: &Client, path: String, stat: &Stat, epoch: u64) -> Self {
        Self {
            client: client.clone(),
            path,
            token: FencingToken::of(stat.czxid),
            session: stat.ephemeral_owner,
            epoch,
            gone: false,
        }
    }

    /// Takes charge of a node beside this one that may be made in the same session.
    pub(crate) fn renamed(&self, rename: impl FnOnce(&str) -> String) -> Self {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or_default();
        let path = format!("{directory}/{}", rename(name));
        let Self { client, token, session, epoch, .. } = self;
        Self {
            client: client.clone(),
            path,
            token: *token,
            session: *session,
            epoch: *epoch,
            gone: false,
        }
    }

    /// The last element of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the session that owns this node is still the client's.
    pub(crate) fn is_in_session(&self) -> bool {
        self.client.session_id() == Some(self.session) && self.client.session_epoch() == self.epoch
    }

    /// Whether the session that owns the node can be relied on: it is the client's current one, and
    /// a server answered it recently enough.
    pub(crate) fn is_surely_alive(&self) -> bool {
        let deadline = self.client.session_deadline();
        self.is_in_session() && deadline.is_some_and(|deadline| runtime::now() < deadline)
    }

    /// The node is known not to exist any more.
    pub(crate) fn set_gone(&mut self) {
        self.gone = true;
    }

    /// Deletes the node and waits until that is decided. Dropped half-way, the work goes on in the
    /// background.
    pub(crate) async fn delete(&mut self) -> Result<Released> {
        if self.client.session_epoch() != self.epoch {
            self.gone = true;
            return Ok(Released::SessionEnded);
        }
        // Gone or going: the work is the client's from here on.
        self.gone = true;
        Ok(cleaner::delete(&self.client, &self.path, self.epoch).await?)
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        if !self.gone && self.client.session_epoch() == self.epoch {
            drop(cleaner::delete(&self.client, &self.path, self.epoch));
        }
    }
}
