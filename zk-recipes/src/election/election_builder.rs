//! How to lead by a piece of work.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use zk_client::Client;

use super::task::Requeue;
use super::{LeaderElection, LeaderLatch, Term};
use crate::contest::{Contest, Options};
use crate::error::Result;
use crate::options::node_setters;
use crate::sequence::Mark;

/// What passes at most before a participant gets in line again after a term.
const REQUEUE_JITTER: Duration = Duration::from_millis(100);

/// Options of a [`LeaderElection`], in any order.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it starts"]
pub struct ElectionBuilder {
    path: String,
    id: String,
    mark: Mark,
    options: Options,
    grace: Duration,
    requeue: Requeue,
}

impl ElectionBuilder {
    pub(super) fn new(path: String, id: String, mark: Mark) -> Self {
        let requeue = Requeue { again: true, jitter: REQUEUE_JITTER };
        Self { path, id, mark, options: Options::default(), grace: Duration::ZERO, requeue }
    }

    /// How long the work may go on after its [`Term::cancellation`], to put things in order, before
    /// it is dropped. Default: not at all.
    ///
    /// When the term was lost, somebody else may lead during this time; when the election is
    /// stopped or resigns, nobody does.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Whether to get in line again after a term, however that ended. Default: yes. If not, the
    /// election is over then. A place in line that is lost before is taken again in any case.
    pub fn requeue(mut self, requeue: bool) -> Self {
        self.requeue.again = requeue;
        self
    }

    /// A random part of this passes between a term and getting in line again, so that work which
    /// fails at once does not fail in a loop. Default: 100 ms.
    pub fn requeue_jitter(mut self, jitter: Duration) -> Self {
        self.requeue.jitter = jitter;
        self
    }

    node_setters!();

    /// Whether the term ends as soon as the connection breaks (as in Curator). Default: no, since a
    /// blip shorter than the session timeout then costs no change of leader.
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.options.let_go_when_suspended = let_go;
        self
    }

    /// Joins the election, and runs `work` whenever this participant leads.
    ///
    /// Returns once the participant is in line, so what the server would always refuse (no rights,
    /// a bad path) is an error here. Cancel-safe: dropped, the place in line is given up in the
    /// background.
    pub async fn start<W, F>(self, client: &Client, work: W) -> Result<LeaderElection>
    where
        W: Fn(Term) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let contest = Contest {
            client: client.clone(),
            directory: self.path,
            mark: self.mark,
            data: Bytes::from(self.id.clone()),
            options: self.options.among(self.mark),
        };
        let standing = contest.enter().await?;
        let latch = LeaderLatch::run(contest, self.id, standing, self.requeue);
        Ok(LeaderElection::run(client, latch, self.grace, work))
    }
}
