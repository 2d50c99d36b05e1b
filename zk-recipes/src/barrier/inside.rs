//! Ending together.

use std::collections::BTreeSet;

use tracing::warn;
use zk_client::{Client, Error as ClientError, SessionId, Stat, Zxid};

use super::double::READY;
use crate::asking::{ask, delete_one, exists_synced, may_pass};
use crate::cleaner;
use crate::error::Result;
use crate::parents::child;
use crate::runtime::{self, Pauses};

/// A member of a [`DoubleBarrier`](super::DoubleBarrier). Dropping it leaves in the background,
/// without waiting for the others; [`leave`](Self::leave) waits.
#[derive(Debug)]
#[must_use = "dropping it leaves the barrier"]
pub struct Inside {
    client: Client,
    directory: String,
    /// The path of the child [`READY`].
    ready: String,
    pub(super) node: MemberNode,
    /// Nothing is left to do on the server.
    done: bool,
}

/// The node that stands for a member.
#[derive(Clone, Debug)]
pub(super) struct MemberNode {
    pub(super) path: String,
    pub(super) created: Zxid,
    session: SessionId,
    /// The client's number of that session.
    pub(super) epoch: u64,
}

impl MemberNode {
    /// `epoch` was read before the create was sent.
    pub(super) fn new(path: String, stat: &Stat, epoch: u64) -> Self {
        Self { path, created: stat.czxid, session: stat.ephemeral_owner, epoch }
    }

    /// The last element of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the session that owns the node is still the client's.
    pub(super) fn is_in_session(&self, client: &Client) -> bool {
        client.session_id() == Some(self.session) && client.session_epoch() == self.epoch
    }
}

/// Who is to be waited for next.
enum Next {
    /// Everybody has left.
    Nobody,
    /// Only this member is left.
    OnlySelf,
    /// Stay, and wait for this one.
    StayFor(String),
    /// Go, then wait for this one.
    GoThenWaitFor(String),
}

impl Inside {
    pub(super) fn new(client: &Client, directory: &str, ready: &str, node: MemberNode) -> Self {
        let (client, directory, ready) = (client.clone(), directory.to_owned(), ready.to_owned());
        Self { client, directory, ready, node, done: false }
    }

    /// The own node is known to be gone.
    pub(super) fn set_gone(&mut self) {
        self.done = true;
    }

    /// The path of this member's node.
    pub fn path(&self) -> &str {
        &self.node.path
    }

    /// The session this member's node hangs on.
    pub fn session_id(&self) -> SessionId {
        self.node.session
    }

    /// Leaves, and waits until everybody has left who is inside now.
    ///
    /// A member whose session ended is out already and waits for the others all the same. Dropped
    /// half-way, this member leaves in the background.
    pub async fn leave(mut self) -> Result<()> {
        let mut round = None;
        loop {
            let (members, is_ready) = self.members().await?;
            let empty = members.is_empty();
            let round = round.get_or_insert_with(|| members.clone());
            match next(self.node.name(), members.intersection(round)) {
                Next::Nobody => {
                    if empty && is_ready {
                        // The last one died: nobody else takes the sign down.
                        self.take_down().await?;
                    }
                    break;
                }
                Next::OnlySelf => {
                    self.close().await?;
                    break;
                }
                Next::StayFor(highest) => self.wait_for(&highest).await?,
                Next::GoThenWaitFor(lowest) => {
                    if members.contains(self.node.name()) {
                        self.delete_own().await?;
                    }
                    self.wait_for(&lowest).await?;
                }
            }
        }
        self.done = true;
        Ok(())
    }

    /// The members inside, and whether the barrier is marked as open.
    async fn members(&self) -> Result<(BTreeSet<String>, bool)> {
        match ask(&self.client, || self.client.children(&self.directory).send()).await {
            Ok((names, _)) => {
                let mut members: BTreeSet<String> = names.into_iter().collect();
                let is_ready = members.remove(READY);
                Ok((members, is_ready))
            }
            Err(ClientError::NoNode { .. }) => Ok((BTreeSet::new(), false)),
            Err(error) => Err(error.into()),
        }
    }

    /// The last one closes the door: its node and `ready` go in one step, so that no late delete
    /// can hit the `ready` of a next round.
    async fn close(&self) -> Result<()> {
        let mut pauses = Pauses::new();
        loop {
            let multi = self.client.multi().delete(&self.node.path).delete(&self.ready);
            match multi.commit().await {
                Ok(_) => return Ok(()),
                // One of them is gone already, whoever did it.
                Err(ClientError::Multi { source, .. })
                    if matches!(*source, ClientError::NoNode { .. }) =>
                {
                    return self.delete_own().await;
                }
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Deletes the own node; it is no matter who does it, and there is none other of its name.
    async fn delete_own(&self) -> Result<()> {
        match ask(&self.client, || self.client.delete(&self.node.path).send()).await {
            Ok(()) | Err(ClientError::NoNode { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a `ready` that nobody is left of, and not that of a round which began since: it is
    /// looked at before the members, so those whom it let in are gone if there are none.
    async fn take_down(&self) -> Result<()> {
        let look = || async {
            let ready = exists_synced(&self.client, &self.ready);
            let Some(ready) = ready.await? else { return Ok(None) };
            let (members, _) = self.client.children(&self.directory).await?;
            Ok(members.iter().all(|name| name == READY).then_some(ready.czxid))
        };
        Ok(delete_one(&self.client, &self.ready, look).await?)
    }

    /// Waits until something happened to the member called `name`.
    async fn wait_for(&self, name: &str) -> Result<()> {
        let path = child(&self.directory, name);
        match ask(&self.client, || self.client.get(&path).watch().send()).await {
            Ok((_, _, watch)) => {
                // Whatever happened, the next list tells; also that the client was closed.
                let _ = watch.await;
                Ok(())
            }
            Err(ClientError::NoNode { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the sign down if this was the last member.
    async fn tidy_up(&self) -> Result<()> {
        let (members, is_ready) = self.members().await?;
        if members.is_empty() && is_ready {
            self.take_down().await?;
        }
        Ok(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let client = self.client.clone();
        let (directory, ready) = (self.directory.clone(), self.ready.clone());
        let node = self.node.clone();
        let inside = Self { client: client.clone(), directory, ready, node, done: true };
        // Sent at once: who comes in again right away must not count twice.
        let deleted = cleaner::delete(&client, &inside.node.path, inside.node.epoch);
        runtime::spawn_cleanup(&client, async move {
            let left = async {
                deleted.await?;
                inside.tidy_up().await
            };
            if let Err(error) = left.await {
                warn!(path = %inside.directory, %error, "could not leave a double barrier");
            }
        });
    }
}

/// What the member called `own` does next, given the names of those of its round who are inside.
///
/// The lowest name stays until last and waits for the highest of the others; they go at once and
/// wait for the lowest. So each that goes wakes one, and the last one all.
fn next<'a>(own: &str, mut members: impl Iterator<Item = &'a String>) -> Next {
    let Some(lowest) = members.next() else { return Next::Nobody };
    if lowest != own {
        return Next::GoThenWaitFor(lowest.clone());
    }
    match members.last() {
        Some(highest) => Next::StayFor(highest.clone()),
        None => Next::OnlySelf,
    }
}
