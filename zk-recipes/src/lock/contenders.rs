//! Who holds a lock, and who waits for it.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::future::join_all;
use zk_client::{Client, Error as ClientError, Names, SessionId};

use crate::asking::ask;
use crate::contest::{FencingToken, revoke};
use crate::error::Result;
use crate::parents::child;
use crate::sequence::{Mark, is_reader, line};

/// How many contenders are read at once.
const READS_MAX: usize = 64;

/// One who holds a lock, or waits for it, as its node shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    path: String,
    data: Bytes,
    token: FencingToken,
    session: SessionId,
}

impl Contender {
    /// The data of the node as text: kazoo's identifier; the address of a Curator, unless it was
    /// given something else.
    #[must_use]
    pub fn id(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }

    /// Whether it shares with its like: a reader of an [`RwLock`](crate::RwLock). Whoever contends
    /// for anything else does not.
    #[must_use]
    pub fn is_reader(&self) -> bool {
        is_reader(&self.path)
    }

    /// The data of the node.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The path of the node.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The token that goes with the node: that of its guard, once it holds.
    #[must_use]
    pub fn fencing_token(&self) -> FencingToken {
        self.token
    }

    /// The session of the contender.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session
    }

    /// Asks it to let go, as [`Lock::revoke`](super::Lock::revoke) does.
    pub async fn revoke(&self, client: &Client) -> Result<bool> {
        revoke::ask_for(client, &self.path).await
    }
}

/// The contenders in `directory`, in the order of the line.
pub(crate) async fn of(client: &Client, directory: &str, mark: Mark) -> Result<Vec<Contender>> {
    let children = children(client, directory).await?;
    let line = line(mark, &children);
    read(client, directory, line.into_iter().map(|contender| contender.name)).await
}

/// All children of `directory` as contenders, in the order in which they came.
pub(crate) async fn all(client: &Client, directory: &str) -> Result<Vec<Contender>> {
    let names = children(client, directory).await?;
    let mut contenders = read(client, directory, &names).await?;
    contenders.sort_unstable_by_key(|contender| contender.token);
    Ok(contenders)
}

/// The children of `directory`; none if it does not exist.
async fn children(client: &Client, directory: &str) -> Result<Names> {
    match ask(client, || client.children(directory).packed().send()).await {
        Ok((children, _)) => Ok(children),
        Err(ClientError::NoNode { .. }) => Ok(Names::default()),
        Err(error) => Err(error.into()),
    }
}

/// Reads the nodes. Those that have gone meanwhile are left out.
async fn read<'n>(
    client: &Client,
    directory: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<Contender>> {
    let paths: Vec<String> = names.into_iter().map(|name| child(directory, name)).collect();
    let mut contenders = Vec::with_capacity(paths.len());
    for paths in paths.chunks(READS_MAX) {
        let reads = paths.iter().map(|path| ask(client, || client.get(path).send()));
        let reads = join_all(reads).await;
        for (path, read) in paths.iter().zip(reads) {
            match read {
                Ok((data, stat)) => contenders.push(Contender {
                    path: path.clone(),
                    data,
                    token: FencingToken::of(stat.czxid),
                    session: stat.ephemeral_owner,
                }),
                Err(ClientError::NoNode { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(contenders)
}
