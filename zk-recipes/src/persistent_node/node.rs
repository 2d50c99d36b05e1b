//! Making the server agree with what the owner wants.
//!
//! Everything goes through [`Kept::reconcile`], which looks at what is there and does the one thing
//! that brings it closer: so a lost reply, a new session, an operator's delete and the first create
//! are no separate cases.

use bytes::Bytes;
use tracing::debug;
use zk_client::{Client, Error as ClientError, OneshotWatch, SessionId, Stat, Zxid};

use super::Conflict;
use super::kind::{Kind, Manner};
use crate::asking::{make, may_pass, parent};
use crate::cleaner::{Released, is_passing, list_synced};
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::Pauses;

/// The node, and what is known about it.
#[derive(Debug)]
pub(super) struct Kept {
    client: Client,
    /// The path as it was given. The name of a numbered node begins with it.
    base: String,
    /// Where the node is, or will be; of a numbered one only once it is known.
    path: Option<String>,
    options: NodeOptions,
    manner: Manner,
    /// The creation of the node that is known to be ours.
    created: Option<Zxid>,
    /// The session that owned it.
    owner: Option<SessionId>,
    /// A create whose outcome is not known.
    unsettled: Option<Unsettled>,
}

/// A create that was sent, and of which nobody has told what came of it.
#[derive(Clone, Debug)]
struct Unsettled {
    /// The number of its session.
    epoch: u64,
    /// Its session, if it had begun by then.
    session: Option<SessionId>,
    data: Bytes,
}

impl Unsettled {
    fn new(client: &Client, epoch: u64, data: &Bytes) -> Self {
        Self { epoch, session: client.session_id(), data: data.clone() }
    }

    /// Whether it would have made just this node, in whatever session.
    fn has_made(&self, data: &Bytes, stat: &Stat) -> bool {
        stat.version == 0 && *data == self.data
    }
}

/// What a pass came to.
#[derive(Debug)]
pub(super) enum Pass {
    /// The node is there with the wanted data, in session number `epoch`.
    Agreed { epoch: u64, watch: OneshotWatch },
    /// Somebody else's node is there, and is waited for.
    Taken { owner: SessionId, watch: OneshotWatch },
}

impl Kept {
    pub(super) fn new(client: &Client, path: &str, options: NodeOptions, manner: Manner) -> Self {
        let (client, base) = (client.clone(), path.to_owned());
        let path = (manner.kind != Kind::Numbered).then(|| base.clone());
        Self { client, base, path, options, manner, created: None, owner: None, unsettled: None }
    }

    /// The path of the node, as far as it is known.
    pub(super) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.base)
    }

    /// Whether the node was there once.
    pub(super) fn is_established(&self) -> bool {
        self.created.is_some()
    }

    /// Makes the node exist with `data`, through disconnects and into a new session.
    pub(super) async fn reconcile(&mut self, data: &Bytes) -> Result<Pass> {
        let mut pauses = Pauses::new();
        let mut look = self.created.is_some() || self.unsettled.is_some();
        loop {
            // Read first: if the session changes during the pass, it counts for the former one,
            // whose end is then noticed at once.
            let epoch = self.client.session_epoch();
            let pass =
                if look { self.look(data, epoch).await } else { self.create(data, epoch).await };
            look = true;
            match pass {
                Ok(Some(Pass::Taken { owner, .. }))
                    if self.manner.conflict == Conflict::Fail && !self.is_established() =>
                {
                    return Err(Error::Taken { path: self.base.clone(), owner });
                }
                Ok(Some(pass)) => return Ok(pass),
                Ok(None) => {}
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks at what is there and brings it in line; `None` when it has to be looked at again.
    async fn look(&mut self, data: &Bytes, epoch: u64) -> Result<Option<Pass>, ClientError> {
        let Some((current, stat, watch)) = self.find().await? else {
            return self.create(data, epoch).await;
        };
        if !self.is_ours(&current, &stat) {
            if self.manner.kind == Kind::Numbered {
                // The node of a former session is the server's to remove.
                self.path = None;
                return self.create(data, epoch).await;
            }
            if self.may_replace(&current, &stat) {
                return self.replace(data, &stat, epoch).await;
            }
            return Ok(Some(Pass::Taken { owner: stat.ephemeral_owner, watch }));
        }
        if current == *data {
            return Ok(Some(Pass::Agreed { epoch, watch }));
        }
        match self.client.set(self.path(), data).version(stat.version).in_session(epoch).await {
            // Read again: that sets the watch.
            Ok(_) | Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is at the path.
    async fn find(&mut self) -> Result<Option<(Bytes, Stat, OneshotWatch)>, ClientError> {
        if self.path.is_none() {
            self.find_numbered().await?;
        }
        let Some(path) = &self.path else { return Ok(None) };
        match self.client.get(path).watch().await {
            Ok(found) => Ok(Some(found)),
            Err(ClientError::NoNode { .. }) => {
                if self.manner.kind == Kind::Numbered {
                    self.path = None;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A create whose reply was lost may have left a node with a number that nobody told us.
    async fn find_numbered(&mut self) -> Result<(), ClientError> {
        if self.unsettled.is_none() {
            return Ok(());
        }
        let directory = parent(&self.base).to_owned();
        let names = match list_synced(&self.client, &directory).await {
            Err(ClientError::NoNode { .. }) => return Ok(()),
            names => names?,
        };
        let paths = names.iter().map(|name| child(&directory, name));
        for path in paths.filter(|path| is_numbered(path, &self.base)).collect::<Vec<_>>() {
            match self.client.get(&path).await {
                Ok((data, stat)) if self.is_ours(&data, &stat) => {
                    self.path = Some(path);
                    return Ok(());
                }
                Ok(_) | Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn create(&mut self, data: &Bytes, epoch: u64) -> Result<Option<Pass>, ClientError> {
        // That it exists may be said of what a former attempt made.
        let earlier = self.unsettled.clone();
        loop {
            // Noted down before it is sent: whenever this is dropped, the node is not forgotten.
            self.unsettled = Some(Unsettled::new(&self.client, epoch, data));
            let mode = self.manner.kind.mode();
            let create = self.options.create(&self.client, &self.base, data, mode);
            let error = match create.in_session(epoch).await {
                Ok(created) => {
                    self.path = Some(created.path);
                    self.settle(&created.stat);
                    return Ok(None);
                }
                Err(error) => error,
            };
            if !error.is_outcome_unknown() {
                self.unsettled.clone_from(&earlier);
            }
            match error {
                ClientError::NoNode { .. } => {
                    make(&self.client, parent(&self.base), &self.options).await?;
                }
                ClientError::NodeExists { .. } => return Ok(None),
                error => return Err(error),
            }
        }
    }

    /// Puts our node in the place of somebody else's in one step, so that nobody sees it missing.
    async fn replace(
        &mut self,
        data: &Bytes,
        stat: &Stat,
        epoch: u64,
    ) -> Result<Option<Pass>, ClientError> {
        debug!(path = %self.base, owner = %stat.ephemeral_owner, "replaces the node of another");
        self.unsettled = Some(Unsettled::new(&self.client, epoch, data));
        let (path, mode) = (&self.base, self.manner.kind.mode());
        let multi = self.client.multi().delete_version(path, stat.version);
        let multi = match &self.options.acl {
            Some(acl) => multi.create_with_acl(path, data, mode, acl.iter().cloned()),
            None => multi.create(path, data, mode),
        };
        match multi.in_session(epoch).commit().await {
            // Read: that tells which it is, and sets the watch.
            Ok(_) => Ok(None),
            Err(ClientError::Multi { source, .. }) => {
                self.unsettled = None;
                match *source {
                    ClientError::NoNode { .. }
                    | ClientError::NodeExists { .. }
                    | ClientError::BadVersion { .. } => Ok(None),
                    error => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the node that is in the way is to give way: the one of our own former session, and,
    /// until we had the path, anybody's if the owner wants it so. Then no two fight for ever.
    fn may_replace(&self, data: &Bytes, stat: &Stat) -> bool {
        let owner = Some(stat.ephemeral_owner);
        let made =
            |unsettled: &Unsettled| unsettled.session == owner && unsettled.has_made(data, stat);
        let is_former = self.manner.kind.is_ephemeral()
            && (self.owner == owner || self.unsettled.as_ref().is_some_and(made))
            && self.client.session_id() != owner;
        is_former || (self.manner.conflict == Conflict::Replace && !self.is_established())
    }

    fn settle(&mut self, stat: &Stat) {
        self.owner = Some(stat.ephemeral_owner);
        self.created = Some(stat.czxid);
        self.unsettled = None;
    }

    /// Whether the node that was found is ours: the one we know we created, or just what a create
    /// whose reply was lost would have made.
    fn is_ours(&mut self, data: &Bytes, stat: &Stat) -> bool {
        let kind = self.manner.kind;
        if !kind.can_be(stat, self.client.session_id()) {
            return false;
        }
        if kind == Kind::Container {
            // It belongs to whoever needs it.
            self.settle(stat);
        } else if let Some(unsettled) = &self.unsettled
            && (unsettled.epoch == self.client.session_epoch() || !kind.is_ephemeral())
            && unsettled.has_made(data, stat)
        {
            self.settle(stat);
        }
        self.created == Some(stat.czxid)
    }

    /// Deletes the node if it is ours, whatever a create in flight came to.
    pub(super) async fn withdraw(&mut self) -> Result<Released> {
        let mut pauses = Pauses::new();
        let mut removed = Released::AlreadyGone;
        loop {
            let epoch = self.client.session_epoch();
            match self.withdraw_once(epoch).await {
                Ok(Some(Released::AlreadyGone)) => return Ok(removed),
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(ClientError::SessionExpired | ClientError::Closed)
                    if self.manner.kind.is_ephemeral() =>
                {
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

    async fn withdraw_once(&mut self, epoch: u64) -> Result<Option<Released>, ClientError> {
        // A create may still be on its way, sent by a caller that was dropped. Behind a `sync` it
        // has either taken effect or never will.
        match self.client.sync(self.path()).await {
            Ok(()) | Err(ClientError::NoNode { .. }) => {}
            Err(error) => return Err(error),
        }
        let Some((data, stat, _)) = self.find().await? else {
            return Ok(Some(Released::AlreadyGone));
        };
        if !self.is_ours(&data, &stat) {
            return Ok(Some(Released::AlreadyGone));
        }
        match self.client.delete(self.path()).version(stat.version).in_session(epoch).await {
            Ok(()) => Ok(Some(Released::Released)),
            Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether `path` is `base` with a sequence number appended, which is negative once the parent's
/// counter is at its end.
fn is_numbered(path: &str, base: &str) -> bool {
    let number = path.strip_prefix(base).map(|number| number.strip_prefix('-').unwrap_or(number));
    number.is_some_and(|number| number.len() >= 10 && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
