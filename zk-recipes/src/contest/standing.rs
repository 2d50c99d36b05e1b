//! Waiting in line behind exactly one other contender.

use zk_client::{Client, Error as ClientError, OneshotWatch};

use super::{Contest, Held, OwnNode, Reconnects};
use crate::cleaner::{Released, is_passing};
use crate::error::Result;
use crate::parents::child;
use crate::runtime::{self, Pauses};
use crate::sequence::{Mark, Place, place};

/// How the wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The own node is first: the directory's thing is ours.
    Won,
    /// Somebody deleted the own node.
    NodeGone,
    /// The session is over, and the own node with it.
    SessionLost,
}

/// A contender with its node in the directory. Dropped, it leaves the line.
#[derive(Debug)]
pub(crate) struct Standing {
    client: Client,
    directory: String,
    mark: Mark,
    let_go_when_suspended: bool,
    node: OwnNode,
    /// A list read after the own node was created, not looked at yet.
    children: Option<Vec<String>>,
}

/// Where a look at the list finds the contender.
enum Look {
    Done(Turn),
    Behind { predecessor: String, ahead: usize },
}

impl Standing {
    pub(super) fn new(contest: &Contest, node: OwnNode, children: Option<Vec<String>>) -> Self {
        Self {
            client: contest.client.clone(),
            directory: contest.directory.clone(),
            mark: contest.mark,
            let_go_when_suspended: contest.options.let_go_when_suspended,
            node,
            children,
        }
    }

    /// Waits for the turn, telling `ahead` how many stand in front whenever that is looked up.
    ///
    /// Nothing but the session's end ends the wait early: the place in line outlives disconnects.
    pub(crate) async fn turn(&mut self, ahead: &mut (dyn FnMut(usize) + Send)) -> Result<Turn> {
        let mut reconnects = Reconnects::new(&self.client);
        loop {
            let (predecessor, count) = match self.place().await? {
                Look::Done(turn) => return Ok(turn),
                Look::Behind { predecessor, ahead } => (predecessor, ahead),
            };
            ahead(count);
            let Some(watch) = self.watch(&predecessor).await? else { continue };
            let ended = self.client.session_ended(self.node.epoch);
            tokio::select! {
                // Whatever happened to it, the next list tells. The end of the session also ends
                // the watch, and is noticed by the next look.
                _ = watch => {}
                () = ended => return Ok(Turn::SessionLost),
                () = reconnects.next() => {}
            }
        }
    }

    /// Whether it is the contender's turn right now; `None` when somebody is ahead.
    pub(crate) async fn look(&mut self) -> Result<Option<Turn>> {
        match self.place().await? {
            Look::Done(turn) => Ok(Some(turn)),
            Look::Behind { .. } => Ok(None),
        }
    }

    /// The first one becomes the holder.
    pub(crate) fn hold(self) -> Held {
        Held::start(self.node, self.let_go_when_suspended)
    }

    /// Leaves the line, and waits until that is done.
    pub(crate) async fn leave(mut self) -> Result<Released> {
        self.node.delete().await
    }

    /// Reads the line, unless a list is at hand that was read after the own create.
    async fn place(&mut self) -> Result<Look> {
        let mut pauses = Pauses::new();
        loop {
            let listed = match self.children.take() {
                Some(children) => Ok(children),
                None => self.client.children(&self.directory).await.map(|(children, _)| children),
            };
            if self.client.session_epoch() != self.node.epoch {
                self.node.set_gone();
                return Ok(Look::Done(Turn::SessionLost));
            }
            let children = match listed {
                Ok(children) => children,
                Err(ClientError::NoNode { .. }) => Vec::new(),
                Err(error) if is_passing(&error) => {
                    pauses.pause().await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match place(self.mark, self.node.name(), children) {
                Place::Behind { predecessor, ahead } => {
                    return Ok(Look::Behind { predecessor, ahead });
                }
                Place::Missing => {
                    self.node.set_gone();
                    return Ok(Look::Done(Turn::NodeGone));
                }
                Place::First if self.is_surely_alive() => return Ok(Look::Done(Turn::Won)),
                // The list is older than the session may live unheard: this process was paused.
                Place::First => pauses.pause().await,
            }
        }
    }

    /// Whether the session that owns the node can be relied on: it is the client's current one, and
    /// a server answered it recently enough.
    fn is_surely_alive(&self) -> bool {
        let deadline = self.client.session_deadline();
        self.node.is_in_session() && deadline.is_some_and(|deadline| runtime::now() < deadline)
    }

    /// Watches the predecessor; `None` when the list has to be read again.
    ///
    /// By a read, not by `exists`: that would leave a watch behind on the name of a node that is
    /// gone and never comes back.
    async fn watch(&self, predecessor: &str) -> Result<Option<OneshotWatch>> {
        let path = child(&self.directory, predecessor);
        match self.client.get(&path).watch().await {
            Ok((_, _, watch)) => Ok(Some(watch)),
            Err(ClientError::NoNode { .. } | ClientError::SessionExpired) => Ok(None),
            Err(error) if is_passing(&error) => {
                Pauses::new().pause().await;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
