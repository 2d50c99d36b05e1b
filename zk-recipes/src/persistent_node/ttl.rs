//! A node that outlives sessions, and is kept alive by a child that is touched.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, CreateMode, Error as ClientError};

use super::kind::{Kind, Manner};
use super::{NodeState, PersistentNode};
use crate::asking::ask;
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{self, Pauses};

/// The name of the child, as in Curator.
const TOUCH: &str = "touch";

/// How often the child is touched within its time to live, as in Curator: one touch may fail.
const TOUCHES_PER_TTL: u32 = 2;

/// A node that stays for a certain time after the last process that keeps it alive is gone,
/// whatever becomes of sessions. Dropping it ends the keeping, not the node.
///
/// For what should survive a restart of its process but not its end: the settings of a machine, a
/// record of who was where.
///
/// # Znodes
///
/// A container at the path given, and in it a node called `touch` with a time to live, to which
/// nothing is written twice within that time. When nobody does so any more, the server deletes the
/// child, and then the container. This is the layout of Curator's `PersistentTtlNode`.
///
/// # What it guarantees
///
/// - The node is there whenever the process can reach the servers, and for the time to live
///   afterwards: through disconnects, expired sessions, and against operators who delete it.
/// - It has the data that was set last. Any number of processes may keep one node alive: each
///   writes its own data when it starts, and the last one to set it wins.
///
/// # What it does not
///
/// It does not end at a moment: servers look for what has outlived its time once a minute by
/// default, for the child first and for the container in the next round. A process that is paused
/// or cut off for longer than the time to live finds the node gone, and makes it anew.
///
/// # When things go wrong
///
/// | what happens | the node |
/// | --- | --- |
/// | the server has no nodes with a time to live | [`Error::NoTtlNodes`] at the start |
/// | connection breaks, session expires | stays; touched again when there is a server |
/// | request or reply lost | done again, which changes nothing |
/// | node or child deleted | made again: the node at once, the child with the next touch |
/// | somebody changes the data | set to what it should be |
/// | an ephemeral node is at the path | waited for until it is gone |
/// | the server refuses it | the error at the start; [`NodeState::Failing`] later, and tried again |
/// | future dropped before it is there | removed in the background |
/// | handle dropped, client closed | stays for its time to live |
///
/// # Cost
///
/// To start, two creates, a write to the child that finds none, and a read that watches the node;
/// then one write for each half of the time to live. One task per handle beside that of a
/// [`PersistentNode`].
#[derive(Debug)]
#[must_use = "dropping it lets the node die"]
pub struct PersistentTtlNode {
    keeper: Arc<Keeper>,
}

/// Options of a node that is kept alive by touching, in any order; may be used many times.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it starts"]
pub struct PersistentTtlNodeBuilder {
    path: String,
    ttl: Duration,
    data: Bytes,
    options: NodeOptions,
}

#[derive(Debug)]
struct Keeper {
    client: Client,
    node: PersistentNode,
    /// The path of the child.
    touch: String,
    ttl: Duration,
    options: NodeOptions,
    stop: CancellationToken,
}

impl PersistentTtlNode {
    /// Creates the node at `path` with a time to live, and keeps it alive. Returns when it is there.
    ///
    /// # Errors
    ///
    /// [`Error::NoTtlNodes`] where servers have none: they need version 3.5.3 and
    /// `extendedTypesEnabled`.
    pub async fn start(
        client: &Client,
        path: &str,
        data: impl Into<Bytes>,
        ttl: Duration,
    ) -> Result<Self> {
        Self::builder(path, ttl).data(data).start(client).await
    }

    /// Options for a node at `path`; its time to live is one in whole milliseconds, up to
    /// [`TTL_MAX`](zk_client::ops::TTL_MAX).
    pub fn builder(path: impl Into<String>, ttl: Duration) -> PersistentTtlNodeBuilder {
        let (path, data, options) = (path.into(), Bytes::new(), NodeOptions::new());
        PersistentTtlNodeBuilder { path, ttl, data, options }
    }

    /// The path of the node.
    #[must_use]
    pub fn path(&self) -> &str {
        self.keeper.node.path()
    }

    /// The data that the node has, or will have.
    #[must_use]
    pub fn data(&self) -> Bytes {
        self.keeper.node.data()
    }

    /// Where the node stands.
    #[must_use]
    pub fn state(&self) -> NodeState {
        self.keeper.node.state()
    }

    /// Waits until the state is one that `wanted` accepts, and returns it.
    pub async fn wait_for(&self, wanted: impl FnMut(&NodeState) -> bool) -> NodeState {
        self.keeper.node.wait_for(wanted).await
    }

    /// Sets the data, and waits until the server has it. It is what the node gets whenever it is
    /// made again. Of two calls the later one wins.
    pub async fn set_data(&self, data: impl Into<Bytes>) -> Result<()> {
        self.keeper.node.set_data(data).await
    }

    /// Removes the node instead of letting it die, and waits until the server has confirmed it. If
    /// other processes keep it alive, they make it again.
    ///
    /// # Errors
    ///
    /// The node has other children than `touch`, and stays.
    pub async fn remove(self) -> Result<()> {
        let Keeper { client, node, touch, stop, .. } = &*self.keeper;
        stop.cancel();
        match ask(client, || client.delete(touch).send()).await {
            Ok(()) | Err(ClientError::NoNode { .. }) => node.close().await.map(drop),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for PersistentTtlNode {
    fn drop(&mut self) {
        self.keeper.stop.cancel();
        self.keeper.node.abandon();
    }
}

impl PersistentTtlNodeBuilder {
    /// The data of the node. Default: empty.
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// The ACL of the node and its child, and what to do about missing parents.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// As [`PersistentTtlNode::start`]. Cancel-safe: dropped, what was created is removed in the
    /// background, or dies by itself.
    pub async fn start(&self, client: &Client) -> Result<PersistentTtlNode> {
        let manner = Manner { kind: Kind::Container, ..Manner::default() };
        let (data, options) = (self.data.clone(), self.options.clone());
        let node = PersistentNode::keep(client, &self.path, data, options.clone(), manner).await?;
        let (client, touch) = (client.clone(), child(&self.path, TOUCH));
        let stop = CancellationToken::new();
        let keeper = Arc::new(Keeper { client, node, touch, ttl: self.ttl, options, stop });
        keeper.touch().await?;
        runtime::spawn_resident(&keeper.client, keeper.clone().run());
        Ok(PersistentTtlNode { keeper })
    }
}

impl Keeper {
    /// Touches the child whenever half of its time has passed, until the handle is gone.
    async fn run(self: Arc<Self>) {
        let keep = async {
            loop {
                runtime::sleep(self.ttl / TOUCHES_PER_TTL).await;
                let mut pauses = Pauses::new();
                while let Err(error) = self.touch().await {
                    warn!(path = %self.touch, %error, "cannot keep a node alive for now");
                    self.node.fail(&error);
                    pauses.pause().await;
                }
            }
        };
        tokio::select! {
            biased;
            () = keep => {}
            () = runtime::stopped(&self.stop, &self.client) => {}
        }
    }

    /// Writes to the child, which has to be made where it is missing, as has the node above it.
    async fn touch(&self) -> Result<()> {
        let Self { client, touch, ttl, options, .. } = self;
        loop {
            match ask(client, || client.set(touch, b"").send()).await {
                Ok(_) => return self.recover().await,
                Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            let mode = CreateMode::PersistentWithTtl;
            let create = || options.create(client, touch, b"", mode).ttl(*ttl).send();
            match ask(client, create).await {
                Ok(_) | Err(ClientError::NodeExists { .. }) => return self.recover().await,
                Err(ClientError::NoNode { .. }) => self.node.confirm().await?,
                Err(ClientError::Unimplemented { .. }) => {
                    return Err(Error::NoTtlNodes { path: touch.clone() });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says so when touching failed before.
    async fn recover(&self) -> Result<()> {
        match self.node.state() {
            NodeState::Failing { .. } => self.node.confirm().await,
            _ => Ok(()),
        }
    }
}
