//! Deleting a whole subtree.

use std::collections::VecDeque;

use zk_proto::path;

use super::{Call, Limits, MultiResult, Pending, request};
use crate::client::Client;
use crate::error::{Error, Result};

/// How many nodes are asked about, or deleted one by one, at once.
const LOOKAHEAD: usize = 128;

/// How many nodes one multi deletes at most.
const BATCH_NODES_MAX: usize = 256;

/// How many bytes the paths in one multi take at most: far below what servers accept.
const BATCH_BYTES_MAX: usize = 64 * 1024;

/// How many multis are on their way at once.
const BATCHES_MAX: usize = 4;

/// How often somebody may add to what is being deleted before that is an error.
const REFILLS_MAX: usize = 1000;

/// The server's own subtree.
const ZOOKEEPER: &str = "/zookeeper";

/// Deletes a subtree; made by [`Client::delete_recursive`](crate::Client::delete_recursive).
///
/// It is not one transaction: others see the subtree shrink from its leaves, and an error or a
/// dropped future leaves the rest. Repeating it is always safe. Nodes that others delete meanwhile
/// are no error, nodes that they add are deleted, too; a thousand additions it puts up with, then it
/// fails with [`NotEmpty`](crate::Error::NotEmpty). It goes on through disconnects while it is awaited. A [`timeout`](Self::timeout) holds for all of it, the client's
/// [`request_timeout`](crate::ClientBuilder::request_timeout) for each request.
///
/// Each node costs a read, pipelined by the hundred, and a share of a multi. Of the names of nodes
/// it keeps in memory those below the path it is at, not the subtree.
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct DeleteRecursive<'a> {
    call: Call<'a>,
    children_only: bool,
}

impl<'a> DeleteRecursive<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, children_only: false }
    }

    /// Deletes everything below the node and leaves the node itself.
    pub fn children_only(mut self) -> Self {
        self.children_only = true;
        self
    }

    /// Sends the first request now; the rest follows while the result is awaited.
    pub fn send(self) -> Pending<()> {
        let root = self.call.path().to_owned();
        if let Err(reason) = path::validate(&root) {
            return Pending::failed(self.call.invalid_path(&reason));
        }
        if let Some(reason) = self.refusal() {
            return Pending::failed(Error::InvalidRequest { path: root, reason });
        }
        let limits = self.call.limits().started_if_asked_for();
        let client = self.call.client().clone();
        let listed = client.children(&root).limited(limits).send();
        let mut walk = Walk {
            client,
            limits,
            steps: Vec::new(),
            batch: Batch::default(),
            sent: VecDeque::new(),
            refills: 0,
        };
        let keep_root = self.children_only;
        Pending::chained(async move {
            match listed.await {
                Ok((names, _)) => walk.descend(&root, names, keep_root).await?,
                Err(Error::NoNode { .. }) => return Ok(()),
                Err(error) => return Err(error),
            }
            walk.finish().await
        })
    }

    /// What must not be deleted in one call.
    fn refusal(&self) -> Option<&'static str> {
        let server_path = self.call.server_path();
        let below = server_path.strip_prefix(ZOOKEEPER);
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some("the server's own subtree is not to be deleted");
        }
        if server_path == "/" {
            return Some("the whole tree is not to be deleted: name what is");
        }
        if self.call.path() == "/" && !self.children_only {
            return Some("the client's own root is not to be deleted: use children_only()");
        }
        None
    }
}

/// What is left to do; the last step comes first.
enum Step {
    /// Look what is below a node, then delete it.
    Descend(String),
    /// Delete a node whose children are on their way out.
    Delete(String),
}

/// Paths for one multi, children before parents.
#[derive(Default)]
struct Batch {
    paths: Vec<String>,
    bytes: usize,
}

/// A multi on its way.
struct Sent {
    outcome: Pending<Vec<MultiResult>>,
    paths: Vec<String>,
}

struct Walk {
    client: Client,
    limits: Limits,
    steps: Vec<Step>,
    batch: Batch,
    sent: VecDeque<Sent>,
    refills: usize,
}

impl Walk {
    async fn finish(&mut self) -> Result<()> {
        loop {
            match self.steps.pop() {
                Some(Step::Delete(path)) => self.delete(path).await?,
                Some(Step::Descend(path)) => {
                    match self.client.children(&path).limited(self.limits).await {
                        Ok((names, _)) => self.descend(&path, names, false).await?,
                        Err(Error::NoNode { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                None if self.batch.paths.is_empty() && self.sent.is_empty() => return Ok(()),
                // What fails of it comes back as further steps.
                None => {
                    self.flush().await?;
                    while let Some(sent) = self.sent.pop_front() {
                        self.settle(sent).await?;
                    }
                }
            }
        }
    }

    /// Sorts the children of a node: leaves are deleted, others descended into.
    async fn descend(&mut self, path: &str, names: Vec<String>, keep: bool) -> Result<()> {
        if !keep {
            self.steps.push(Step::Delete(path.to_owned()));
        }
        for names in names.chunks(LOOKAHEAD) {
            let ask = |name: &String| {
                let child = path::join(path, name);
                let asked = self.client.exists(&child).limited(self.limits).send();
                (child, asked)
            };
            let asked: Vec<_> = names.iter().map(ask).collect();
            for (child, asked) in asked {
                match asked.await? {
                    Some(stat) if stat.num_children > 0 => self.steps.push(Step::Descend(child)),
                    Some(_) => self.delete(child).await?,
                    None => {}
                }
            }
        }
        Ok(())
    }

    async fn delete(&mut self, path: String) -> Result<()> {
        self.batch.bytes += path.len();
        self.batch.paths.push(path);
        if self.batch.paths.len() >= BATCH_NODES_MAX || self.batch.bytes >= BATCH_BYTES_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let Batch { paths, .. } = std::mem::take(&mut self.batch);
        if paths.is_empty() {
            return Ok(());
        }
        if self.sent.len() >= BATCHES_MAX
            && let Some(oldest) = self.sent.pop_front()
        {
            self.settle(oldest).await?;
        }
        let mut multi = self.client.multi().limited(self.limits);
        for path in &paths {
            multi = multi.delete(path);
        }
        let outcome = multi.send();
        self.sent.push_back(Sent { outcome, paths });
        Ok(())
    }

    /// A multi that failed changed nothing, or nobody knows: its nodes are deleted one by one.
    async fn settle(&mut self, sent: Sent) -> Result<()> {
        match sent.outcome.await {
            Ok(_) => return Ok(()),
            Err(Error::Multi { .. } | Error::RequestTooLarge { .. }) => {}
            Err(error) if error.is_outcome_unknown() => {}
            Err(error) => return Err(error),
        }
        for paths in sent.paths.chunks(LOOKAHEAD) {
            let delete =
                |path: &String| self.client.delete(path).idempotent().limited(self.limits).send();
            let deletes: Vec<_> = paths.iter().map(delete).collect();
            for (path, deleted) in paths.iter().zip(deletes) {
                match deleted.await {
                    Ok(()) => {}
                    // Somebody added to it, or it is above such a node.
                    Err(Error::NotEmpty { .. }) if self.refills < REFILLS_MAX => {
                        self.refills += 1;
                        self.steps.push(Step::Descend(path.clone()));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

request!(DeleteRecursive => ());
