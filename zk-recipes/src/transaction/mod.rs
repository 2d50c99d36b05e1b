//! Transactions over several systems: all of them commit, or none does (two-phase commit).
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use std::time::Duration;
//! use zk_recipes::{Transaction, transaction::{Decision, Vote}};
//!
//! // The coordinator:
//! let parts = ["orders", "billing"];
//! let mut transaction = Transaction::begin(&client, "/transactions", parts, "order 17").await?;
//! let path = transaction.path().to_owned(); // tell the participants
//! let decision = transaction.decide(Duration::from_secs(10)).await?;
//! transaction.finish().await?; // waits until everybody has done it
//!
//! // Each participant, also when it starts again after a crash:
//! let mut part = Transaction::join(&client, &path, "orders").await?;
//! let vote = if prepare(part.payload()).await { Vote::Commit } else { Vote::Abort };
//! match part.vote(vote).await? {
//!     Decision::Committed => carry_out().await,
//!     Decision::Aborted => forget().await,
//! }
//! part.done().await?; // only after it is done for good
//! # Ok(()) }
//! # async fn prepare(payload: &[u8]) -> bool { true }
//! # async fn carry_out() {}
//! # async fn forget() {}
//! ```
//!
//! # Znodes
//!
//! | below the directory given | what |
//! | --- | --- |
//! | `tx-<uuid>` | the transaction, a container: a line of JSON with the participants and the decision, then the payload |
//! | `tx-<uuid>/coordinator` | ephemeral: the coordinator is there |
//! | `tx-<uuid>/at-<name>` | ephemeral: the participant is there |
//! | `tx-<uuid>/vote-<name>` | persistent: it has voted to commit, and is not done yet |
//!
//! # What it guarantees
//!
//! - There is one decision. It is one versioned write to the transaction's node, from version 0 to
//!   version 1, and nobody writes that node again.
//! - It is to commit only if all participants have voted so, and the coordinator says so while it
//!   lives: the write is one transaction with checks of all votes and of the coordinator's node.
//! - Whoever votes to abort decides that at once.
//! - **Presumed abort**: if the coordinator's node is gone before there is a decision, whoever looks
//!   next decides to abort. So nobody waits for a coordinator that died. A transaction that is not
//!   there any more was aborted, as far as somebody is concerned who has not voted.
//! - A participant that voted can read the decision until it is [done](Participant::done), whatever
//!   crashed in between: its vote keeps the transaction's node.
//! - A participant whose session ends before it has voted aborts the transaction, if the coordinator
//!   has seen it there; one that never comes does after the limit of
//!   [`decide`](Coordinator::decide).
//!
//! # What it does not
//!
//! It moves no data: what it takes to carry out the decision after a crash, a participant has to
//! have on its own disk before it votes to commit. A participant that voted to commit and is cut off
//! from ZooKeeper must wait, and so must whoever waits for what it has locked. The names of
//! participants must be their own: two processes under one name are one participant. Who has voted to
//! commit cannot vote otherwise ([`Error::AlreadyVoted`]), and who is
//! [done](Participant::done) must not ask again: to it, a transaction that is gone was aborted.
//!
//! # When things go wrong
//!
//! | what happens | coordinator | participant |
//! | --- | --- | --- |
//! | connection breaks, request or reply lost | goes on | goes on |
//! | own session expires before the decision | aborted | not yet voted: aborted if that was seen; voted: goes on |
//! | own session expires after it | goes on | goes on |
//! | dropped or dies before the decision | aborted | the same; comes back by [`join`](Transaction::join) |
//! | dropped or dies after it | the participants clean up | comes back by [`join`](Transaction::join), and reads it |
//! | coordinator's node deleted | aborted | aborted |
//! | a vote deleted by somebody before the decision | waits for it, then aborts | aborted |
//! | the transaction deleted by somebody | aborted | aborted; who voted is told it is gone ([`Error::TransactionGone`]) |
//! | somebody else writes the transaction's node | [`Error::Malformed`] | the same |
//! | the server refuses a node | the error | the error |
//! | client closed | aborted by whoever looks next | `Error::Client(Closed)` |
//!
//! What nobody needs any more goes: whoever is done last deletes the transaction, and if nobody is
//! left to do so, the server does, since it is an empty container then (servers from 3.5 on).
//!
//! # Cost
//!
//! The coordinator: one write to begin, two reads to look, a list for each participant that comes or
//! votes, one write to decide; then a list for each that is done, and one write at the end. A
//! participant: three requests at once to join, one write to vote and two reads that watch, one read
//! when it is decided, three writes when it is done. A vote wakes the coordinator alone; the decision
//! wakes all who wait for it, by nature. Needs servers from 3.5 on.

mod coordinator;
mod participant;
mod record;

pub use coordinator::Coordinator;
pub use participant::Participant;
pub use record::{Decision, Vote};

use bytes::Bytes;
use zk_client::{Client, Error as ClientError};

use self::record::{Paths, Record};
use crate::asking::ask;
use crate::error::{Error, Result};
use crate::options::NodeOptions;

/// Begins and joins transactions. See the [module](self) for what that means.
#[derive(Debug)]
pub struct Transaction;

impl Transaction {
    /// Begins a transaction in `directory`, of the participants with these names, who all get the
    /// payload to read.
    pub async fn begin(
        client: &Client,
        directory: &str,
        participants: impl IntoIterator<Item = impl Into<String>>,
        payload: impl Into<Bytes>,
    ) -> Result<Coordinator> {
        let options = NodeOptions::new();
        Self::begin_with(client, directory, participants, payload, &options).await
    }

    /// As [`begin`](Self::begin), with an ACL, and a word on missing parents. All participants need
    /// all rights on the transaction's node.
    pub async fn begin_with(
        client: &Client,
        directory: &str,
        participants: impl IntoIterator<Item = impl Into<String>>,
        payload: impl Into<Bytes>,
        options: &NodeOptions,
    ) -> Result<Coordinator> {
        let participants = participants.into_iter().map(Into::into).collect();
        let record = Record { participants, decision: None, payload: payload.into() };
        Coordinator::begin(client, directory, record, options).await
    }

    /// Joins the transaction at `path` as the participant called `name`, or comes back to it.
    ///
    /// A transaction that is not there any more was aborted: nobody commits without this
    /// participant's vote, and with it the transaction stays until this one is done.
    pub async fn join(client: &Client, path: &str, name: &str) -> Result<Participant> {
        Participant::join(client, path, name).await
    }

    /// What is decided about the transaction at `path`; `None` while it is open.
    ///
    /// Fails with [`Error::TransactionGone`] when everybody is done with it.
    pub async fn decision_of(client: &Client, path: &str) -> Result<Option<Decision>> {
        match ask(client, || client.get(path).send()).await {
            Ok((data, stat)) => Ok(Record::decode(path, &data, stat.version)?.decision),
            Err(ClientError::NoNode { .. }) => {
                Err(Error::TransactionGone { path: path.to_owned() })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Decides to abort if the coordinator is gone and nothing is decided.
async fn abort_orphan(client: &Client, paths: &Paths, record: &Record) -> Result<()> {
    let data = record.decided(Decision::Aborted).encode();
    match ask(client, || client.set(&paths.transaction, &data).version(0).send()).await {
        // Decided by somebody else, or by this one when the reply was lost.
        Ok(_) | Err(ClientError::BadVersion { .. } | ClientError::NoNode { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes the transaction if nobody needs it any more.
async fn sweep(client: &Client, paths: &Paths) -> Result<()> {
    match ask(client, || client.delete(&paths.transaction).send()).await {
        Ok(()) | Err(ClientError::NotEmpty { .. } | ClientError::NoNode { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
