//! Doing something once, whatever becomes of the reply.
//!
//! A change whose reply is lost was made or not, and often the nodes themselves do not tell: the
//! item that is gone from a queue may have been taken by somebody else, and the counter that is one
//! higher may be so by somebody else's addition. So each handle has an ephemeral node of its own, the
//! ledger, and writes a fresh entry to it in the transaction of every change. After a lost reply the
//! entry is there, or nothing was done.

use bytes::Bytes;
use tokio::sync::Mutex;
use zk_client::ops::Multi;
use zk_client::{Client, CreateMode, Error as ClientError};

use crate::asking::{make, may_pass};
use crate::cleaner;
use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;
use crate::runtime::{Pauses, fresh_guid};

/// One step of a change.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create { path: String, data: Bytes, mode: CreateMode },
    Set { path: String, data: Bytes, version: i32 },
    Delete { path: String, version: i32 },
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Change {
    Done,
    /// Nothing was done, because one step could not be.
    Refused {
        error: ClientError,
    },
}

/// The ledger of one handle.
#[derive(Debug)]
pub(crate) struct Ledger {
    client: Client,
    directory: String,
    options: NodeOptions,
    /// Held while a change is under way: entries replace each other.
    node: Mutex<Option<Node>>,
}

#[derive(Clone, Debug)]
struct Node {
    path: String,
    /// The client's number of the session that owns the node.
    epoch: u64,
    /// Whether the node is known to be there.
    made: bool,
}

impl Ledger {
    /// A ledger in `directory`, which is made when the first change is carried out.
    pub(crate) fn new(client: &Client, directory: &str, options: &NodeOptions) -> Self {
        let (client, directory) = (client.clone(), directory.to_owned());
        Self { client, directory, options: options.clone(), node: Mutex::default() }
    }

    /// Carries out all of `steps`, once.
    ///
    /// An error whose outcome is unknown means that the session ended, and the ledger with it,
    /// before the question could be settled.
    pub(crate) async fn carry_out(&self, steps: &[Step]) -> Result<Change> {
        let mut current = self.node.lock().await;
        let entry = fresh_guid();
        let mut pauses = Pauses::new();
        loop {
            let (ledger, epoch) = self.open(&mut current).await?;
            let multi = self.multi(steps).set(&ledger, entry.as_bytes());
            let error = match multi.in_session(epoch).commit().await {
                Ok(_) => return Ok(Change::Done),
                Err(ClientError::Multi { index, source, .. })
                    if index < steps.len() && !may_pass(&self.client, &source) =>
                {
                    return Ok(Change::Refused { error: *source });
                }
                // Somebody deleted the ledger, or its session is over.
                Err(ClientError::Multi { source, .. })
                    if matches!(*source, ClientError::NoNode { .. }) =>
                {
                    *current = None;
                    continue;
                }
                Err(error) => error,
            };
            if !may_pass(&self.client, &error) {
                return Err(error.into());
            }
            if error.is_outcome_unknown() {
                match self.read(&ledger).await? {
                    Some(last) if last == entry.as_bytes() => return Ok(Change::Done),
                    Some(_) => {}
                    None => return Err(error.into()),
                }
            }
            pauses.pause().await;
        }
    }

    fn multi<'a>(&'a self, steps: &'a [Step]) -> Multi<'a> {
        steps.iter().fold(self.client.multi(), |multi, step| match step {
            Step::Create { path, data, mode } => match &self.options.acl {
                Some(acl) => multi.create_with_acl(path, data, *mode, acl.iter().cloned()),
                None => multi.create(path, data, *mode),
            },
            Step::Set { path, data, version } => multi.set_version(path, data, *version),
            Step::Delete { path, version } => multi.delete_version(path, *version),
        })
    }

    /// The ledger and its session's number; it is made if there is none in this session.
    async fn open(&self, current: &mut Option<Node>) -> Result<(String, u64)> {
        let mut pauses = Pauses::new();
        loop {
            let epoch = self.client.session_epoch();
            // Noted down before it is made: whenever this is dropped, the node is not forgotten.
            let node = match current {
                Some(node) if node.epoch == epoch => node,
                _ => {
                    let path = child(&self.directory, &format!("ledger-{}", fresh_guid()));
                    current.insert(Node { path, epoch, made: false })
                }
            };
            if node.made {
                return Ok((node.path.clone(), epoch));
            }
            let create = self.options.create(&self.client, &node.path, b"", CreateMode::Ephemeral);
            match create.in_session(epoch).await {
                Ok(_) | Err(ClientError::NodeExists { .. }) => node.made = true,
                Err(ClientError::NoNode { .. }) => {
                    make(&self.client, &self.directory, &self.options).await?;
                }
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The last entry as of now, on the leader's clock; `None` when there is no ledger any more.
    async fn read(&self, ledger: &str) -> Result<Option<Bytes>> {
        let mut pauses = Pauses::new();
        loop {
            let synced = self.client.sync(ledger).send();
            let read = self.client.get(ledger).send();
            match synced.await.and(read.await) {
                Ok((data, _)) => return Ok(Some(data)),
                Err(ClientError::NoNode { .. } | ClientError::SessionExpired) => return Ok(None),
                Err(error) if may_pass(&self.client, &error) => pauses.pause().await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Some(node) = self.node.get_mut().take() {
            drop(cleaner::delete(&self.client, &node.path, node.epoch));
        }
    }
}
