//! Who takes part in an election.

use zk_client::{Client, Error as ClientError, Names};

use crate::error::Result;
use crate::parents::child;
use crate::sequence::{Contender, Mark, line};

/// How many nodes are read at once.
const READ_BATCH: usize = 100;

/// One who takes part in an election.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// The id it joined with. Bytes that are no UTF-8 are replaced.
    pub id: String,
    /// The path of its node.
    pub path: String,
    /// Whether it is the first in line.
    pub is_leader: bool,
}

/// Everybody in line at `path`, the leader first.
pub(super) async fn list(client: &Client, path: &str, mark: Mark) -> Result<Vec<Participant>> {
    read(client, path, &line(mark, &children(client, path).await?)).await
}

/// The first in line at `path`.
pub(super) async fn leader(client: &Client, path: &str, mark: Mark) -> Result<Option<Participant>> {
    let children = children(client, path).await?;
    for contender in line(mark, &children) {
        // Who vanished since the list was read, leads no more.
        let found = read(client, path, &[contender]).await?;
        if let Some(leader) = found.into_iter().next() {
            return Ok(Some(leader));
        }
    }
    Ok(None)
}

async fn children(client: &Client, path: &str) -> Result<Names> {
    match client.children(path).packed().await {
        Ok((children, _)) => Ok(children),
        Err(ClientError::NoNode { .. }) => Ok(Names::default()),
        Err(error) => Err(error.into()),
    }
}

async fn read(client: &Client, path: &str, line: &[Contender<'_>]) -> Result<Vec<Participant>> {
    let mut participants = Vec::with_capacity(line.len());
    for batch in line.chunks(READ_BATCH) {
        let mut reads = Vec::with_capacity(batch.len());
        for contender in batch {
            let path = child(path, contender.name);
            let read = client.get(&path).send();
            reads.push((path, read));
        }
        for (path, read) in reads {
            let data = match read.await {
                Ok((data, _)) => data,
                Err(ClientError::NoNode { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let id = String::from_utf8_lossy(&data).into_owned();
            participants.push(Participant { id, path, is_leader: participants.is_empty() });
        }
    }
    Ok(participants)
}
