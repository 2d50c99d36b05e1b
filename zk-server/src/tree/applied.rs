//! What applying a transaction brought about.

use std::borrow::Cow;
use std::sync::Arc;

use zk_proto::{Acl, ErrorCode, SessionId, Stat, Zxid};

/// A transaction after it was applied. Borrows paths from the transaction.
#[derive(Debug)]
#[non_exhaustive]
pub struct Applied<'t> {
    /// The transaction's place in the order, and the zxid of its events and its reply.
    pub zxid: Zxid,
    /// The result, for the reply and for the session table.
    pub outcome: Outcome<'t>,
    /// What changed, in order: what watches see.
    pub changes: Vec<Change<'t>>,
}

/// The result of a transaction or of a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'t> {
    /// A node was created.
    Created {
        /// Its path, with its sequence number.
        path: &'t str,
        /// Its metadata, right after.
        stat: Stat,
    },
    /// A node was deleted.
    Deleted,
    /// A node's data was set.
    DataSet {
        /// Its metadata, right after.
        stat: Stat,
    },
    /// A node's ACL was set.
    AclSet {
        /// Its metadata, right after.
        stat: Stat,
    },
    /// A check of a version, done when the transaction was proposed.
    Checked,
    /// A session began.
    SessionCreated {
        /// Its id.
        session: SessionId,
        /// Its timeout in ms.
        timeout_ms: i32,
    },
    /// A session ended; its ephemeral nodes are gone.
    SessionClosed {
        /// Its id.
        session: SessionId,
    },
    /// The results of a multi, one per operation. If it failed all are
    /// [`Failed`](Self::Failed): with [`ErrorCode::Ok`] before the operation that did,
    /// [`ErrorCode::RuntimeInconsistency`] after it.
    Multi(Vec<Outcome<'t>>),
    /// Nothing was done: the request was refused when it was proposed, or a replay met its own
    /// effect.
    Failed(ErrorCode),
}

/// One change of the tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change<'t> {
    /// What happened.
    pub kind: ChangeKind,
    /// To which node.
    pub path: Cow<'t, str>,
    /// The node's ACL: the one it has now, or had when it was deleted.
    pub acl: Arc<[Acl]>,
    /// The parent's ACL, for those who watch its children.
    pub parent_acl: Arc<[Acl]>,
}

/// What happened to a node. A new ACL is no change that anyone can watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "watches must decide about each kind")]
pub enum ChangeKind {
    /// It was created.
    Created,
    /// It was deleted.
    Deleted,
    /// Its data was set.
    DataChanged,
}
