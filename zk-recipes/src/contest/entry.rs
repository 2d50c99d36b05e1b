//! Getting in line: the create that is found again when its reply is lost.
//!
//! An ephemeral sequential create whose reply is lost is the classic trap of these recipes: the
//! node is there, nobody knows its name, and it blocks the line for as long as the session lives.
//! So every attempt puts a random tag into the name, and an attempt without an answer ends in one of
//! four ways:
//!
//! 1. same session, and after a `sync` the tag is listed: the node is ours;
//! 2. same session, and it is not listed: it never will be; another attempt, with another tag;
//! 3. another session: what the old one left is never adopted but removed; another attempt;
//! 4. the caller gives up: the client's cleaner does 1 to 3 and deletes.

use tracing::{debug, warn};
use zk_client::{Client, CreateMode, Error as ClientError};

use super::{Contest, OwnNode, Standing};
use crate::cleaner::{self, is_passing, list_synced};
use crate::error::{Error, Result};
use crate::parents::{self, child};
use crate::runtime::{Pauses, fresh_guid};
use crate::sequence::{Headroom, headroom};

/// How one attempt to get in line ended.
enum Attempt {
    /// The own node, and the children listed after its creation if that list came.
    Entered(OwnNode, Option<Vec<String>>),
    /// There is no directory to create in.
    NoDirectory,
    /// Nothing was created, and nothing speaks against another attempt.
    Again,
    /// The session is over.
    SessionLost,
}

impl Contest {
    /// Creates the own node, with its parents if need be.
    ///
    /// One round trip: the list is sent right behind the create, and the server answers a session
    /// in order, so it shows the line with the new node in it.
    pub(crate) async fn enter(&self) -> Result<Standing> {
        let mut pauses = Pauses::new();
        loop {
            match self.attempt().await? {
                Attempt::Entered(node, children) => return self.admit(node, children),
                Attempt::NoDirectory => self.make_directory(&mut pauses).await?,
                Attempt::Again => pauses.pause().await,
                Attempt::SessionLost => self.start_over()?,
            }
        }
    }

    async fn attempt(&self) -> Result<Attempt> {
        let tag = format!("_c_{}", fresh_guid());
        let path = child(&self.directory, &self.mark.protected_name(&tag));
        // Read before the create is sent: if the session changes in between, the node counts as the
        // former session's and is given up, never the other way round.
        let epoch = self.client.session_epoch();
        let unsettled = Unsettled::new(self, tag, epoch);
        let mut create = self.client.create(&path, &self.data, CreateMode::EphemeralSequential);
        if let Some(acl) = &self.options.acl {
            create = create.acl(acl.iter().cloned());
        }
        let created = create.send();
        let listed = self.client.children(&self.directory).send();
        let error = match created.await {
            Ok(created) => {
                unsettled.settle();
                let node = OwnNode::new(&self.client, created.path, &created.stat, epoch);
                // Without the list the line is listed again, so its error is of no interest.
                let children = listed.await.ok().map(|(children, _)| children);
                return Ok(Attempt::Entered(node, children));
            }
            Err(error) => error,
        };
        if error.is_outcome_unknown() {
            return self.recover(unsettled).await;
        }
        if !matches!(error, ClientError::Protocol { .. }) {
            unsettled.settle();
        }
        match error {
            ClientError::NoNode { .. } => Ok(Attempt::NoDirectory),
            ClientError::SessionExpired => Ok(Attempt::SessionLost),
            error if is_passing(&error) => Ok(Attempt::Again),
            error => Err(error.into()),
        }
    }

    /// Finds out what became of a create that got no answer.
    async fn recover(&self, unsettled: Unsettled) -> Result<Attempt> {
        let mut pauses = Pauses::new();
        loop {
            match self.find(&unsettled).await {
                Ok(Found::Ours(node)) => {
                    debug!(path = %node.path, "found the node of a create whose reply was lost");
                    unsettled.settle();
                    return Ok(Attempt::Entered(node, None));
                }
                Ok(Found::Nothing) => {
                    unsettled.settle();
                    return Ok(Attempt::Again);
                }
                // Dropping `unsettled` has the stray removed.
                Ok(Found::OfAnotherSession) => return Ok(Attempt::Again),
                Err(ClientError::SessionExpired) => return Ok(Attempt::SessionLost),
                Err(error) if is_passing(&error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn find(&self, unsettled: &Unsettled) -> Result<Found, ClientError> {
        let children = match list_synced(&self.client, &self.directory).await {
            Err(ClientError::NoNode { .. }) => return Ok(Found::Nothing),
            children => children?,
        };
        let Some(name) = children.iter().find(|name| name.starts_with(&unsettled.tag)) else {
            return Ok(Found::Nothing);
        };
        let path = child(&self.directory, name);
        let stat = match self.client.get(&path).await {
            Err(ClientError::NoNode { .. }) => return Ok(Found::Nothing),
            got => got?.1,
        };
        let node = OwnNode::new(&self.client, path, &stat, unsettled.epoch);
        if node.is_in_session() {
            return Ok(Found::Ours(node));
        }
        Ok(Found::OfAnotherSession)
    }

    async fn make_directory(&self, pauses: &mut Pauses) -> Result<()> {
        let (parents, acl) = (self.options.parents, self.options.parents_acl.as_deref());
        match parents::ensure(&self.client, &self.directory, parents, acl).await {
            Ok(()) => Ok(()),
            Err(ClientError::SessionExpired) => self.start_over(),
            // A container above was swept away between two of the creates.
            Err(ClientError::NoNode { .. }) if parents != parents::Parents::MustExist => {
                pauses.pause().await;
                Ok(())
            }
            Err(error) if is_passing(&error) => {
                pauses.pause().await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Turns a new node away where the order of the line is about to break down.
    fn admit(&self, node: OwnNode, children: Option<Vec<String>>) -> Result<Standing> {
        let sequence = self.mark.sequence(node.name()).unwrap_or(-1);
        let path = &self.directory;
        match headroom(sequence) {
            Headroom::Ample => {}
            Headroom::Low => warn!(
                %path, sequence,
                "three quarters of the sequence numbers are used up: let the directory empty, or \
                 move to another path"
            ),
            Headroom::Exhausted => {
                return Err(Error::SequenceExhausted { path: path.clone(), sequence });
            }
        }
        Ok(Standing::new(self, node, children))
    }
}

enum Found {
    Ours(OwnNode),
    OfAnotherSession,
    Nothing,
}

/// A create whose outcome is not known yet. Dropped before that, it leaves the question to the
/// client's cleaner.
struct Unsettled {
    client: Client,
    directory: String,
    tag: String,
    epoch: u64,
    settled: bool,
}

impl Unsettled {
    fn new(contest: &Contest, tag: String, epoch: u64) -> Self {
        let (client, directory) = (contest.client.clone(), contest.directory.clone());
        Self { client, directory, tag, epoch, settled: false }
    }

    fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if !self.settled {
            let directory = std::mem::take(&mut self.directory);
            let tag = std::mem::take(&mut self.tag);
            cleaner::delete_tagged_later(&self.client, directory, tag);
        }
    }
}
