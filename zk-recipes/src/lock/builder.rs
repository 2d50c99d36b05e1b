//! How to take a lock.

use std::time::Duration;

use bytes::Bytes;
use zk_client::{Acl, Client};

use super::LockGuard;
use crate::contest::{Contest, Options};
use crate::error::{Error, Result};
use crate::parents::Parents;
use crate::runtime;
use crate::sequence::Mark;

/// Options of a lock, in any order; may be used many times.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it acquires"]
pub struct LockBuilder {
    path: String,
    data: Bytes,
    options: Options,
    limit: Option<Duration>,
}

impl LockBuilder {
    pub(super) fn new(path: String) -> Self {
        Self { path, data: Bytes::new(), options: Options::default(), limit: None }
    }

    /// The data of the contender's node, for people who look: a host name, say. Default: empty.
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// The ACL of the contender's node. Default: the client's. Whoever else stands in line must be
    /// allowed to read it; deleting is a right on the parent.
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.options.acl = Some(acl.into_iter().collect());
        self
    }

    /// What to do about missing parents. Default: create containers.
    pub fn parents(mut self, parents: Parents) -> Self {
        self.options.parents = parents;
        self
    }

    /// The ACL of parents that are created. Default: the client's. All contenders need CREATE,
    /// DELETE and READ on the lock's path.
    pub fn parents_acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.options.parents_acl = Some(acl.into_iter().collect());
        self
    }

    /// Whether a wait whose session ends starts over at the tail in the next session (default), or
    /// ends with [`Error::SessionLost`].
    pub fn across_sessions(mut self, across: bool) -> Self {
        self.options.across_sessions = across;
        self
    }

    /// Whether the guard is lost as soon as the connection breaks. Default: no, it is held until
    /// the session may be over.
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.options.let_go_when_suspended = let_go;
        self
    }

    /// The longest wait of [`acquire`](Self::acquire), which then gives up its place and fails with
    /// [`Error::TimedOut`]. Default: none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Waits for the lock. Cancel-safe: dropped, the place in line is given up in the background.
    pub async fn acquire(&self, client: &Client) -> Result<LockGuard> {
        let contest = self.contest(client);
        let Some(limit) = self.limit else {
            return Ok(LockGuard::new(contest.win().await?));
        };
        match runtime::within(limit, contest.win()).await {
            Some(held) => Ok(LockGuard::new(held?)),
            None => Err(Error::TimedOut { path: self.path.clone(), after: limit }),
        }
    }

    /// Takes the lock if it is free, else `None`: never waits for another contender.
    ///
    /// The answer is exact at the moment of asking, since the caller gets in line to ask. Cost: one
    /// round trip, one more to leave the line again. [`timeout`](Self::timeout) plays no part.
    pub async fn try_acquire(&self, client: &Client) -> Result<Option<LockGuard>> {
        Ok(self.contest(client).try_win().await?.map(LockGuard::new))
    }

    fn contest(&self, client: &Client) -> Contest {
        Contest {
            client: client.clone(),
            directory: self.path.clone(),
            mark: Mark::LOCK,
            data: self.data.clone(),
            options: self.options.clone(),
        }
    }
}
