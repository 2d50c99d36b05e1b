//! Creating, then counting.
//!
//! A lease is created *before* the leases are counted, so every holder saw a count within the limit
//! that included its own, and there are never more holders than the limit, even when the turn was
//! lost meanwhile. What the turn is for: nobody else creates, so nobody is counted who has to go
//! back, and only one waiter watches the leases.

use std::collections::HashSet;
use std::pin::pin;

use futures_util::future::{join_all, try_join};
use zk_client::{Error as ClientError, OneshotWatch};

use super::Semaphore;
use super::layout::{Asked, Layout, agree};
use super::limit::Limit;
use crate::asking::{ask, may_pass};
use crate::cleaner::{is_passing, list_synced};
use crate::contest::{Contest, Held, OwnNode, Reconnects, Standing, Turn};
use crate::error::Result;
use crate::parents::Parents;
use crate::runtime::Pauses;

/// How one turn ended.
enum Round {
    Got(Vec<Held>),
    /// There are too few, and the caller does not wait.
    TooFew,
    /// The turn or a lease was lost, or the directory: nothing speaks against another round.
    Again,
    SessionLost,
}

/// What a count of the leases shows.
enum Count {
    /// One of the own ones is gone.
    Missing,
    /// So many, the own ones among them.
    Of(usize),
    /// The session of the own ones is over.
    SessionLost,
}

/// The own leases while it is not known whether there are enough. Dropped, they go again.
struct Batch {
    nodes: Vec<OwnNode>,
    /// A list read after they were created.
    children: Option<Vec<String>>,
}

impl Semaphore {
    /// Waits for `wanted` leases, in as many sessions as it takes.
    pub(super) async fn win(&self, wanted: usize) -> Result<Vec<Held>> {
        let mut pauses = Pauses::new();
        loop {
            let line = self.line();
            let (turn, ()) = try_join(line.stand(), self.prepare()).await?;
            match self.use_turn(turn, wanted, true).await? {
                Round::Got(leases) => return Ok(leases),
                Round::TooFew | Round::Again => pauses.pause().await,
                Round::SessionLost => line.start_over()?,
            }
        }
    }

    /// `wanted` leases, unless so many are not free.
    pub(super) async fn try_win(&self, wanted: usize) -> Result<Option<Vec<Held>>> {
        let mut pauses = Pauses::new();
        loop {
            self.prepare().await?;
            if self.is_short_of(wanted).await? {
                return Ok(None);
            }
            let line = self.line();
            let Some(turn) = self.turn_if_free(&line).await? else { return Ok(None) };
            match self.use_turn(turn, wanted, false).await? {
                Round::Got(leases) => return Ok(Some(leases)),
                Round::TooFew => return Ok(None),
                Round::Again => pauses.pause().await,
                Round::SessionLost => line.start_over()?,
            }
        }
    }

    fn line(&self) -> Contest {
        let (directory, mark) = self.layout.line(&self.path);
        let (client, data) = (self.client.clone(), self.data.clone());
        Contest { client, directory, mark, data, options: self.layout.options(&self.options) }
    }

    /// What there is to be settled before leases are asked for.
    async fn prepare(&self) -> Result<()> {
        match (self.layout, &self.limit) {
            (Layout::Kazoo, Limit::Fixed(limit)) => {
                let options = self.layout.options(&self.options);
                agree(&self.client, &self.path, *limit, &options).await
            }
            _ => Ok(()),
        }
    }

    /// Whether fewer than `wanted` leases are free right now.
    async fn is_short_of(&self, wanted: usize) -> Result<bool> {
        let limit = self.limit.now().await?;
        let directory = self.layout.leases(&self.path);
        let mut pauses = Pauses::new();
        loop {
            match list_synced(&self.client, &directory).await {
                Ok(leases) => return Ok(leases.len().saturating_add(wanted) > limit),
                Err(ClientError::NoNode { .. }) => return Ok(wanted > limit),
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for the turn of a caller who does not wait for leases: for those who are about to
    /// acquire, but not for one who waits for a lease itself.
    async fn turn_if_free(&self, line: &Contest) -> Result<Option<Standing>> {
        let mut pauses = Pauses::new();
        loop {
            let mut standing = line.enter().await?;
            let mut nobody_asks = |_| {};
            let turn = tokio::select! {
                // First: alone in line, it asks nothing.
                biased;
                turn = standing.turn(&mut nobody_asks) => Some(turn?),
                full = self.until_full() => { full?; None }
            };
            match turn {
                Some(Turn::Won) => return Ok(Some(standing)),
                Some(Turn::NodeGone) => pauses.pause().await,
                Some(Turn::SessionLost) => line.start_over()?,
                None => {
                    standing.leave().await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Resolves when no lease is free. Whoever waits for one has its own there, so it shows.
    async fn until_full(&self) -> Result<()> {
        let mut limits = self.limit.follow();
        let mut limit = limits.next().await?;
        loop {
            let watch = match self.list().await? {
                Some((leases, _)) if leases.len() >= limit => return Ok(()),
                Some((_, watch)) => watch,
                None => {
                    let directory = self.layout.leases(&self.path);
                    match ask(&self.client, || self.client.exists(&directory).watch().send())
                        .await?
                    {
                        (Some(_), _) => continue,
                        (None, watch) => watch,
                    }
                }
            };
            tokio::select! {
                biased;
                _ = watch => {}
                next = limits.next() => limit = next?,
            }
        }
    }

    /// Creates the leases and counts; the turn goes in the background, as soon as it is over.
    async fn use_turn(&self, turn: Standing, wanted: usize, waits: bool) -> Result<Round> {
        let (created, limit) =
            try_join(self.create(turn.epoch(), wanted), self.limit.now()).await?;
        let mut batch = match created {
            Ok(batch) => batch,
            Err(round) => return Ok(round),
        };
        let children = match batch.children.take() {
            Some(children) => children,
            None => match self.list().await? {
                Some((children, _)) => children,
                None => return Ok(Round::Again),
            },
        };
        match batch.count(&children) {
            Count::Of(count) if count <= limit && batch.is_surely_alive() => {
                return Ok(Round::Got(self.hold(batch)));
            }
            Count::Missing => return Ok(Round::Again),
            Count::SessionLost => return Ok(Round::SessionLost),
            Count::Of(_) if waits => {}
            Count::Of(_) => {
                batch.give_back().await?;
                return Ok(Round::TooFew);
            }
        }
        self.wait(turn.hold(), batch).await
    }

    /// Sends all creates with a list right behind them: the server answers a session in order.
    async fn create(&self, epoch: u64, wanted: usize) -> Result<Result<Batch, Round>> {
        let directory = self.layout.leases(&self.path);
        let options = self.layout.options(&self.options);
        let (client, data) = (&self.client, &self.data);
        let send = || Asked::send(self.layout, client, &directory, data, &options, epoch);
        let asked: Vec<Asked> = std::iter::repeat_with(send).take(wanted).collect();
        let listed = client.children(&directory).send();
        let mut nodes = Vec::with_capacity(wanted);
        for lease in asked {
            match lease.node().await {
                Ok(node) => nodes.push(node),
                Err(ClientError::SessionExpired) => return Ok(Err(Round::SessionLost)),
                Err(ClientError::NoNode { .. }) if options.nodes.parents != Parents::MustExist => {
                    return Ok(Err(Round::Again));
                }
                Err(error) if is_passing(&error) => return Ok(Err(Round::Again)),
                Err(error) => return Err(error.into()),
            }
        }
        // Without the list the leases are listed again. It does not show a node that took more
        // than one attempt.
        let mut batch = Batch { nodes, children: None };
        batch.children = match listed.await {
            Ok((children, _)) if batch.are_among(&children) => Some(children),
            _ => None,
        };
        Ok(Ok(batch))
    }

    /// Waits until the own leases are among no more than there are.
    async fn wait(&self, turn: Held, batch: Batch) -> Result<Round> {
        let mut limits = self.limit.follow();
        let mut limit = limits.next().await?;
        let mut reconnects = Reconnects::new(&self.client);
        let mut turn_lost = pin!(turn.term().lost());
        let mut pauses = Pauses::new();
        loop {
            let Some((children, watch)) = self.list().await? else { return Ok(Round::Again) };
            match batch.count(&children) {
                Count::Missing => return Ok(Round::Again),
                Count::SessionLost => return Ok(Round::SessionLost),
                Count::Of(count) if count <= limit => {
                    if batch.is_surely_alive() {
                        return Ok(Round::Got(self.hold(batch)));
                    }
                    // The list is older than the session may live unheard.
                    pauses.pause().await;
                    continue;
                }
                Count::Of(_) => {}
            }
            tokio::select! {
                biased;
                _ = watch => {}
                next = limits.next() => limit = next?,
                // Somebody else may have the turn, and must not be counted out by leases of one
                // who has it no longer.
                _ = &mut turn_lost => return Ok(Round::Again),
                () = reconnects.next() => {}
            }
        }
    }

    /// The leases, with a watch for when they change; `None` when there is no directory.
    async fn list(&self) -> Result<Option<(Vec<String>, OneshotWatch)>> {
        let directory = self.layout.leases(&self.path);
        let mut pauses = Pauses::new();
        loop {
            match self.client.children(&directory).watch().await {
                Ok((children, _, watch)) => return Ok(Some((children, watch))),
                Err(ClientError::NoNode { .. }) => return Ok(None),
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hold(&self, batch: Batch) -> Vec<Held> {
        let let_go = self.options.let_go_when_suspended;
        batch.nodes.into_iter().map(|node| Held::start(node, let_go)).collect()
    }
}

impl Batch {
    fn are_among(&self, children: &[String]) -> bool {
        let children: HashSet<&str> = children.iter().map(String::as_str).collect();
        self.nodes.iter().all(|node| children.contains(node.name()))
    }

    fn count(&self, children: &[String]) -> Count {
        if !self.nodes.iter().all(OwnNode::is_in_session) {
            Count::SessionLost
        } else if self.are_among(children) {
            Count::Of(children.len())
        } else {
            Count::Missing
        }
    }

    fn is_surely_alive(&self) -> bool {
        self.nodes.iter().all(OwnNode::is_surely_alive)
    }

    /// Removes the leases, and waits until that is done.
    async fn give_back(mut self) -> Result<()> {
        let deleted = join_all(self.nodes.iter_mut().map(OwnNode::delete)).await;
        deleted.into_iter().try_for_each(|deleted| deleted.map(drop))
    }
}
