//! What the recipes let one choose about their nodes.

use zk_client::ops::Create;
use zk_client::{Acl, Client, CreateMode};

use crate::parents::Parents;

/// Who may do what with the nodes of a recipe, and how their parents come to be.
///
/// ```
/// # fn example(client: &zk_client::Client) {
/// use zk_recipes::{Barrier, NodeOptions, Parents};
///
/// let options = NodeOptions::new().parents(Parents::Persistent);
/// let barrier = Barrier::new(client, "/barriers/start").options(options);
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing until a recipe is given them"]
pub struct NodeOptions {
    pub(crate) acl: Option<Vec<Acl>>,
    pub(crate) parents: Parents,
    pub(crate) parents_acl: Option<Vec<Acl>>,
}

impl NodeOptions {
    /// The client's default ACL everywhere, and containers as parents.
    pub fn new() -> Self {
        Self::default()
    }

    /// The ACL of the recipe's own nodes. Default: the client's.
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.acl = Some(acl.into_iter().collect());
        self
    }

    /// What to do about missing parents. Default: create containers.
    pub fn parents(mut self, parents: Parents) -> Self {
        self.parents = parents;
        self
    }

    /// The ACL of parents that are created. Default: the client's. Whoever takes part needs CREATE,
    /// DELETE and READ on the parent of the recipe's nodes.
    pub fn parents_acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.parents_acl = Some(acl.into_iter().collect());
        self
    }

    /// The same for directories that others make once and rely on from then on, as kazoo does: none
    /// that the server sweeps away.
    pub(crate) fn lasting(&self) -> Self {
        let mut options = self.clone();
        if options.parents == Parents::Containers {
            options.parents = Parents::Persistent;
        }
        options
    }

    /// A create of one of the recipe's own nodes.
    pub(crate) fn create<'a>(
        &self,
        client: &'a Client,
        path: &'a str,
        data: &'a [u8],
        mode: CreateMode,
    ) -> Create<'a> {
        let create = client.create(path, data, mode);
        match &self.acl {
            Some(acl) => create.acl(acl.iter().cloned()),
            None => create,
        }
    }
}

/// The setters of [`NodeOptions`] for the builder of one who stands in line, whose field `options`
/// has them: one by one, or all at once.
macro_rules! node_setters {
    () => {
        /// The ACL of the own node. Default: the client's. Whoever else stands in line must be
        /// allowed to read it; deleting is a right on the parent.
        pub fn acl(mut self, acl: impl IntoIterator<Item = zk_client::Acl>) -> Self {
            self.options.nodes = self.options.nodes.acl(acl);
            self
        }

        /// What to do about missing parents. Default: create containers.
        pub fn parents(mut self, parents: $crate::Parents) -> Self {
            self.options.nodes = self.options.nodes.parents(parents);
            self
        }

        /// The ACL of parents that are created. Default: the client's. All who stand in line need
        /// CREATE, DELETE and READ on the path.
        pub fn parents_acl(mut self, acl: impl IntoIterator<Item = zk_client::Acl>) -> Self {
            self.options.nodes = self.options.nodes.parents_acl(acl);
            self
        }

        /// The same three at once, in the place of what was said before.
        pub fn options(mut self, options: $crate::NodeOptions) -> Self {
            self.options.nodes = options;
            self
        }
    };
}

pub(crate) use node_setters;
