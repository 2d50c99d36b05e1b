//! Groups: who is there, and who comes and goes.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use futures_util::StreamExt;
//! use zk_recipes::Group;
//!
//! let group = Group::new(&client, "/groups/workers");
//! let membership = group.join("worker-1", "10.0.0.1:8080").await?;
//!
//! let members = group.watch().await?; // loaded when it returns, kept up from then on
//! let mut changes = members.changes();
//! println!("{} members", members.list().len());
//! while let Some(change) = changes.next().await {
//!     println!("{change:?}");
//! }
//! membership.leave().await?;
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! The path given is the directory (a container, made on demand) with one ephemeral node for each
//! member: called by its id, with the payload as its data. This is the layout of Curator's
//! `GroupMember`. kazoo's two are `<32 hex>__party__` with the id as data ([`Group::party`]), and
//! `<32 hex>-<id>` ([`Group::shallow_party`]); they have no payloads, ids need not be unique,
//! and the directory is no container and stays behind: delete it when nobody joins any more.
//!
//! # What it guarantees
//!
//! - A membership is kept up until it is left or dropped: see [`PersistentNode`].
//! - Nobody joins under an id that somebody else has: [`Error::Taken`](crate::Error::Taken).
//!   A process that died keeps its id until its session times out;
//!   [`join_when_free`](Group::join_when_free) waits for that.
//! - A view is complete when [`Group::watch`] returns, and from then on ends up at what the server
//!   has, whatever was missed meanwhile: see [`cache`](crate::cache).
//!
//! # What it does not
//!
//! A view is as old as the last event. A member whose process died is listed until its session times
//! out. While the connection is gone the view keeps what it had, and says [`Members::is_stale`].
//!
//! # When things go wrong
//!
//! | what happens | a membership | a view |
//! | --- | --- | --- |
//! | connection breaks | stays | stale until it is back |
//! | session expires | joins again in the next session | kept up in the next session |
//! | the node is deleted by somebody | joins again | sees it go and come |
//! | somebody else has the id after an expiry | joins again when that one is gone | - |
//! | dropped | leaves in the background | ends |
//! | client closed | gone | ends; stays stale |
//!
//! # Cost
//!
//! To join, a create and a read that watches the own node (and two round trips more where the
//! directory has to be made). A view has one watch on the server and reads each member once per
//! change. All views wake on each change, by nature.

mod layout;
mod members;

pub use members::{GroupChange, GroupChanges, Member, Members};

use bytes::Bytes;
use zk_client::Client;

use self::layout::Layout;
use crate::cleaner::Released;
use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::persistent_node::{Conflict, NodeState, PersistentNode};

/// A group of processes. A cheap handle. See the [module](self).
#[derive(Clone, Debug)]
pub struct Group {
    client: Client,
    path: String,
    layout: Layout,
    options: NodeOptions,
}

/// A membership, kept up. Dropping it leaves in the background.
#[derive(Debug)]
#[must_use = "dropping it leaves the group"]
pub struct Membership {
    id: String,
    node: PersistentNode,
}

impl Group {
    /// The group at `path`, as Curator's `GroupMember` lays it out. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(client, path, Layout::Curator)
    }

    /// As kazoo's `Party`. The directory is made to stay, since an object of kazoo's makes it once in
    /// its life, and fails for good if the server sweeps it away.
    #[must_use]
    pub fn party(client: &Client, path: &str) -> Self {
        Self::of(client, path, Layout::Party)
    }

    /// As kazoo's `ShallowParty`; the directory stays, as with [`party`](Self::party).
    #[must_use]
    pub fn shallow_party(client: &Client, path: &str) -> Self {
        Self::of(client, path, Layout::ShallowParty)
    }

    fn of(client: &Client, path: &str, layout: Layout) -> Self {
        let (client, path) = (client.clone(), path.to_owned());
        Self { client, path, layout, options: NodeOptions::new() }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Joins as `id`, with a payload for the others to read. Layouts without payloads drop it.
    pub async fn join(&self, id: &str, payload: impl Into<Bytes>) -> Result<Membership> {
        self.join_or(id, payload.into(), Conflict::Fail).await
    }

    /// As [`join`](Self::join), but waits while somebody else has the id.
    pub async fn join_when_free(&self, id: &str, payload: impl Into<Bytes>) -> Result<Membership> {
        self.join_or(id, payload.into(), Conflict::Wait).await
    }

    async fn join_or(&self, id: &str, payload: Bytes, conflict: Conflict) -> Result<Membership> {
        let (name, data) = self.layout.node(id, payload);
        let node = PersistentNode::builder(child(&self.path, &name))
            .data(data)
            .options(self.layout.options(&self.options))
            .on_conflict(conflict)
            .start(&self.client)
            .await?;
        Ok(Membership { id: id.to_owned(), node })
    }

    /// A live view of the members, loaded when this returns. The group need not exist yet.
    pub async fn watch(&self) -> Result<Members> {
        Members::start(&self.client, &self.path, self.layout).await
    }
}

impl Membership {
    /// The id of this member.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The path of this member's node.
    #[must_use]
    pub fn path(&self) -> &str {
        self.node.path()
    }

    /// Where the membership stands.
    #[must_use]
    pub fn state(&self) -> NodeState {
        self.node.state()
    }

    /// Waits until the state is one that `wanted` accepts, and returns it.
    pub async fn wait_for(&self, wanted: impl FnMut(&NodeState) -> bool) -> NodeState {
        self.node.wait_for(wanted).await
    }

    /// Sets the payload, and waits until the server has it. In kazoo's layouts that is the data of
    /// the node, which `Party` reads as the id.
    pub async fn set_payload(&self, payload: impl Into<Bytes>) -> Result<()> {
        self.node.set_data(payload).await
    }

    /// Leaves, and waits until the server has confirmed it, through disconnects. Dropped half-way,
    /// it goes on in the background.
    pub async fn leave(self) -> Result<Released> {
        self.node.close().await
    }
}
