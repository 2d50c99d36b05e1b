//! The nodes above a recipe's own nodes.

use zk_client::{Acl, Client, CreateMode, Error};

/// How the parents of a recipe's nodes come to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parents {
    /// Created as containers, which the server deletes once they are empty again (servers from
    /// 3.5 on; on older ones they are persistent).
    #[default]
    Containers,
    /// Created as persistent nodes, which stay.
    Persistent,
    /// Not created: a missing one is an error.
    MustExist,
}

/// Creates `path` and everything above it, except what is there already.
///
/// All creates are sent at once, so this costs one round trip however deep the path is. Only the
/// last answer counts: a create further up that is refused (an existing node in a directory where
/// one may not create) doesn't matter when the one below it works.
pub(crate) async fn ensure(
    client: &Client,
    path: &str,
    parents: Parents,
    acl: Option<&[Acl]>,
) -> Result<(), Error> {
    match parents {
        Parents::MustExist => Err(Error::NoNode { path: path.to_owned() }),
        Parents::Persistent => create_all(client, path, CreateMode::Persistent, acl).await,
        Parents::Containers => match create_all(client, path, CreateMode::Container, acl).await {
            Err(Error::Unimplemented { .. }) => {
                create_all(client, path, CreateMode::Persistent, acl).await
            }
            done => done,
        },
    }
}

async fn create_all(
    client: &Client,
    path: &str,
    mode: CreateMode,
    acl: Option<&[Acl]>,
) -> Result<(), Error> {
    let mut sent = Vec::new();
    for ancestor in lineage(path) {
        let mut create = client.create(ancestor, b"", mode);
        if let Some(acl) = acl {
            create = create.acl(acl.iter().cloned());
        }
        sent.push(create.send());
    }
    let mut refused = None;
    let mut last = Ok(());
    for pending in sent {
        last = match pending.await {
            Ok(_) | Err(Error::NodeExists { .. }) => Ok(()),
            Err(error @ Error::Unimplemented { .. }) => return Err(error),
            Err(error) => Err(error),
        };
        // What went wrong first explains the rest: below a refused create there are only no-nodes.
        if let Err(error) = &last {
            refused.get_or_insert_with(|| error.clone());
        }
    }
    last.map_err(|error| refused.unwrap_or(error))
}

/// The path of the child of `parent` called `name`.
pub(crate) fn child(parent: &str, name: &str) -> String {
    if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") }
}

/// `path` and its ancestors without the root, topmost first.
fn lineage(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    ends.chain([path.len()]).map(|end| &path[..end]).filter(|ancestor| ancestor.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_come_topmost_first_and_without_the_root() {
        assert_eq!(lineage("/a/b/c").collect::<Vec<_>>(), ["/a", "/a/b", "/a/b/c"]);
        assert_eq!(lineage("/a").collect::<Vec<_>>(), ["/a"]);
        assert_eq!(lineage("/").count(), 0);
    }
}
