//! The nodes above a recipe's own nodes.

use zk_client::{Acl, Client, Error};

/// How the parents of a recipe's nodes come to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parents {
    /// Created as containers, which the server deletes once they are empty again (servers from
    /// 3.5 on; on older ones they are persistent). The directories of queues, and in kazoo's layouts
    /// those that kazoo has, too, are persistent all the same: their pages say why.
    #[default]
    Containers,
    /// Created as persistent nodes, which stay.
    Persistent,
    /// Not created: a missing one is an error.
    MustExist,
}

/// Creates `path` and everything above it, except what is there already.
pub(crate) async fn ensure(
    client: &Client,
    path: &str,
    parents: Parents,
    acl: Option<&[Acl]>,
) -> Result<(), Error> {
    let mut ensure = client.ensure_path(path);
    if let Some(acl) = acl {
        ensure = ensure.acl(acl.iter().cloned());
    }
    match parents {
        Parents::Containers => ensure.containers().await,
        Parents::Persistent => ensure.await,
        Parents::MustExist => Err(Error::NoNode { path: path.to_owned() }),
    }
}

/// The path of the child of `parent` called `name`.
pub(crate) fn child(parent: &str, name: &str) -> String {
    if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") }
}
