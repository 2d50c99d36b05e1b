//! A claimed item.

use bytes::Bytes;
use tracing::{debug, warn};
use zk_client::{Client, CreateMode, Error as ClientError};

use super::core::Core;
use super::naming::{self, Item};
use crate::asking::{ask, ask_in_session, may_pass};
use crate::cleaner::is_passing;
use crate::error::{Error, Result};
use crate::runtime::{self, Pauses};

/// An item of which nobody else gets hold while this is held. Dropped, or when its process dies,
/// the item is given to the next.
#[derive(Debug)]
#[must_use = "dropping the claim gives the item back"]
pub struct Claim {
    core: Core,
    item: Item,
    path: String,
    /// The path of the claim.
    claim: String,
    /// The data of the claim, by which it is told from others'.
    tag: String,
    /// The client's number of the session that owns the claim.
    epoch: u64,
    items: Vec<Bytes>,
    done: bool,
}

impl Claim {
    pub(super) fn new(
        core: &Core,
        item: Item,
        claim: String,
        tag: String,
        epoch: u64,
        items: Vec<Bytes>,
    ) -> Self {
        let (core, path) = (core.clone(), core.settings.item(&item.name));
        Self { core, item, path, claim, tag, epoch, items, done: false }
    }

    /// The data of the item, the first one if several were put together.
    pub fn data(&self) -> &[u8] {
        self.items.first().map_or(&[], |item| item)
    }

    /// All that the node holds: one item, unless several were put together.
    pub fn items(&self) -> &[Bytes] {
        &self.items
    }

    /// The id the item was put with, if any.
    pub fn id(&self) -> Option<&str> {
        naming::id(&self.item.name).filter(|_| self.core.settings.naming.has_ids())
    }

    /// The path of the item.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the claim stands as far as this process can know: its session was answered recently
    /// enough to be alive. A claim that somebody deleted is noticed by [`lost`](Self::lost).
    pub fn is_held(&self) -> bool {
        let client = &self.core.settings.client;
        let deadline = client.session_deadline();
        client.session_epoch() == self.epoch
            && deadline.is_some_and(|deadline| runtime::now() < deadline)
    }

    /// Resolves when the claim is gone, and the item may be given to somebody else: its session is
    /// over, or somebody deleted it. Costs a read with a watch.
    pub async fn lost(&self) {
        let client = &self.core.settings.client;
        let gone = async {
            while let Ok((data, _, watch)) =
                ask(client, || client.get(&self.claim).watch().send()).await
                && data == self.tag.as_bytes()
            {
                let _ = watch.await;
            }
        };
        tokio::select! {
            biased;
            () = gone => {}
            () = client.session_ended(self.epoch) => {}
        }
    }

    /// The work is done: removes the item, and waits until the server has confirmed it.
    ///
    /// [`Error::ClaimLost`] when the item is not this claim's any more, and is or will be given to
    /// somebody else, or was removed. If the reply was lost and the session too, nobody can tell who
    /// removed an item that is gone: an error whose
    /// [outcome is unknown](Error::is_outcome_unknown). Dropped half-way, the item is removed or given to the next.
    pub async fn complete(self) -> Result<()> {
        self.finish(None).await
    }

    /// Puts the item at the end of the queue instead, in one step: for one that cannot be worked on
    /// at the moment.
    pub async fn requeue(self) -> Result<()> {
        let path = self.core.settings.item(self.item.base());
        self.finish(Some(path)).await
    }

    /// Gives the item back, to whoever is next, and waits until the server has confirmed it. It
    /// keeps its place in the queue.
    pub async fn release(mut self) -> Result<()> {
        remove_tagged(&self.core.settings.client, &self.claim, &self.tag, self.epoch).await?;
        self.done = true;
        Ok(())
    }

    /// Removes item and claim in one step, and puts the item anew as `again` if given.
    async fn finish(mut self, again: Option<String>) -> Result<()> {
        let settings = &self.core.settings;
        let client = &settings.client;
        let data = settings.encode(&self.items);
        let mut pauses = Pauses::new();
        let mut doubt = None;
        loop {
            let multi = client.multi().delete(&self.claim).delete(&self.path);
            let multi = match (&again, &settings.options.acl) {
                (None, _) => multi,
                (Some(path), None) => multi.create(path, &data, MODE),
                (Some(path), Some(acl)) => {
                    multi.create_with_acl(path, &data, MODE, acl.iter().cloned())
                }
            };
            let error = match multi.in_session(self.epoch).commit().await {
                Ok(_) => break,
                Err(ClientError::Multi { source, .. }) => *source,
                Err(error) => error,
            };
            match error {
                ClientError::NoNode { .. } | ClientError::SessionExpired => {
                    return self.gone(doubt).await;
                }
                error if may_pass(client, &error) => {
                    if error.is_outcome_unknown() {
                        doubt = Some(error);
                    }
                    pauses.pause().await;
                }
                error => return Err(error.into()),
            }
        }
        self.done = true;
        Ok(())
    }

    /// The claim is gone. Was it this claim that removed the item? `doubt`: an attempt may have.
    ///
    /// While the session lives nobody else had the item. Once it is over somebody may have got it,
    /// and have removed it.
    async fn gone(self, doubt: Option<ClientError>) -> Result<()> {
        let client = &self.core.settings.client;
        if let Some(doubt) = doubt
            && ask(client, || client.exists(&self.path).send()).await?.is_none()
        {
            let is_same_session = client.session_epoch() == self.epoch;
            return if is_same_session { Ok(()) } else { Err(doubt.into()) };
        }
        Err(Error::ClaimLost { path: self.path.clone() })
    }
}

const MODE: CreateMode = CreateMode::PersistentSequential;

impl Drop for Claim {
    fn drop(&mut self) {
        let client = &self.core.settings.client;
        if !self.done {
            let (claim, tag) = (std::mem::take(&mut self.claim), std::mem::take(&mut self.tag));
            remove_tagged_later(client, claim, tag, self.epoch);
        }
    }
}

/// As [`remove_tagged`], in the background.
pub(super) fn remove_tagged_later(client: &Client, claim: String, tag: String, epoch: u64) {
    let task_client = client.clone();
    runtime::spawn_cleanup(client, async move {
        match remove_tagged(&task_client, &claim, &tag, epoch).await {
            Ok(()) => debug!(%claim, "gave an item back"),
            Err(error) => warn!(%claim, %error, "a claim stays until its session ends"),
        }
    });
}

/// Deletes the claim if its data is `tag`: whoever claimed the item since goes on undisturbed. A
/// `sync` first: behind it, a request that was to make the claim has taken effect or never will.
///
/// After a lost reply it is read again before it is deleted again: the first delete may have worked,
/// and the next claim of the same item has the same name.
async fn remove_tagged(
    client: &Client,
    claim: &str,
    tag: &str,
    epoch: u64,
) -> Result<(), ClientError> {
    let mut pauses = Pauses::new();
    loop {
        let read = ask_in_session(|| {
            drop(client.sync(claim).send());
            client.get(claim).in_session(epoch).send()
        });
        match read.await {
            Ok((data, _)) if data == tag.as_bytes() => {}
            Ok(_) | Err(ClientError::NoNode { .. } | ClientError::SessionExpired) => return Ok(()),
            Err(error) => return Err(error),
        }
        match client.delete(claim).in_session(epoch).await {
            Err(ClientError::NoNode { .. } | ClientError::SessionExpired | ClientError::Closed) => {
                return Ok(());
            }
            Err(error) if is_passing(&error) => pauses.pause().await,
            deleted => return deleted,
        }
    }
}
