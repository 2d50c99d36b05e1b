//! The nodes above a node, made when they are missing.

use zk_proto::{Acl, CreateMode};

use super::Created;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::features::Support;
use crate::ops::{Limits, Pending};

/// How missing parents are made.
#[derive(Clone, Debug)]
pub(crate) struct Parents {
    pub(crate) containers: bool,
    pub(crate) acl: Option<Vec<Acl>>,
}

/// The creates of all ancestors of a node, on their way.
pub(crate) struct Ancestors {
    client: Client,
    containers: bool,
    sent: Vec<Pending<Created>>,
}

impl Parents {
    /// Whether it is known that the servers can make them as wanted. Where it is not, nothing that
    /// depends on them should be sent before they have [settled](Ancestors::settle): an operation
    /// that a server does not know costs the connection.
    pub(crate) fn are_supported(&self, client: &Client) -> bool {
        !self.containers || client.shared().features.containers.get() != Support::Unknown
    }

    /// Sends the creates of all nodes above `path`, topmost first: one round trip, however many.
    pub(crate) fn send(&self, client: &Client, path: &str, limits: Limits) -> Ancestors {
        let containers =
            self.containers && client.shared().features.containers.get() != Support::No;
        let mode = if containers { CreateMode::Container } else { CreateMode::Persistent };
        let create = |ancestor| {
            let mut create = client.create(ancestor, b"", mode);
            create.acl.clone_from(&self.acl);
            create.limited(limits).send()
        };
        let sent = ancestors(path).map(create).collect();
        Ancestors { client: client.clone(), containers, sent }
    }
}

impl Ancestors {
    /// Waits for the answers. Only the last one counts: a create further up that is refused (of an
    /// existing node, in a directory where one may not create) does no harm when the one below it
    /// works. Fails with `Unimplemented` if the server has no containers; persistent ones will be
    /// made the next time.
    pub(crate) async fn settle(self) -> Result<()> {
        let (mut refused, mut last) = (None, Ok(()));
        let containers = &self.client.shared().features.containers;
        for pending in self.sent {
            last = match pending.await {
                Ok(_) | Err(Error::NodeExists { .. }) => {
                    if self.containers {
                        containers.set(Support::Yes);
                    }
                    Ok(())
                }
                Err(error @ Error::Unimplemented { .. }) => {
                    containers.set(Support::No);
                    return Err(error);
                }
                Err(error) => Err(error),
            };
            // What went wrong first explains the rest: below it nothing can be created.
            if let Err(error) = &last {
                refused.get_or_insert_with(|| error.clone());
            }
        }
        last.map_err(|error| refused.unwrap_or(error))
    }
}

/// The nodes above `path` without the root, topmost first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).filter(|ancestor| !ancestor.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_come_topmost_first_and_without_the_root() {
        assert_eq!(ancestors("/a/b/c").collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert_eq!(ancestors("/a/").collect::<Vec<_>>(), ["/a"], "of a sequential node");
        assert_eq!(ancestors("/a").count(), 0);
        assert_eq!(ancestors("/").count(), 0);
    }
}
