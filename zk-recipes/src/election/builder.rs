//! How to take part in an election.

use bytes::Bytes;
use zk_client::Client;

use super::LeaderLatch;
use super::task::Requeue;
use crate::contest::{Contest, Options};
use crate::error::Result;
use crate::options::node_setters;
use crate::sequence::Mark;

/// Options of a latch, in any order.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it starts"]
pub struct LatchBuilder {
    path: String,
    id: String,
    options: Options,
}

impl LatchBuilder {
    pub(super) fn new(path: String, id: String) -> Self {
        Self { path, id, options: Options::default() }
    }

    node_setters!();

    /// Whether the leader steps down as soon as its connection breaks (Curator's default), so that
    /// there is never a leader that nobody can reach. Default: no, since a blip shorter than the
    /// session timeout then costs no change of leader.
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.options.let_go_when_suspended = let_go;
        self
    }

    /// Joins the election.
    ///
    /// Returns once the participant is in line, so what the server would always refuse (no rights,
    /// a bad path) is an error here and not a message in a log.
    pub async fn start(self, client: &Client) -> Result<LeaderLatch> {
        let contest = Contest {
            client: client.clone(),
            directory: self.path,
            mark: Mark::LATCH,
            data: Bytes::from(self.id.clone()),
            options: self.options,
        };
        let standing = contest.enter().await?;
        Ok(LeaderLatch::run(contest, self.id, standing, Requeue::AT_ONCE))
    }
}
