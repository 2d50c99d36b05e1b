//! Beginning together.

use futures_util::future::join_all;
use tracing::debug;
use zk_client::{
    Client, CreateMode, Error as ClientError, EventType, OneshotWatch, Pending, Stat, Zxid,
};

use super::inside::{Inside, MemberNode};
use crate::asking::{ask, make, may_pass};
use crate::contest::Reconnects;
use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{Pauses, fresh_guid};

/// The child that says that the barrier is open.
pub(super) const READY: &str = "ready";

/// A barrier that opens when enough members have come, and closes when all have left. A cheap
/// handle; each [`enter`](Self::enter) is a member of its own. See the [module](super).
#[derive(Clone, Debug)]
pub struct DoubleBarrier {
    client: Client,
    path: String,
    /// The path of the child [`READY`].
    ready: String,
    members: usize,
    options: NodeOptions,
}

/// What a look at the barrier shows.
enum Look {
    Open,
    /// Enough members, and perhaps a `ready` of a former round to be replaced.
    Full {
        is_stale: bool,
    },
    /// Not enough members yet; fires when `ready` changes.
    Wait(OneshotWatch),
}

/// The requests of a look, sent and not answered yet.
struct Asked {
    ready: Pending<(Option<Stat>, OneshotWatch)>,
    members: Pending<(Vec<String>, Stat)>,
}

impl DoubleBarrier {
    /// The barrier at `path` that opens when `members` have entered it (1 if 0 is given). Asks the
    /// server nothing.
    pub fn new(client: &Client, path: &str, members: usize) -> Self {
        Self {
            client: client.clone(),
            path: path.to_owned(),
            ready: child(path, READY),
            members: members.max(1),
            options: NodeOptions::new(),
        }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Enters, and waits until enough others have.
    ///
    /// Without a limit: disconnects and expired sessions do not end the wait. Drop the future to
    /// give up: the place among the members is given up in the background.
    pub async fn enter(&self) -> Result<Inside> {
        let mut pauses = Pauses::new();
        loop {
            if let Some((member, asked)) = self.come().await?
                && let Some(inside) = self.wait(member, asked).await?
            {
                return Ok(inside);
            }
            pauses.pause().await;
        }
    }

    /// Makes the own node, with a look at the barrier right behind it; `None` when it has to be
    /// tried again under another name.
    ///
    /// The name is random, so a create that was sent again and finds the name taken finds itself.
    async fn come(&self) -> Result<Option<(Inside, Asked)>> {
        let path = child(&self.path, &fresh_guid());
        let epoch = self.client.session_epoch();
        let mut unsettled = Unsettled { client: &self.client, path: Some(path.clone()), epoch };
        let mut pauses = Pauses::new();
        loop {
            let mode = CreateMode::Ephemeral;
            // A request that waits while the session ends would be carried out in the next one.
            let create = self.options.create(&self.client, &path, b"", mode);
            let created = create.in_session(epoch).send();
            let asked = self.ask();
            let created = match created.await {
                Err(ClientError::NodeExists { .. }) => self.client.exists(&path).await,
                created => created.map(|created| Some(created.stat)),
            };
            // Whatever the former session left, and whatever came of a request that the change of
            // sessions overtook, is not to be relied on: `unsettled` has it removed.
            if self.client.session_epoch() != epoch && !self.client.is_closed() {
                return Ok(None);
            }
            match created {
                Ok(Some(stat)) => {
                    unsettled.path = None;
                    let node = MemberNode::new(path, &stat, epoch);
                    let inside = Inside::new(&self.client, &self.path, &self.ready, node);
                    return Ok(Some((inside, asked)));
                }
                // Deleted by somebody as soon as it was there.
                Ok(None) => return Ok(None),
                Err(ClientError::NoNode { .. }) => {
                    make(&self.client, &self.path, &self.options).await?;
                }
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until the barrier is open; `None` when the own node is gone before.
    async fn wait(&self, mut member: Inside, asked: Asked) -> Result<Option<Inside>> {
        let mut reconnects = Reconnects::new(&self.client);
        let mut asked = Some(asked);
        loop {
            let asked = asked.take().unwrap_or_else(|| self.ask());
            let look = self.look(&member.node, asked).await?;
            if !member.node.is_in_session(&self.client) {
                member.set_gone();
                return Ok(None);
            }
            let ready = match look {
                Look::Open => return Ok(Some(member)),
                Look::Full { is_stale } => {
                    if self.open(&member.node, is_stale).await? {
                        return Ok(Some(member));
                    }
                    member.set_gone();
                    return Ok(None);
                }
                Look::Wait(ready) => ready,
            };
            let Some(own) = self.watch(&member.node).await? else {
                member.set_gone();
                return Ok(None);
            };
            tokio::select! {
                biased;
                // Created after the watch was set, so after the own node: enough that it was there.
                event = ready => if event.is_ok_and(|event| event.kind == EventType::NodeCreated) {
                    return Ok(Some(member));
                },
                // Deleted, or the session is over: the next look tells.
                _ = own => {}
                // What came and went while the connection was gone.
                () = reconnects.next() => {}
            }
        }
    }

    /// Watches the own node; `None` when it is gone.
    async fn watch(&self, node: &MemberNode) -> Result<Option<OneshotWatch>> {
        match ask(&self.client, || self.client.get(&node.path).watch().send()).await {
            Ok((_, stat, watch)) if stat.czxid == node.created => Ok(Some(watch)),
            Ok(_) | Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for what a look needs. `ready` is watched before the members are counted: whoever
    /// counts enough of them later makes it, and the watch fires.
    fn ask(&self) -> Asked {
        Asked {
            ready: self.client.exists(&self.ready).watch().send(),
            members: self.client.children(&self.path).send(),
        }
    }

    /// Whether the barrier is open, and if not, whether it could be.
    async fn look(&self, node: &MemberNode, mut asked: Asked) -> Result<Look> {
        let mut pauses = Pauses::new();
        loop {
            let (ready, watch, mut members) = match (asked.ready.await, asked.members.await) {
                (Ok((ready, watch)), Ok((members, _))) => (ready, watch, members),
                // The directory is gone, as the watch of the own node will say.
                (Ok((ready, watch)), Err(ClientError::NoNode { .. })) => (ready, watch, Vec::new()),
                (Err(error), _) | (_, Err(error)) if may_pass(&self.client, &error) => {
                    pauses.pause().await;
                    asked = self.ask();
                    continue;
                }
                (Err(error), _) | (_, Err(error)) => return Err(error.into()),
            };
            members.retain(|name| name != READY);
            let is_stale = match ready {
                Some(ready) if self.is_open(&ready, node, &members).await? => {
                    return Ok(Look::Open);
                }
                Some(_) => true,
                None => false,
            };
            if members.len() >= self.members {
                return Ok(Look::Full { is_stale });
            }
            return Ok(Look::Wait(watch));
        }
    }

    /// Whether `ready` is of a round that this member belongs to or may join: it came after the own
    /// node, or somebody is inside whom it let in. Else it was left behind by members who died.
    async fn is_open(&self, ready: &Stat, node: &MemberNode, members: &[String]) -> Result<bool> {
        if ready.czxid > node.created {
            return Ok(true);
        }
        let others = members.iter().filter(|name| *name != node.name());
        let asked = others.map(|name| self.created(name));
        for created in join_all(asked).await {
            if created?.is_some_and(|created| created < ready.czxid) {
                return Ok(true);
            }
        }
        debug!(path = %self.path, "found a sign that the barrier is open, which nobody is left of");
        Ok(false)
    }

    async fn created(&self, name: &str) -> Result<Option<Zxid>> {
        let path = child(&self.path, name);
        let stat = ask(&self.client, || self.client.exists(&path).send()).await?;
        Ok(stat.map(|stat| stat.czxid))
    }

    /// Opens the barrier. A `ready` of a former round is replaced in one step; should somebody else
    /// have done that just before, a new one takes the place of a new one.
    ///
    /// False: the session of the own node is over. Who counted it may be gone by now, and those who
    /// are there may wait for the next round.
    async fn open(&self, node: &MemberNode, is_stale: bool) -> Result<bool> {
        let mut is_stale = is_stale;
        let mut pauses = Pauses::new();
        loop {
            let opened = if is_stale {
                self.replace_ready(node.epoch).await
            } else {
                let mode = CreateMode::Persistent;
                let create = self.options.create(&self.client, &self.ready, b"", mode);
                create.in_session(node.epoch).await.map(drop)
            };
            match opened {
                Ok(()) | Err(ClientError::NodeExists { .. }) => return Ok(true),
                Err(ClientError::SessionExpired) => return Ok(false),
                // Deleted meanwhile; or everybody is gone, the directory too, and nobody waits.
                Err(ClientError::NoNode { .. }) if is_stale => is_stale = false,
                Err(ClientError::NoNode { .. }) => return Ok(true),
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn replace_ready(&self, epoch: u64) -> Result<(), ClientError> {
        let (ready, mode) = (&self.ready, CreateMode::Persistent);
        let multi = self.client.multi().delete(ready);
        let multi = match &self.options.acl {
            Some(acl) => multi.create_with_acl(ready, b"", mode, acl.iter().cloned()),
            None => multi.create(ready, b"", mode),
        };
        match multi.in_session(epoch).commit().await {
            Ok(_) => Ok(()),
            Err(ClientError::Multi { source, .. }) => Err(*source),
            Err(error) => Err(error),
        }
    }
}

/// A create whose outcome is not known yet. Dropped before that, its node is deleted.
struct Unsettled<'a> {
    client: &'a Client,
    path: Option<String>,
    epoch: u64,
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // Behind the create in the same session, so it cannot come too early.
            drop(crate::cleaner::delete(self.client, &path, self.epoch));
        }
    }
}
