//! Reads instances, many at a time.

use bytes::Bytes;
use zk_client::{Client, Error as ClientError, OneshotWatch, Stat, Zxid};

use super::ServiceInstance;
use crate::error::Result;
use crate::parents::child;

/// How many nodes are read at once: enough to hide the round trip, few enough to leave the server
/// and this client's other requests some air.
const READ_BATCH: usize = 100;

/// One node under a service, as read.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) created: Zxid,
    pub(super) modified: Zxid,
    pub(super) instance: Result<ServiceInstance>,
    /// The next change of this node, if it was asked for.
    pub(super) watch: Option<OneshotWatch>,
}

/// All nodes of the service at `directory`, sorted by name; none when there is no such service.
pub(super) async fn load(client: &Client, directory: &str) -> Result<Vec<Node>> {
    let mut names = match client.children(directory).await {
        Ok((names, _)) => names,
        Err(ClientError::NoNode { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    names.sort_unstable();
    read(client, directory, &names, false).await
}

/// Those of the nodes called `names` that exist, in the order of `names`.
pub(super) async fn read(
    client: &Client,
    directory: &str,
    names: &[String],
    watched: bool,
) -> Result<Vec<Node>> {
    let mut nodes = Vec::with_capacity(names.len());
    for batch in names.chunks(READ_BATCH) {
        if watched {
            read_watched(client, directory, batch, &mut nodes).await?;
        } else {
            read_plain(client, directory, batch, &mut nodes).await?;
        }
    }
    Ok(nodes)
}

async fn read_plain(
    client: &Client,
    directory: &str,
    names: &[String],
    nodes: &mut Vec<Node>,
) -> Result<()> {
    let reads: Vec<_> =
        names.iter().map(|name| client.get(&child(directory, name)).send()).collect();
    for (name, read) in names.iter().zip(reads) {
        let read = read.await.map(|(data, stat)| node(directory, name, &data, &stat, None));
        nodes.extend(found(name, read)?);
    }
    Ok(())
}

async fn read_watched(
    client: &Client,
    directory: &str,
    names: &[String],
    nodes: &mut Vec<Node>,
) -> Result<()> {
    let reads: Vec<_> =
        names.iter().map(|name| client.get(&child(directory, name)).watch().send()).collect();
    for (name, read) in names.iter().zip(reads) {
        let read =
            read.await.map(|(data, stat, watch)| node(directory, name, &data, &stat, Some(watch)));
        nodes.extend(found(name, read)?);
    }
    Ok(())
}

/// What a read says about the node called `name`; `None` if there is none.
///
/// A node that may not be read is its maker's mistake, as one with malformed data is: it must not
/// keep the others from being seen.
fn found(name: &str, read: Result<Node, ClientError>) -> Result<Option<Node>> {
    match read {
        Ok(node) => Ok(Some(node)),
        Err(ClientError::NoNode { .. }) => Ok(None),
        Err(error @ ClientError::NoAuth { .. }) => Ok(Some(Node {
            name: name.to_owned(),
            created: Zxid::UNKNOWN,
            modified: Zxid::UNKNOWN,
            instance: Err(error.into()),
            watch: None,
        })),
        Err(error) => Err(error.into()),
    }
}

fn node(
    directory: &str,
    name: &str,
    data: &Bytes,
    stat: &Stat,
    watch: Option<OneshotWatch>,
) -> Node {
    let instance = ServiceInstance::from_json(&child(directory, name), data);
    Node { name: name.to_owned(), created: stat.czxid, modified: stat.mzxid, instance, watch }
}
