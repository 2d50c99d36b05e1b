//! The side that decides.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tracing::debug;
use zk_client::{Client, CreateMode, Error as ClientError};

use super::record::{Decision, Paths, Record, attendance};
use super::{abort_orphan, sweep};
use crate::asking::{ask, make, may_pass, parent};
use crate::cleaner;
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::{Parents, child};
use crate::runtime::{self, Pauses, fresh_guid};

/// A transaction that this process coordinates.
///
/// Dropped before it is decided, it is aborted; dropped after that, the participants clean up. Both
/// in the background.
#[derive(Debug)]
#[must_use = "dropping it aborts the transaction"]
pub struct Coordinator {
    client: Client,
    paths: Paths,
    record: Record,
    /// The client's number of the session in which it was begun.
    epoch: u64,
    decision: Option<Decision>,
    finished: bool,
}

/// What a look at the participants says.
enum Look {
    /// All have voted to commit.
    Unanimous,
    /// One was there, has not voted, and is gone.
    Deserted,
    Waiting,
}

impl Coordinator {
    /// The value exists before the first request is sent: dropping the future drops it, which takes
    /// back whatever has been done.
    pub(super) async fn begin(
        client: &Client,
        directory: &str,
        record: Record,
        options: &NodeOptions,
    ) -> Result<Self> {
        let path = || child(directory, &format!("tx-{}", fresh_guid()));
        let (client, paths) = (client.clone(), Paths::new(path()));
        let (epoch, finished) = (client.session_epoch(), false);
        let mut coordinator = Self { client, paths, record, epoch, decision: None, finished };
        let mut pauses = Pauses::new();
        loop {
            match coordinator.create(options).await {
                Ok(()) => return Ok(coordinator),
                Err(ClientError::SessionExpired) if !coordinator.client.is_closed() => {
                    // What may have been made is an empty container, for the server to sweep up.
                    coordinator.paths = Paths::new(path());
                    coordinator.epoch = coordinator.client.session_epoch();
                }
                Err(ClientError::Multi { source, .. }) => match *source {
                    ClientError::NoNode { .. } if options.parents != Parents::MustExist => {
                        make(&coordinator.client, parent(&coordinator.paths.transaction), options)
                            .await?;
                    }
                    // Made by an attempt whose reply was lost, in this session.
                    ClientError::NodeExists { .. } => return Ok(coordinator),
                    error => return Err(error.into()),
                },
                Err(error) if may_pass(&coordinator.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn create(&self, options: &NodeOptions) -> Result<(), ClientError> {
        let data = self.record.encode();
        let nodes: [(&str, &[u8], CreateMode); 2] = [
            (&self.paths.transaction, &data, CreateMode::Container),
            (&self.paths.coordinator, b"", CreateMode::Ephemeral),
        ];
        let multi =
            nodes.into_iter().fold(self.client.multi(), |multi, (path, data, mode)| match &options
                .acl
            {
                Some(acl) => multi.create_with_acl(path, data, mode, acl.iter().cloned()),
                None => multi.create(path, data, mode),
            });
        multi.in_session(self.epoch).commit().await.map(drop)
    }

    /// The path to give to the participants.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.paths.transaction
    }

    /// What the participants get to read.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.record.payload
    }

    /// What was decided, as far as it is known here.
    #[must_use]
    pub fn decision(&self) -> Option<Decision> {
        self.decision
    }

    /// Waits for the votes, and decides: to commit if all vote so, to abort if one does not, if one
    /// is gone before it has voted, or if `limit` passes (and the servers can be told). Cancel-safe.
    pub async fn decide(&mut self, limit: Duration) -> Result<Decision> {
        let deadline = runtime::now() + limit;
        let mut seen = BTreeSet::new();
        loop {
            if let Some(decision) = self.decision {
                return Ok(decision);
            }
            let (client, path) = (self.client.clone(), self.paths.transaction.clone());
            let Some((decided, decision)) = self.read().await? else { return self.gone() };
            if decision.is_some() {
                self.decision = decision;
                continue;
            }
            let listed = ask(&client, || client.children(&path).watch().send()).await;
            let (children, changed) = match listed {
                Ok((children, _, changed)) => (children, changed),
                Err(ClientError::NoNode { .. }) => return self.gone(),
                Err(error) => return Err(error.into()),
            };
            match self.look(&children, &mut seen) {
                Look::Unanimous => self.commit().await?,
                Look::Deserted => {
                    debug!(%path, "a participant is gone before it voted");
                    self.abort().await?;
                }
                Look::Waiting => tokio::select! {
                    biased;
                    // Whatever happened, the next look tells.
                    _ = decided => {}
                    _ = changed => {}
                    () = client.session_ended(self.epoch) => drop(self.abort().await?),
                    () = runtime::sleep_until(deadline) => drop(self.abort().await?),
                },
            }
        }
    }

    /// The decision as it is written, and a watch for it; `None` if the transaction is gone.
    async fn read(&self) -> Result<Option<(zk_client::OneshotWatch, Option<Decision>)>> {
        let (client, path) = (&self.client, &self.paths.transaction);
        match ask(client, || client.get(path).watch().send()).await {
            Ok((data, stat, watch)) => {
                Ok(Some((watch, Record::decode(path, &data, stat.version)?.decision)))
            }
            Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Somebody has deleted an undecided transaction: nobody can commit it any more.
    fn gone(&mut self) -> Result<Decision> {
        self.decision = Some(Decision::Aborted);
        Ok(Decision::Aborted)
    }

    fn look(&self, children: &[String], seen: &mut BTreeSet<String>) -> Look {
        let (present, voted) = attendance(children);
        let all = &self.record.participants;
        if all.iter().all(|name| voted.contains(name.as_str())) {
            return Look::Unanimous;
        }
        let is_there =
            |name: &String| present.contains(name.as_str()) || voted.contains(name.as_str());
        if seen.iter().any(|name| !is_there(name)) {
            return Look::Deserted;
        }
        seen.extend(all.iter().filter(|name| is_there(name)).cloned());
        Look::Waiting
    }

    /// Decides to commit if all votes are there and the coordinator's session lives. What came of it
    /// is in `decision`, or is to be looked up.
    async fn commit(&mut self) -> Result<()> {
        let data = self.record.decided(Decision::Committed).encode();
        let votes: Vec<String> =
            self.record.participants.iter().map(|name| self.paths.vote(name)).collect();
        let mut pauses = Pauses::new();
        let mut unknown = false;
        loop {
            let guarded = self.client.guarded_by(&self.paths.coordinator).in_session(self.epoch);
            let multi = votes.iter().fold(guarded.multi(), |multi, vote| multi.check_exists(vote));
            match multi.set_version(&self.paths.transaction, &data, 0).commit().await {
                Ok(_) => {
                    self.decision = Some(Decision::Committed);
                    return Ok(());
                }
                // A vote is gone, or it is decided already, perhaps by an attempt whose reply was
                // lost: the next look tells, if there is still something to look at.
                Err(ClientError::Multi { source, .. })
                    if matches!(
                        *source,
                        ClientError::NoNode { .. } | ClientError::BadVersion { .. }
                    ) =>
                {
                    return self.reread(unknown).await;
                }
                Err(ClientError::GuardFailed { .. } | ClientError::SessionExpired)
                    if !self.client.is_closed() =>
                {
                    // The session is over: others may have decided, or do so now.
                    return match self.reread(unknown).await {
                        Ok(()) if self.decision.is_none() => self.abort().await.map(drop),
                        read => read,
                    };
                }
                Err(error) if may_pass(&self.client, &error) => {
                    unknown |= error.is_outcome_unknown();
                    pauses.pause().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes in what is decided, if anything is.
    async fn reread(&mut self, commit_may_have_worked: bool) -> Result<()> {
        match self.read().await? {
            Some((_, decision)) => self.decision = decision,
            // Carried out and cleaned up by all, perhaps.
            None if commit_may_have_worked => return Err(self.is_gone()),
            None => self.decision = Some(Decision::Aborted),
        }
        Ok(())
    }

    fn is_gone(&self) -> Error {
        Error::TransactionGone { path: self.paths.transaction.clone() }
    }

    /// Decides to abort, unless it is decided already; what it is then. Cancel-safe.
    pub async fn abort(&mut self) -> Result<Decision> {
        if let Some(decision) = self.decision {
            return Ok(decision);
        }
        abort_orphan(&self.client, &self.paths, &self.record).await?;
        let decision = match self.read().await? {
            Some((_, decision)) => decision.unwrap_or(Decision::Aborted),
            None => Decision::Aborted,
        };
        self.decision = Some(decision);
        Ok(decision)
    }

    /// Waits until all participants are done, and removes the transaction. Undecided ones are
    /// aborted. Dropped half-way, the participants clean up.
    pub async fn finish(mut self) -> Result<Decision> {
        let decision = self.abort().await?;
        let (client, path) = (self.client.clone(), self.paths.transaction.clone());
        let mut pauses = Pauses::new();
        loop {
            let changed = match ask(&client, || client.children(&path).watch().send()).await {
                Ok((children, _, changed)) => {
                    let (present, voted) = attendance(&children);
                    (!present.is_empty() || !voted.is_empty()).then_some(changed)
                }
                Err(ClientError::NoNode { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            if let Some(changed) = changed {
                // Whatever happened, the next look tells.
                let _ = changed.await;
                continue;
            }
            let multi = client.multi().delete(&self.paths.coordinator).delete(&path);
            match multi.commit().await {
                Ok(_) => break,
                Err(ClientError::Multi { source, .. }) => match *source {
                    // The coordinator's node went with its session, or somebody came.
                    ClientError::NoNode { .. } => match sweep(&client, &self.paths).await {
                        Ok(()) => break,
                        Err(error) => return Err(error),
                    },
                    ClientError::NotEmpty { .. } => pauses.pause().await,
                    error => return Err(error.into()),
                },
                Err(error) if may_pass(&client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
        self.finished = true;
        Ok(decision)
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let (client, paths, record) =
            (self.client.clone(), self.paths.clone(), self.record.clone());
        let (epoch, is_decided) = (self.epoch, self.decision.is_some());
        runtime::spawn_cleanup(&self.client, async move {
            let cleaned: Result<()> = async {
                if !is_decided {
                    // Behind a `sync`, what was on its way has taken effect or never will.
                    match ask(&client, || client.sync(&paths.transaction).send()).await {
                        Ok(()) | Err(ClientError::NoNode { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                    abort_orphan(&client, &paths, &record).await?;
                }
                cleaner::delete(&client, &paths.coordinator, epoch).await?;
                sweep(&client, &paths).await
            }
            .await;
            if let Err(error) = cleaned {
                debug!(path = %paths.transaction, %error, "a dropped transaction is left to others");
            }
        });
    }
}
