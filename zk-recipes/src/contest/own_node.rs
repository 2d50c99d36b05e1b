//! The contender's own node, which never stays behind when its owner is gone.

use zk_client::{Client, SessionId, Stat, Zxid};

use crate::cleaner::{self, Released};
use crate::error::Result;

/// A node this process made and answers for. Dropped, it is deleted in the background, unless it
/// is known to be gone.
#[derive(Debug)]
pub(crate) struct OwnNode {
    pub(crate) client: Client,
    pub(crate) path: String,
    pub(crate) created: Zxid,
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
            created: stat.czxid,
            session: stat.ephemeral_owner,
            epoch,
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
        let released = cleaner::delete(&self.client, &self.path).await?;
        self.gone = true;
        Ok(released)
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        if !self.gone && self.client.session_epoch() == self.epoch {
            cleaner::delete_later(&self.client, std::mem::take(&mut self.path));
        }
    }
}
