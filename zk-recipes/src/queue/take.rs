//! Taking an item for good.

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::warn;
use zk_client::{CreateMode, Error as ClientError, Stat};

use super::core::{Core, SPREAD_MAX, when_due};
use super::hands::Hands;
use super::naming::Item;
use crate::asking::{ask, make};
use crate::error::{Error, Result};
use crate::ledger::{Change, Step};
use crate::runtime;

impl Core {
    /// Waits for an item and takes it.
    pub(super) async fn take(&self) -> Result<Bytes> {
        loop {
            if let Some(data) = self.try_take().await? {
                return Ok(data);
            }
            if let Some(data) = self.wait_to_take(&Hands::default()).await? {
                return Ok(data);
            }
        }
    }

    /// Stands in line for an item and takes it; `None` when the place in line was lost.
    ///
    /// Who waits at several queues does so with the same `hands`.
    pub(super) async fn wait_to_take(&self, hands: &Hands) -> Result<Option<Bytes>> {
        let turn = self.turn().await?;
        let lost = turn.term().lost();
        tokio::pin!(lost);
        loop {
            let (items, wait) = self.list_watched().await?;
            if !items.is_empty()
                && let Some(data) = hands.reach(self.take_one_of(items)).await?
            {
                return Ok(Some(data));
            }
            tokio::select! {
                biased;
                _ = wait.items => {}
                () = when_due(wait.due) => {}
                _ = &mut lost => return Ok(None),
            }
        }
    }

    /// Takes the first item, if there is one.
    pub(super) async fn try_take(&self) -> Result<Option<Bytes>> {
        let known = self.recall();
        match self.take_one_of(known).await? {
            None => self.take_one_of(self.list().await?).await,
            taken => Ok(taken),
        }
    }

    /// Takes the first of `items` that is still to be had.
    ///
    /// Who finds that others were faster tries further back, at random, so that many consumers of
    /// a long queue do not all go after the same item.
    async fn take_one_of(&self, items: Vec<Item>) -> Result<Option<Bytes>> {
        let mut items = self.due(items);
        let mut spread = 1;
        while !items.is_empty() {
            let item = items.remove(runtime::random_below(spread.min(items.len())));
            if let Some(data) = self.take_item(item).await? {
                self.remember(items);
                return Ok(Some(data));
            }
            spread = (spread * 2).min(SPREAD_MAX);
        }
        Ok(None)
    }

    async fn take_item(&self, item: Item) -> Result<Option<Bytes>> {
        let Some((items, stat)) = self.read(&item).await? else { return Ok(None) };
        // Once begun it is carried through, whatever becomes of the caller: only the ledger knows
        // whether the item was taken, and an item that was taken has to go somewhere.
        let (result, taken) = oneshot::channel();
        let core = self.clone();
        runtime::spawn_cleanup(&self.settings.client, async move {
            let name = item.name.clone();
            // If the caller is gone the item comes back, is dropped, and so put back.
            if let Err(Err(error)) = result.send(core.remove(item, items, stat).await) {
                warn!(item = name, %error, "an item nobody waited for any more may be lost");
            }
        });
        match taken.await {
            Ok(Ok(Some(taken))) => Ok(Some(taken.keep())),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Client(ClientError::Closed)),
        }
    }

    /// Takes the first item out of its node, and the node away if that was all.
    async fn remove(self, item: Item, mut items: Vec<Bytes>, stat: Stat) -> Result<Option<Taken>> {
        let path = self.settings.item(&item.name);
        let first = if items.is_empty() { None } else { Some(items.remove(0)) };
        let version = stat.version;
        let step = if items.is_empty() {
            Step::Delete { path, version }
        } else {
            Step::Set { path, data: self.settings.encode(&items), version }
        };
        match self.ledger.carry_out(&[step]).await? {
            Change::Done => Ok(first.map(|data| Taken { core: self, item, data: Some(data) })),
            // Somebody else was faster.
            Change::Refused {
                error: ClientError::NoNode { .. } | ClientError::BadVersion { .. },
            } => Ok(None),
            Change::Refused { error } => Err(error.into()),
        }
    }

    /// Puts an item that nobody wants any more back to where it was.
    async fn put_back(&self, item: &Item, data: &Bytes) -> Result<()> {
        let path = self.settings.item(&item.name);
        let client = &self.settings.client;
        loop {
            // There again, or still there with more items in it.
            let step = match ask(client, || client.get(&path).send()).await {
                Ok((rest, stat)) => {
                    let mut items = self.settings.decode(rest).unwrap_or_default();
                    items.insert(0, data.clone());
                    let data = self.settings.encode(&items);
                    Step::Set { path: path.clone(), data, version: stat.version }
                }
                Err(ClientError::NoNode { .. }) => Step::Create {
                    path: path.clone(),
                    data: self.settings.encode(std::slice::from_ref(data)),
                    mode: CreateMode::Persistent,
                },
                Err(error) => return Err(error.into()),
            };
            let is_create = matches!(step, Step::Create { .. });
            match self.ledger.carry_out(&[step]).await? {
                Change::Done => return Ok(()),
                Change::Refused { error: ClientError::NoNode { .. } } if is_create => {
                    make(client, &self.settings.items, &self.settings.shared()).await?;
                }
                Change::Refused {
                    error:
                        ClientError::NoNode { .. }
                        | ClientError::NodeExists { .. }
                        | ClientError::BadVersion { .. },
                } => {}
                Change::Refused { error } => return Err(error.into()),
            }
        }
    }
}

/// An item that is out of the queue and not in the caller's hands yet. Dropped, it is put back.
struct Taken {
    core: Core,
    item: Item,
    data: Option<Bytes>,
}

impl Taken {
    fn keep(mut self) -> Bytes {
        self.data.take().unwrap_or_default()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(data) = self.data.take() else { return };
        let (core, item) = (self.core.clone(), self.item.clone());
        let client = core.settings.client.clone();
        runtime::spawn_cleanup(&client, async move {
            if let Err(error) = core.put_back(&item, &data).await {
                warn!(item = item.name, %error, "an item nobody waited for any more is lost");
            }
        });
    }
}
