//! Waiting in line, with an eye on exactly one other contender.

use zk_client::{Client, Error as ClientError, Names, OneshotWatch};

use super::{Contest, Held, OwnNode, Reconnects};
use crate::cleaner::{Released, is_passing};
use crate::error::Result;
use crate::parents::child;
use crate::runtime::Pauses;
use crate::sequence::{Mark, Place, place};

/// How the wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody has to go before: the directory's thing is ours.
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
    extra_marks: Vec<String>,
    let_go_when_suspended: bool,
    node: OwnNode,
    /// A list read after the own node was created, not looked at yet.
    children: Option<Names>,
}

/// Where a look at the list finds the contender.
enum Look {
    Done(Turn),
    Behind { predecessor: String, ahead: usize },
}

impl Standing {
    pub(super) fn new(contest: &Contest, node: OwnNode, children: Option<Names>) -> Self {
        Self {
            client: contest.client.clone(),
            directory: contest.directory.clone(),
            mark: contest.mark,
            extra_marks: contest.options.extra_marks.clone(),
            let_go_when_suspended: contest.options.let_go_when_suspended,
            node,
            children,
        }
    }

    /// The name of the contender's own node.
    pub(crate) fn name(&self) -> &str {
        self.node.name()
    }

    /// Waits for the turn, telling `ahead` for how many it waits whenever that is looked up.
    ///
    /// Nothing but the session's end ends the wait early: the place in line outlives disconnects.
    pub(crate) async fn turn(&mut self, ahead: &mut (dyn FnMut(usize) + Send)) -> Result<Turn> {
        // Made by the first who has to wait.
        let mut reconnects = None;
        loop {
            let (predecessor, count) = match self.place().await? {
                Look::Done(turn) => return Ok(turn),
                Look::Behind { predecessor, ahead } => (predecessor, ahead),
            };
            ahead(count);
            let reconnects = reconnects.get_or_insert_with(|| Reconnects::new(&self.client));
            let Some(watch) = self.watch(&predecessor).await? else { continue };
            let ended = self.client.session_ended(self.node.epoch);
            tokio::select! {
                biased;
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

    /// Whose turn it is becomes a holder.
    pub(crate) fn hold(self) -> Held {
        Held::start(self.node, self.let_go_when_suspended)
    }

    /// The path of the own node.
    pub(crate) fn path(&self) -> &str {
        &self.node.path
    }

    /// The client's number of the session in which the contender stands in line.
    pub(crate) fn epoch(&self) -> u64 {
        self.node.epoch
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
                None => {
                    let listed = self.client.children(&self.directory).packed().await;
                    listed.map(|(children, _)| children)
                }
            };
            if self.client.session_epoch() != self.node.epoch {
                self.node.set_gone();
                return Ok(Look::Done(Turn::SessionLost));
            }
            let children = match listed {
                Ok(children) => children,
                Err(ClientError::NoNode { .. }) => Names::default(),
                Err(error) if is_passing(&error) => {
                    pauses.pause().await;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match place(self.mark, &self.extra_marks, self.node.name(), &children) {
                Place::Behind { predecessor, ahead } => {
                    return Ok(Look::Behind { predecessor, ahead });
                }
                Place::Missing => {
                    self.node.set_gone();
                    return Ok(Look::Done(Turn::NodeGone));
                }
                Place::First if self.node.is_surely_alive() => return Ok(Look::Done(Turn::Won)),
                // The list is older than the session may live unheard: this process was paused.
                Place::First => pauses.pause().await,
            }
        }
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
