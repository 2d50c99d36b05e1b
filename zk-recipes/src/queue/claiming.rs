//! Claiming an item: nobody else gets it while the claim stands.

use std::collections::HashSet;

use bytes::Bytes;
use zk_client::{Client, CreateMode, Error as ClientError, MultiResult, Pending};

use super::claim::{Claim, remove_tagged_later};
use super::core::{Core, SPREAD_MAX, when_due};
use super::hands::Hands;
use super::naming::Item;
use crate::asking::{ask, make, may_pass};
use crate::error::Result;
use crate::options::NodeOptions;
use crate::runtime::{self, Pauses, fresh_guid};

impl Core {
    /// Waits for an item and claims it.
    pub(super) async fn claim(&self) -> Result<Claim> {
        loop {
            if let Some(claim) = self.try_claim().await? {
                return Ok(claim);
            }
            if let Some(claim) = self.wait_to_claim(&Hands::default()).await? {
                return Ok(claim);
            }
        }
    }

    /// Stands in line for an item and claims it; `None` when the place in line was lost. With `hands`
    /// as in [`wait_to_take`](Self::wait_to_take).
    pub(super) async fn wait_to_claim(&self, hands: &Hands) -> Result<Option<Claim>> {
        let turn = self.turn().await?;
        let lost = turn.term().lost();
        tokio::pin!(lost);
        loop {
            // The claims before the items: one that is completed in between shows in neither.
            let (claimed, claims) = self.claimed_watched().await?;
            let (items, wait) = self.list_watched().await?;
            if !items.is_empty()
                && let Some(claim) = hands.reach(self.claim_one_of(items, &claimed)).await?
            {
                return Ok(Some(claim));
            }
            tokio::select! {
                biased;
                _ = wait.items => {}
                _ = claims => {}
                () = when_due(wait.due) => {}
                _ = &mut lost => return Ok(None),
            }
        }
    }

    /// Claims the first item that nobody has claimed, if there is one.
    pub(super) async fn try_claim(&self) -> Result<Option<Claim>> {
        let claimed = self.claimed().await?;
        let items = self.list().await?;
        self.claim_one_of(items, &claimed).await
    }

    async fn claim_one_of(
        &self,
        items: Vec<Item>,
        claimed: &HashSet<String>,
    ) -> Result<Option<Claim>> {
        let mut items = self.due(items);
        items.retain(|item| !claimed.contains(&item.name));
        let mut spread = 1;
        while !items.is_empty() {
            let item = items.remove(runtime::random_below(spread.min(items.len())));
            if let Some(claim) = self.claim_item(item).await? {
                return Ok(Some(claim));
            }
            spread = (spread * 2).min(SPREAD_MAX);
        }
        Ok(None)
    }

    /// Claims `item`; `None` when somebody else has, or when it is gone.
    async fn claim_item(&self, item: Item) -> Result<Option<Claim>> {
        let Some((items, stat)) = self.read(&item).await? else { return Ok(None) };
        let client = &self.settings.client;
        let mut attempt = Attempt::new(self, &item, stat.version);
        let mut pauses = Pauses::new();
        let mut may_be_done = false;
        loop {
            let error = match attempt.send(&self.settings.options).await {
                Ok(_) => return Ok(Some(attempt.settle(self, item, items))),
                Err(ClientError::Multi { source, .. }) => *source,
                Err(error) => error,
            };
            match error {
                ClientError::NodeExists { .. } if may_be_done && attempt.is_made().await? => {
                    return Ok(Some(attempt.settle(self, item, items)));
                }
                ClientError::NoNode { path } if path != attempt.item => {
                    make(client, &self.settings.claims, &self.settings.shared()).await?;
                }
                // Claimed by somebody else, gone, or in part taken.
                ClientError::NodeExists { .. }
                | ClientError::NoNode { .. }
                | ClientError::BadVersion { .. } => {
                    attempt.armed = may_be_done;
                    return Ok(None);
                }
                // What may have come of it is gone with the session: once more, in the next.
                ClientError::SessionExpired if !client.is_closed() => {
                    pauses.pause().await;
                    attempt.armed = false;
                    attempt = Attempt::new(self, &item, stat.version);
                    may_be_done = false;
                }
                error if may_pass(client, &error) => {
                    may_be_done |= error.is_outcome_unknown();
                    pauses.pause().await;
                }
                error => {
                    attempt.armed = may_be_done || error.is_outcome_unknown();
                    return Err(error.into());
                }
            }
        }
    }
}

/// A claim on its way. Dropped before it is settled, what came of it is removed.
struct Attempt {
    client: Client,
    item: String,
    /// The version of the item that was read.
    version: i32,
    claim: String,
    /// The data of the claim, by which it is told from others'.
    tag: String,
    /// The client's number of the session, read before anything was sent.
    epoch: u64,
    armed: bool,
}

impl Attempt {
    fn new(core: &Core, item: &Item, version: i32) -> Self {
        let client = core.settings.client.clone();
        let (path, claim) = (core.settings.item(&item.name), core.settings.claim(&item.name));
        let (epoch, tag) = (client.session_epoch(), fresh_guid().replace('-', ""));
        Self { client, item: path, version, claim, tag, epoch, armed: true }
    }

    /// The item is checked in the transaction that makes the claim: no claim is ever left for an
    /// item that is gone.
    fn send(&self, options: &NodeOptions) -> Pending<Vec<MultiResult>> {
        let (tag, mode) = (self.tag.as_bytes(), CreateMode::Ephemeral);
        let multi = self.client.multi().check(&self.item, self.version);
        let multi = match &options.acl {
            Some(acl) => multi.create_with_acl(&self.claim, tag, mode, acl.iter().cloned()),
            None => multi.create(&self.claim, tag, mode),
        };
        multi.in_session(self.epoch).commit()
    }

    /// Whether the claim that is there is this one.
    async fn is_made(&self) -> Result<bool> {
        match ask(&self.client, || self.client.get(&self.claim).send()).await {
            Ok((data, _)) => Ok(data == self.tag.as_bytes()),
            Err(ClientError::NoNode { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn settle(mut self, core: &Core, item: Item, items: Vec<Bytes>) -> Claim {
        self.armed = false;
        Claim::new(core, item, self.claim.clone(), self.tag.clone(), self.epoch, items)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (claim, tag) = (std::mem::take(&mut self.claim), std::mem::take(&mut self.tag));
        remove_tagged_later(&self.client, claim, tag, self.epoch);
    }
}
