//! PURE: the znodes, and how transactions change them.
//!
//! [`DataTree`] is the state that all servers agree on. It changes in one way only, by
//! [`DataTree::apply`], in the order of zxids; whatever needs judgement was settled before, by the
//! [`Proposer`](crate::request::Proposer). So applying cannot fail, and applying the same
//! transactions once more (as a restart does whose snapshot was written while they ran) changes
//! nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `apply` | transactions to changes |
//! | `applied` | what came out: results for replies, changes for watches |
//! | `node`, `arena` | a znode, and where znodes are kept |
//! | `acl_table` | each distinct ACL kept once |
//! | `owners` | what ends a node: indices for session close and for the sweeper |
//! | `quota` | limits on subtrees, and what these hold |
//! | `digest` | what the tree adds up to |
//! | `sweep` | containers and TTL nodes whose time has come |
//! | `snapshot`, `moment` | a tree to a snapshot, while it changes |
//! | `restore` | and back |
//! | `special` | the nodes every tree has |

pub mod special;

mod acl_table;
mod applied;
mod apply;
mod arena;
mod digest;
mod moment;
mod node;
mod owners;
mod quota;
mod restore;
mod snapshot;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use zk_proto::txn::TxnDigest;
use zk_proto::{Acl, EphemeralOwner, SessionId, Stat, Zxid};

pub use applied::{Applied, Change, ChangeKind, Outcome};
pub(crate) use digest::{ContentSum, NodeDigest, TreeDigest};
pub use moment::PRESERVED_LEN_MAX;
pub use quota::{Quota, StatsTrack};
pub use restore::TreeRestore;
pub use snapshot::{Overrun, SnapshotCursor};

use acl_table::AclTable;
use arena::{Arena, NodeId};
use digest::DigestLog;
use moment::Moment;
use node::Node;
use owners::Owners;
use quota::QuotaPaths;

use crate::path_names::PathNames;
use crate::storage::format::StatPersisted;

/// All znodes of a server, their ACLs, and who owns the ephemeral ones.
#[derive(Debug)]
pub struct DataTree {
    nodes: Arena,
    root: NodeId,
    acls: AclTable,
    owners: Owners,
    quotas: QuotaPaths,
    last_zxid: Zxid,
    /// Bytes of all paths and all data.
    data_size: usize,
    digest: TreeDigest,
    digests: DigestLog,
    /// Of the snapshot of one moment that is being taken.
    moment: Option<Box<Moment>>,
    extended_types: bool,
}

impl DataTree {
    /// The tree of a server that never ran: `/`, `/zookeeper` and its two children.
    ///
    /// `extended_types` is the setting `extendedTypesEnabled`: whether TTL nodes are known. It must
    /// be the same on all servers that share the data.
    #[must_use]
    pub fn new(extended_types: bool) -> Self {
        let mut nodes = Arena::default();
        let root = nodes.insert(Node::default());
        let mut tree = Self {
            nodes,
            root,
            acls: AclTable::default(),
            owners: Owners::default(),
            quotas: QuotaPaths::default(),
            last_zxid: Zxid::ZERO,
            data_size: 0,
            digest: TreeDigest::default(),
            digests: DigestLog::default(),
            moment: None,
            extended_types,
        };
        tree.grow_special();
        tree
    }

    /// The last transaction that was applied.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// What the tree adds up to after its last transaction: equal on all servers that have applied
    /// it. Costs nothing.
    #[must_use]
    pub fn digest(&self) -> TxnDigest {
        self.digest.into()
    }

    /// Counts as having applied everything up to a transaction that is its snapshot's, or has
    /// changed nothing.
    pub(crate) fn stand_at(&mut self, zxid: Zxid) {
        self.last_zxid = zxid;
    }

    pub(crate) fn running_digest(&self) -> TreeDigest {
        self.digest
    }

    /// The digests after every 128th transaction, the last 1024 of them, oldest first: what
    /// operators compare between servers.
    pub fn digest_log(&self) -> impl Iterator<Item = (Zxid, TxnDigest)> {
        self.digests.entries()
    }

    /// The number of nodes as Apache's tools report it: the root counts twice, since it is filed
    /// under two names there.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len() + 1
    }

    /// Bytes of all paths and all data, as Apache's tools report it.
    #[must_use]
    pub fn approximate_data_size(&self) -> usize {
        // The root is there under its second name too.
        self.data_size + special::ROOT.len()
    }

    /// The number of ephemeral nodes.
    #[must_use]
    pub fn ephemeral_count(&self) -> usize {
        self.owners.ephemeral_count()
    }

    /// The number of sessions that own ephemeral nodes.
    #[must_use]
    pub fn ephemeral_session_count(&self) -> usize {
        self.owners.session_count()
    }

    /// The paths of a session's ephemeral nodes, in order.
    pub fn ephemerals_of(&self, session: SessionId) -> impl Iterator<Item = &str> {
        self.owners.of_session(session)
    }

    /// The number of a session's ephemeral nodes.
    #[must_use]
    pub fn ephemeral_count_of(&self, session: SessionId) -> usize {
        self.owners.count_of(session)
    }

    /// The sessions that own ephemeral nodes, in order.
    pub fn sessions_with_ephemerals(&self) -> impl Iterator<Item = SessionId> {
        self.owners.sessions()
    }

    /// The node at a path. `""` names the root too, as it does in Apache's server.
    #[must_use]
    pub fn node(&self, path: &str) -> Option<NodeRef<'_>> {
        self.find(path).map(|id| self.node_ref(id))
    }

    /// The number of nodes below a path, itself excluded. Takes time in proportion to it.
    #[must_use]
    pub fn descendant_count(&self, path: &str) -> Option<usize> {
        let start = self.find(path)?;
        if start == self.root {
            return Some(self.nodes.len() - 1);
        }
        let mut count = 0;
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            let node = self.nodes.get(id);
            count += node.child_count();
            open.extend(node.children().map(|(_, child)| child));
        }
        Some(count)
    }

    fn node_ref(&self, id: NodeId) -> NodeRef<'_> {
        NodeRef { tree: self, node: self.nodes.get(id) }
    }

    fn find(&self, path: &str) -> Option<NodeId> {
        self.find_with_parent(path).map(|(_, id)| id)
    }

    /// A node, behind its parent; the root is its own.
    fn find_with_parent(&self, path: &str) -> Option<(NodeId, NodeId)> {
        let (mut parent, mut id) = (self.root, self.root);
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        for name in PathNames::of(path) {
            parent = id;
            id = self.nodes.get(id).child(name)?;
        }
        Some((parent, id))
    }

    /// What ends a node with these owner bits.
    fn owner(&self, bits: i64) -> EphemeralOwner {
        EphemeralOwner::from_bits(bits, self.extended_types)
    }
}

/// Looks at one znode.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'t> {
    tree: &'t DataTree,
    node: &'t Node,
}

impl<'t> NodeRef<'t> {
    /// The data; `None` is null, which clients can tell from empty.
    #[must_use]
    pub fn data(self) -> Option<&'t [u8]> {
        self.node.data.as_deref()
    }

    /// The metadata as clients see it.
    #[must_use]
    pub fn stat(self) -> Stat {
        self.node.stat(self.owner())
    }

    /// The ACL.
    #[must_use]
    pub fn acl(self) -> &'t Arc<[Acl]> {
        self.tree.acls.get(self.node.acl)
    }

    /// The names of the children, in order.
    pub fn children(self) -> impl Iterator<Item = &'t str> {
        self.node.children().map(|(name, _)| name)
    }

    /// The number of children.
    #[must_use]
    pub fn child_count(self) -> usize {
        self.node.child_count()
    }

    /// The number of creates there have been under this node: what sequence numbers are drawn from,
    /// and not the `cversion` that clients see.
    #[must_use]
    pub fn create_count(self) -> i32 {
        self.node.create_count
    }

    pub(crate) fn stat_persisted(self) -> StatPersisted {
        self.node.stat_persisted()
    }

    /// Path and data, summed up.
    pub(crate) fn content_sum(self) -> ContentSum {
        self.node.content
    }

    /// What the node adds to the tree's digest.
    pub(crate) fn digest(self) -> NodeDigest {
        self.node.digest()
    }

    /// What ends the node.
    #[must_use]
    pub fn owner(self) -> EphemeralOwner {
        self.tree.owner(self.node.owner_bits)
    }
}
