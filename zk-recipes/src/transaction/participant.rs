//! The sides that vote.

use bytes::Bytes;
use zk_client::{Client, CreateMode, Error as ClientError};

use super::record::{Decision, Paths, Record, Vote};
use super::{abort_orphan, sweep};
use crate::asking::{ask, may_pass};
use crate::cleaner;
use crate::error::{Error, Result};
use crate::runtime::Pauses;

/// A participant of a transaction.
///
/// Dropped before it has voted, the transaction is aborted, if the coordinator has seen it there.
/// Dropped after that, it has yet to learn the decision: [`join`](super::Transaction::join) again.
#[derive(Debug)]
#[must_use = "dropping it before it has voted aborts the transaction"]
pub struct Participant {
    client: Client,
    paths: Paths,
    name: String,
    /// The client's number of the session in which it joined.
    epoch: u64,
    record: Record,
    voted: Option<Vote>,
    left: bool,
}

impl Participant {
    pub(super) async fn join(client: &Client, path: &str, name: &str) -> Result<Self> {
        let paths = Paths::new(path.to_owned());
        let epoch = client.session_epoch();
        // What a transaction is that nobody has begun, or all are done with.
        let record = Record {
            participants: Default::default(),
            decision: Some(Decision::Aborted),
            payload: Bytes::new(),
        };
        let (client, name) = (client.clone(), name.to_owned());
        let mut participant = Self { client, paths, name, epoch, record, voted: None, left: false };
        let mut pauses = Pauses::new();
        loop {
            match participant.enter().await {
                Ok(true) => return Ok(participant),
                Ok(false) => pauses.pause().await,
                Err(Error::Client(error)) if may_pass(&participant.client, &error) => {
                    pauses.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One attempt to join; whether it did.
    async fn enter(&mut self) -> Result<bool> {
        // Noted down before anything is made: whenever this is dropped, the node is not forgotten.
        self.epoch = self.client.session_epoch();
        let (presence, vote) = (self.paths.presence(&self.name), self.paths.vote(&self.name));
        let create = self.client.create(&presence, b"", CreateMode::Ephemeral);
        let created = create.in_session(self.epoch).send();
        let read = self.client.get(&self.paths.transaction).send();
        let voted = self.client.exists(&vote).send();
        let (created, read, voted) = (created.await, read.await, voted.await);
        let (data, stat) = match read {
            Ok(found) => found,
            Err(ClientError::NoNode { .. }) => {
                self.left = true;
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        };
        let record = Record::decode(&self.paths.transaction, &data, stat.version)?;
        if !record.participants.contains(&self.name) {
            let (path, name) = (self.paths.transaction.clone(), self.name.clone());
            return Err(Error::NotAParticipant { path, name });
        }
        self.voted = voted?.map(|_| Vote::Commit);
        match created {
            Ok(_) => {}
            // Of a former session that has yet to end, or of an attempt whose reply was lost: in one
            // step, so that nobody sees it missing.
            Err(ClientError::NodeExists { .. }) => {
                let multi = self.client.multi().delete(&presence);
                let multi = multi.create(&presence, b"", CreateMode::Ephemeral);
                match multi.in_session(self.epoch).commit().await {
                    Ok(_) => {}
                    Err(ClientError::Multi { .. }) => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
            }
            Err(ClientError::NoNode { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.record = record;
        Ok(true)
    }

    /// What the coordinator gave to read; empty when the transaction is gone.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.record.payload
    }

    /// What this participant has voted, perhaps before it started again.
    #[must_use]
    pub fn voted(&self) -> Option<Vote> {
        self.voted
    }

    /// Votes, and waits for the decision. A vote is final: who has voted to commit must be able to
    /// carry it out from then on, whatever happens. Cancel-safe: called again, it goes on.
    pub async fn vote(&mut self, vote: Vote) -> Result<Decision> {
        if let Some(decision) = self.record.decision {
            return Ok(decision);
        }
        match (self.voted, vote) {
            (Some(Vote::Commit), Vote::Abort) => {
                let path = self.paths.transaction.clone();
                return Err(Error::AlreadyVoted { path, name: self.name.clone() });
            }
            // Nobody can commit without this vote, so that is the decision.
            (_, Vote::Abort) => abort_orphan(&self.client, &self.paths, &self.record).await?,
            (None, Vote::Commit) => {
                let (client, path) = (&self.client, self.paths.vote(&self.name));
                let mode = CreateMode::Persistent;
                match ask(client, || client.create(&path, b"commit", mode).send()).await {
                    // It is there, also if the reply of an earlier attempt was lost.
                    Ok(_) | Err(ClientError::NodeExists { .. }) => {}
                    Err(ClientError::NoNode { .. }) => {
                        self.record.decision = Some(Decision::Aborted);
                        return Ok(Decision::Aborted);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            (Some(_), Vote::Commit) => {}
        }
        self.voted = Some(vote);
        self.decision().await
    }

    /// Waits for the decision; decides to abort if the coordinator is gone. Cancel-safe.
    pub async fn decision(&mut self) -> Result<Decision> {
        let (client, paths) = (self.client.clone(), self.paths.clone());
        loop {
            if let Some(decision) = self.record.decision {
                return Ok(decision);
            }
            let read = ask(&client, || client.get(&paths.transaction).watch().send()).await;
            let decided = match read {
                Ok((data, stat, watch)) => {
                    let record = Record::decode(&paths.transaction, &data, stat.version)?;
                    self.record.decision = record.decision;
                    watch
                }
                // The vote would have kept it, so somebody has deleted it.
                Err(ClientError::NoNode { .. }) if self.voted == Some(Vote::Commit) => {
                    return Err(Error::TransactionGone { path: paths.transaction });
                }
                Err(ClientError::NoNode { .. }) => {
                    self.record.decision = Some(Decision::Aborted);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if self.record.decision.is_some() {
                continue;
            }
            match ask(&client, || client.get(&paths.coordinator).watch().send()).await {
                Ok((_, _, gone)) => tokio::select! {
                    biased;
                    // Whatever happened, the next look tells.
                    _ = decided => {}
                    _ = gone => {}
                },
                Err(ClientError::NoNode { .. }) => {
                    abort_orphan(&client, &paths, &self.record).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says that the decision is carried out for good, after which nobody tells it any more. The last
    /// one to be done removes the transaction. Dropped half-way, [`join`](super::Transaction::join)
    /// again and repeat it.
    ///
    /// Before the decision this is the same as dropping it.
    pub async fn done(mut self) -> Result<()> {
        if self.left {
            return Ok(());
        }
        let (client, vote) = (self.client.clone(), self.paths.vote(&self.name));
        self.left = true;
        let left = cleaner::delete(&client, &self.paths.presence(&self.name), self.epoch);
        if self.record.decision.is_some() && self.voted == Some(Vote::Commit) {
            match ask(&client, || client.delete(&vote).send()).await {
                Ok(()) | Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        left.await?;
        sweep(&client, &self.paths).await
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        if !self.left {
            let presence = self.paths.presence(&self.name);
            drop(cleaner::delete(&self.client, &presence, self.epoch));
        }
    }
}
