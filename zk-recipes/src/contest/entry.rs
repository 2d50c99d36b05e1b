//! Getting in line: the create that is found again when its reply is lost.
//!
//! An ephemeral sequential create whose reply is lost is the classic trap of these recipes: the
//! node is there, nobody knows its name, and it blocks the line for as long as the session lives.
//! The client's [protected](zk_client::ops::Create::protected) create finds it again, or removes it
//! when the session is over or the caller gives up; what is left here is to start over.

use tracing::warn;
use zk_client::ops::Create;
use zk_client::{CreateMode, Error as ClientError, Names};

use super::{Contest, OwnNode, Standing};
use crate::cleaner::is_passing;
use crate::error::{Error, Result};
use crate::parents::{Parents, child};
use crate::runtime::Pauses;
use crate::sequence::{Headroom, Tag, headroom};

/// How one attempt to get in line ended.
enum Attempt {
    /// The own node, and the children listed after its creation if that list came.
    Entered(OwnNode, Option<Names>),
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
                Attempt::Again => pauses.pause().await,
                Attempt::SessionLost => self.start_over()?,
            }
        }
    }

    async fn attempt(&self) -> Result<Attempt> {
        let path = child(&self.directory, self.mark.text);
        let epoch = self.client.session_epoch();
        let create = match self.mark.tag {
            Tag::Curator => self.create(&path).protected(),
            Tag::Kazoo => self.create(&path).protected_hex(),
        };
        let created = create.in_session(epoch).send();
        let listed = self.client.children(&self.directory).packed().send();
        let parents_are_made = self.options.nodes.parents != Parents::MustExist;
        match created.await {
            Ok(created) => {
                let node = OwnNode::new(&self.client, created.path, &created.stat, epoch);
                // Without the list the line is listed again, so its error is of no interest. It
                // does not show a node that took more than one attempt.
                let listed = listed.await.ok().map(|(children, _)| children);
                let children = listed.filter(|names| names.contains(node.name()));
                Ok(Attempt::Entered(node, children))
            }
            Err(ClientError::SessionExpired) => Ok(Attempt::SessionLost),
            // Containers above are swept away as fast as they are made.
            Err(ClientError::NoNode { .. }) if parents_are_made => Ok(Attempt::Again),
            Err(error) if is_passing(&error) => Ok(Attempt::Again),
            Err(error) => Err(error.into()),
        }
    }

    fn create<'a>(&'a self, path: &'a str) -> Create<'a> {
        self.options.create(&self.client, path, &self.data, CreateMode::EphemeralSequential)
    }

    /// Turns a new node away where the order of the line is about to break down.
    fn admit(&self, node: OwnNode, children: Option<Names>) -> Result<Standing> {
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
