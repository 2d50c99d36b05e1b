//! The node of one registration: making the server agree with what the owner wants.
//!
//! Everything goes through [`RegisteredNode::reconcile`], which looks at what is there and does the
//! one thing that brings it closer: so a lost reply, a new session, an operator's delete and a
//! first registration are no separate cases.

use bytes::Bytes;
use tracing::debug;
use zk_client::{Client, CreateMode, Error as ClientError, OneshotWatch, SessionId, Stat};

use super::ServiceType;
use crate::cleaner::{Released, is_passing, list_synced};
use crate::error::Result;
use crate::parents::{self, Parents, child};
use crate::runtime::Pauses;

/// Where the node is, or will be, and what is known about it.
#[derive(Debug)]
pub(super) struct RegisteredNode {
    client: Client,
    directory: String,
    id: String,
    service_type: ServiceType,
    /// The full path; of a sequential node only once it is known.
    path: Option<String>,
    /// The session that made the node last.
    owner: Option<SessionId>,
    /// Whether the node was there once: from then on a stranger's node is left alone.
    established: bool,
}

/// What a pass came to.
#[derive(Debug)]
pub(super) enum Pass {
    /// The node is there with the wanted data, in session number `epoch`.
    Agreed { epoch: u64, watch: OneshotWatch },
    /// Created just now, so there is no watch on it yet.
    Created,
    /// Another process took the node over.
    Replaced,
}

/// What a read found at the path.
enum Found {
    Ours(Bytes, Stat, OneshotWatch),
    /// A node of another session, or of another kind.
    Other(Stat),
    Nothing,
}

impl RegisteredNode {
    pub(super) fn new(
        client: &Client,
        directory: String,
        id: &str,
        service_type: ServiceType,
    ) -> Self {
        let path = (service_type != ServiceType::DynamicSequential).then(|| child(&directory, id));
        Self {
            client: client.clone(),
            directory,
            id: id.to_owned(),
            service_type,
            path,
            owner: None,
            established: false,
        }
    }

    /// The path, as far as it is known.
    pub(super) fn path(&self) -> String {
        self.path.clone().unwrap_or_else(|| child(&self.directory, &self.id))
    }

    /// Makes the node exist with `data`, through disconnects and into a new session.
    pub(super) async fn reconcile(&mut self, data: &Bytes) -> Result<Pass> {
        let mut pauses = Pauses::new();
        let mut look_first = self.established;
        loop {
            let pass = if look_first {
                self.look(data).await
            } else {
                self.create(data, &mut look_first).await
            };
            match pass {
                Ok(Some(pass)) => return Ok(pass),
                Ok(None) => {}
                Err(error) if is_passing(&error) || error == ClientError::SessionExpired => {
                    // What was sent may be there: look before doing it again.
                    look_first = true;
                    pauses.pause().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Creates the node; `None` when something has to be looked at first.
    async fn create(
        &mut self,
        data: &Bytes,
        look_first: &mut bool,
    ) -> Result<Option<Pass>, ClientError> {
        let path = child(&self.directory, &self.id);
        match self.client.create(&path, data, self.service_type.mode()).await {
            Ok(created) => {
                self.settle(created.path, &created.stat);
                Ok(Some(Pass::Created))
            }
            Err(ClientError::NoNode { .. }) => {
                match parents::ensure(&self.client, &self.directory, Parents::Containers, None)
                    .await
                {
                    // A container above was swept away meanwhile: once more.
                    Ok(()) | Err(ClientError::NoNode { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Err(ClientError::NodeExists { .. }) => {
                *look_first = true;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at what is there and brings it in line; `None` when it changed meanwhile.
    async fn look(&mut self, data: &Bytes) -> Result<Option<Pass>, ClientError> {
        // Read first: if the session changes during the look, the pass counts for the former one,
        // whose end is then noticed at once.
        let epoch = self.client.session_epoch();
        match self.find().await? {
            Found::Nothing => self.create(data, &mut false).await,
            Found::Ours(current, stat, watch) => {
                if current != *data {
                    return self.write(data, &stat).await;
                }
                self.settle(self.path(), &stat);
                Ok(Some(Pass::Agreed { epoch, watch }))
            }
            Found::Other(stat) => {
                let owner = stat.ephemeral_owner;
                if self.established && Some(owner) != self.owner {
                    return Ok(Some(Pass::Replaced));
                }
                self.replace(data, &stat).await
            }
        }
    }

    async fn find(&mut self) -> Result<Found, ClientError> {
        if self.path.is_none() {
            self.find_sequential().await?;
        }
        let Some(path) = &self.path else { return Ok(Found::Nothing) };
        match self.client.get(path).watch().await {
            Ok((data, stat, watch)) if self.is_ours(&stat) => Ok(Found::Ours(data, stat, watch)),
            // The node of a former session is the server's to remove; the next gets a new number.
            Ok(_) if self.service_type == ServiceType::DynamicSequential => {
                self.path = None;
                Ok(Found::Nothing)
            }
            Ok((_, stat, _)) => Ok(Found::Other(stat)),
            Err(ClientError::NoNode { .. }) => {
                if self.service_type == ServiceType::DynamicSequential {
                    self.path = None;
                }
                Ok(Found::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    /// A sequential create whose reply was lost left a node with a number nobody told us.
    async fn find_sequential(&mut self) -> Result<(), ClientError> {
        let children = match list_synced(&self.client, &self.directory).await {
            Err(ClientError::NoNode { .. }) => return Ok(()),
            children => children?,
        };
        for name in children.iter().filter(|name| is_numbered(name, &self.id)) {
            let path = child(&self.directory, name);
            match self.client.get(&path).await {
                Ok((_, stat)) if self.is_ours(&stat) => {
                    self.path = Some(path);
                    return Ok(());
                }
                Ok(_) | Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn write(&mut self, data: &Bytes, stat: &Stat) -> Result<Option<Pass>, ClientError> {
        match self.client.set(&self.path(), data).version(stat.version).await {
            // Read again: that sets the watch.
            Ok(_) | Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts our node in the place of a dead session's (or, at first, of anybody's) in one step, so
    /// that nobody sees the instance vanish.
    async fn replace(&mut self, data: &Bytes, stat: &Stat) -> Result<Option<Pass>, ClientError> {
        let path = self.path();
        debug!(%path, owner = %stat.ephemeral_owner, "replaces the node of another session");
        let mode = self.service_type.mode();
        let (epoch, session) = (self.client.session_epoch(), self.client.session_id());
        let replaced = self
            .client
            .multi()
            .delete_version(&path, stat.version)
            .create(&path, data, mode)
            .commit()
            .await;
        match replaced {
            Ok(_) => {
                // From here on somebody else's node is not ours to replace: of two who register the
                // same id at once, the later one stays.
                if epoch == self.client.session_epoch() {
                    self.owner = session;
                    self.established = true;
                }
                Ok(None)
            }
            Err(ClientError::Multi { source, .. }) if is_race(&source) => Ok(None),
            Err(ClientError::Multi { source, .. }) => Err(*source),
            Err(error) => Err(error),
        }
    }

    fn settle(&mut self, path: String, stat: &Stat) {
        self.path = Some(path);
        self.owner = Some(stat.ephemeral_owner);
        self.established = true;
    }

    /// Whether a node found at our path is this registration's, and of the right kind.
    fn is_ours(&self, stat: &Stat) -> bool {
        if self.service_type.is_ephemeral() {
            stat.ephemeral_owner != SessionId(0)
                && self.client.session_id() == Some(stat.ephemeral_owner)
        } else {
            self.service_type.mode() == CreateMode::Persistent
                && stat.ephemeral_owner == SessionId(0)
        }
    }

    /// Deletes the node if it is this registration's, whatever a create in flight came to.
    pub(super) async fn withdraw(&mut self) -> Result<Released> {
        let mut pauses = Pauses::new();
        let mut removed = Released::AlreadyGone;
        loop {
            match self.withdraw_once().await {
                Ok(Some(Released::AlreadyGone)) => return Ok(removed),
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(ClientError::SessionExpired) if self.service_type.is_ephemeral() => {
                    return Ok(Released::SessionEnded);
                }
                Err(ClientError::Closed) if self.service_type.is_ephemeral() => {
                    return Ok(Released::SessionEnded);
                }
                Err(error) if is_passing(&error) || error == ClientError::SessionExpired => {
                    if error.is_outcome_unknown() {
                        removed = Released::Released;
                    }
                    pauses.pause().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn withdraw_once(&mut self) -> Result<Option<Released>, ClientError> {
        // A create may still be on its way, sent by a caller that was dropped. Behind a `sync` it
        // has either taken effect or never will.
        match self.client.sync(&self.directory).await {
            Ok(()) | Err(ClientError::NoNode { .. }) => {}
            Err(error) => return Err(error),
        }
        let Found::Ours(_, stat, _) = self.find().await? else {
            return Ok(Some(Released::AlreadyGone));
        };
        match self.client.delete(&self.path()).version(stat.version).await {
            Ok(()) => Ok(Some(Released::Released)),
            Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether `name` is `id` with a sequence number appended.
fn is_numbered(name: &str, id: &str) -> bool {
    name.strip_prefix(id)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether somebody else changed the node between our read and our multi.
fn is_race(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::NoNode { .. }
            | ClientError::NodeExists { .. }
            | ClientError::BadVersion { .. }
    )
}
