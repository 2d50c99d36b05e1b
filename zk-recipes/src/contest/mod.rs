//! Standing in line: what locks, elections and read-write locks have in common.
//!
//! A contender creates an ephemeral sequential child of a directory ([`entry`]), waits until nobody
//! is before it that it has to wait for ([`standing`], and [`place`](crate::sequence::place) says
//! who that is), and then holds what the directory stands for until it lets go or loses it
//! ([`held`]).
//!
//! ```text
//!  entry ──own node, list──▶ standing ──first──▶ held ──▶ released | lost
//!    ▲                          │
//!    └── session over, or own node deleted: a new node at the tail
//! ```

mod entry;
mod exchange;
mod fencing;
mod guard;
mod held;
mod own_node;
mod reconnects;
pub(crate) mod revoke;
mod standing;

pub use fencing::FencingToken;
pub use held::{HoldState, LostReason};

pub(crate) use guard::guard;
pub(crate) use held::{Held, Term};
pub(crate) use own_node::OwnNode;
pub(crate) use reconnects::Reconnects;
pub(crate) use standing::{Standing, Turn};

use bytes::Bytes;
use zk_client::ops::Create;
use zk_client::{Client, CreateMode};

use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::Parents;
use crate::runtime::Pauses;
use crate::sequence::{Mark, Tag};

/// What one line is about, and how to stand in it.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) client: Client,
    /// The directory of the contenders.
    pub(crate) directory: String,
    pub(crate) mark: Mark,
    /// The data of the own node.
    pub(crate) data: Bytes,
    pub(crate) options: Options,
}

/// What the builders of a lock and of a latch let one choose about standing in line.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The ACL of the own node, and what to do about missing parents.
    pub(crate) nodes: NodeOptions,
    /// Whether to start over at the tail in a new session.
    pub(crate) across_sessions: bool,
    /// Whether a holder lets go as soon as its connection breaks.
    pub(crate) let_go_when_suspended: bool,
    /// Marks of others for whom to wait as for the own kind.
    pub(crate) extra_marks: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: NodeOptions::new(),
            across_sessions: true,
            let_go_when_suspended: false,
            extra_marks: Vec::new(),
        }
    }
}

impl From<NodeOptions> for Options {
    fn from(nodes: NodeOptions) -> Self {
        Self { nodes, ..Self::default() }
    }
}

impl Options {
    /// The same, for directories [that last](NodeOptions::lasting).
    pub(crate) fn lasting(&self) -> Self {
        Self { nodes: self.nodes.lasting(), ..self.clone() }
    }

    /// The same, for a directory as those need it who stand in line under `mark`.
    pub(crate) fn among(&self, mark: Mark) -> Self {
        match mark.tag {
            Tag::Curator => self.clone(),
            Tag::Kazoo => self.lasting(),
        }
    }

    /// A create of an own node, with its parents if need be.
    pub(crate) fn create<'a>(
        &self,
        client: &'a Client,
        path: &'a str,
        data: &'a [u8],
        mode: CreateMode,
    ) -> Create<'a> {
        let NodeOptions { parents, parents_acl, .. } = &self.nodes;
        let mut create = self.nodes.create(client, path, data, mode);
        if let (Some(acl), true) = (parents_acl, *parents != Parents::MustExist) {
            create = create.parents_acl(acl.iter().cloned());
        }
        match parents {
            Parents::Containers => create.with_container_parents(),
            Parents::Persistent => create.with_parents(),
            Parents::MustExist => create,
        }
    }
}

impl Contest {
    /// Gets in line and waits for the turn, in as many sessions as it takes.
    ///
    /// May be dropped at any point: the client's cleaner takes the node out of the line.
    pub(crate) async fn win(&self) -> Result<Held> {
        Ok(self.stand().await?.hold())
    }

    /// As [`win`](Self::win), for a turn so short that nobody has to watch over it.
    pub(crate) async fn stand(&self) -> Result<Standing> {
        let mut pauses = Pauses::new();
        loop {
            let mut standing = self.enter().await?;
            match standing.turn(&mut |_| {}).await? {
                Turn::Won => return Ok(standing),
                Turn::NodeGone => pauses.pause().await,
                Turn::SessionLost => self.start_over()?,
            }
        }
    }

    /// Gets in line, and leaves it again if somebody is ahead.
    pub(crate) async fn try_win(&self) -> Result<Option<Held>> {
        let mut pauses = Pauses::new();
        loop {
            let mut standing = self.enter().await?;
            match standing.look().await? {
                None => {
                    standing.leave().await?;
                    return Ok(None);
                }
                Some(Turn::Won) => return Ok(Some(standing.hold())),
                Some(Turn::NodeGone) => pauses.pause().await,
                Some(Turn::SessionLost) => self.start_over()?,
            }
        }
    }

    /// The place in line went with the session: may it be taken again at the tail?
    pub(crate) fn start_over(&self) -> Result<()> {
        if self.options.across_sessions {
            return Ok(());
        }
        Err(Error::SessionLost { path: self.directory.clone() })
    }
}
