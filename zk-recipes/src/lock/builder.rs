//! How to take a lock.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use zk_client::Client;

use super::LockGuard;
use super::contenders::{self, Contender};
use crate::contest::{Contest, Options};
use crate::error::{Error, Result};
use crate::options::node_setters;
use crate::runtime;
use crate::sequence::Mark;

/// Options of a lock, in any order; may be used many times.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it acquires"]
pub struct LockBuilder {
    path: String,
    mark: Mark,
    data: Bytes,
    options: Options,
    limit: Option<Duration>,
}

impl LockBuilder {
    pub(super) fn new(path: String, mark: Mark) -> Self {
        Self { path, mark, data: Bytes::new(), options: Options::default(), limit: None }
    }

    /// The data of the contender's node, for people who look: a host name, say. Default: empty.
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    node_setters!();

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

    /// Marks of other kinds of contenders to wait for when they are ahead: children whose names end
    /// in one of these texts and a sequence number. Default: none.
    ///
    /// It takes two to stand in one line: the others must wait for the own kind as well.
    #[doc(alias("extra_lock_patterns"))]
    pub fn extra_marks(mut self, marks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extra_marks = marks.into_iter().map(Into::into).collect();
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
        Ok(LockGuard::new(self.in_time(contest.win()).await?))
    }

    /// Takes the lock if it is free, else `None`: never waits for another contender.
    ///
    /// The answer is exact at the moment of asking, since the caller gets in line to ask. Cost: one
    /// round trip, one more to leave the line again. [`timeout`](Self::timeout) plays no part.
    pub async fn try_acquire(&self, client: &Client) -> Result<Option<LockGuard>> {
        Ok(self.contest(client).try_win().await?.map(LockGuard::new))
    }

    /// Who holds the lock and who waits for it, in that order: see
    /// [`Lock::contenders`](super::Lock::contenders).
    pub async fn contenders(&self, client: &Client) -> Result<Vec<Contender>> {
        contenders::of(client, &self.path, self.mark).await
    }

    /// The path of the lock.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What `waiting` comes to, unless the time allowed passes first.
    pub(super) async fn in_time<T>(&self, waiting: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(limit) = self.limit else { return waiting.await };
        match runtime::within(limit, waiting).await {
            Some(result) => result,
            None => Err(Error::TimedOut { path: self.path.clone(), after: limit }),
        }
    }

    pub(crate) fn contest(&self, client: &Client) -> Contest {
        Contest {
            client: client.clone(),
            directory: self.path.clone(),
            mark: self.mark,
            data: self.data.clone(),
            options: self.options.among(self.mark),
        }
    }
}
