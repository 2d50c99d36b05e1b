//! Going on under another mark: a writer that becomes a reader.

use zk_client::{CreateMode, Error as ClientError};

use super::{Contest, Held, HoldState, LostReason, OwnNode};
use crate::cleaner::is_passing;
use crate::error::{Error, Result};
use crate::runtime::Pauses;

impl Held {
    /// Puts a node of `contest`'s mark in the place of the own one, with the number that one has,
    /// and goes on holding with it.
    ///
    /// One transaction: others see the one node or the other, never both and never none. The new
    /// name has the old one's tag and number, so nobody else makes or made a node of that name: if
    /// it is there when the transaction is repeated, the reply to an earlier one was lost.
    ///
    /// The token stays: the new node is younger than contenders who stand behind it.
    pub(crate) async fn continue_as(mut self, contest: &Contest) -> Result<Held> {
        let term = self.term().clone();
        let lost = |reason| Error::NotHeld { path: contest.directory.clone(), reason };
        if let HoldState::Lost(reason) = term.state() {
            return Err(lost(reason));
        }
        match term.end(LostReason::Released) {
            LostReason::Released => {}
            reason => return Err(lost(reason)),
        }
        // From here on it is deleted when this is dropped, like the old one.
        let mut node = self.node().renamed(|name| contest.mark.in_place_of(name));
        let mut pauses = Pauses::new();
        let mut may_be_done = false;
        loop {
            let error = match exchange(contest, &node, self.node()).await {
                Ok(()) => break,
                Err(ClientError::NodeExists { .. }) if may_be_done => break,
                Err(error) => error,
            };
            match error {
                // The parent or the old node, and nobody but this call would have deleted it
                // without leaving the new one.
                ClientError::NoNode { .. } => {
                    node.set_gone();
                    self.node_mut().set_gone();
                    return Err(lost(LostReason::NodeDeleted));
                }
                ClientError::SessionExpired | ClientError::Closed => {
                    return Err(lost(term.session_over()));
                }
                error if is_passing(&error) => {
                    may_be_done |= error.is_outcome_unknown();
                    pauses.pause().await;
                }
                error => return Err(error.into()),
            }
        }
        self.node_mut().set_gone();
        Ok(Held::start(node, contest.options.let_go_when_suspended))
    }
}

async fn exchange(contest: &Contest, new: &OwnNode, old: &OwnNode) -> Result<(), ClientError> {
    let (data, mode) = (&contest.data, CreateMode::Ephemeral);
    let multi = contest.client.multi();
    let multi = match &contest.options.nodes.acl {
        Some(acl) => multi.create_with_acl(&new.path, data, mode, acl.iter().cloned()),
        None => multi.create(&new.path, data, mode),
    };
    match multi.delete(&old.path).in_session(old.epoch).commit().await {
        Ok(_) => Ok(()),
        Err(ClientError::Multi { source, .. }) => Err(*source),
        Err(error) => Err(error),
    }
}
