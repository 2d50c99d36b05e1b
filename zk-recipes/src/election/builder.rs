//! How to take part in an election.

use bytes::Bytes;
use zk_client::{Acl, Client};

use super::LeaderLatch;
use crate::contest::Contest;
use crate::error::Result;
use crate::parents::Parents;
use crate::sequence::Mark;

/// Options of a latch, in any order.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it starts"]
pub struct LatchBuilder {
    path: String,
    id: String,
    acl: Option<Vec<Acl>>,
    parents: Parents,
    parents_acl: Option<Vec<Acl>>,
    let_go_when_suspended: bool,
}

impl LatchBuilder {
    pub(super) fn new(path: String, id: String) -> Self {
        Self {
            path,
            id,
            acl: None,
            parents: Parents::default(),
            parents_acl: None,
            let_go_when_suspended: false,
        }
    }

    /// The ACL of the participant's node. Default: the client's. The others must be allowed to read
    /// it; deleting is a right on the parent.
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.acl = Some(acl.into_iter().collect());
        self
    }

    /// What to do about missing parents. Default: create containers.
    pub fn parents(mut self, parents: Parents) -> Self {
        self.parents = parents;
        self
    }

    /// The ACL of parents that are created. Default: the client's.
    pub fn parents_acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.parents_acl = Some(acl.into_iter().collect());
        self
    }

    /// Whether the leader steps down as soon as its connection breaks (Curator's default), so that
    /// there is never a leader that nobody can reach. Default: no, since a blip shorter than the
    /// session timeout then costs no change of leader.
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.let_go_when_suspended = let_go;
        self
    }

    /// Joins the election.
    ///
    /// Returns once the participant is in line, so what the server would always refuse (no rights,
    /// a bad path) is an error here and not a message in a log.
    pub async fn start(self, client: &Client) -> Result<LeaderLatch> {
        let contest = Contest {
            data: Bytes::from(self.id.clone()),
            acl: self.acl,
            parents: self.parents,
            parents_acl: self.parents_acl,
            let_go_when_suspended: self.let_go_when_suspended,
            ..Contest::new(client, &self.path, Mark::LATCH)
        };
        let standing = contest.enter().await?;
        Ok(LeaderLatch::run(contest, self.id, standing))
    }
}
