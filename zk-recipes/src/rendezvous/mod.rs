//! Rendezvous: processes that are started before it is known where they will meet.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::Rendezvous;
//!
//! // Who starts them all opens the rendezvous, and gives its path to everybody.
//! let rendezvous = Rendezvous::open(&client, "/jobs/17").await?;
//! let path = rendezvous.path().to_owned();
//!
//! // The master, as soon as it knows its address:
//! Rendezvous::announce(&client, &path, "10.0.0.1:8080").await?;
//! // Each worker:
//! let address = Rendezvous::meet(&client, &path).await?;
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! One ephemeral node `_c_<uuid>-rendezvous` in the directory given (a container, made on demand),
//! without data until it is announced where to meet.
//!
//! # What it guarantees
//!
//! Who waits goes on when it is announced, or is told that nobody will announce it any more: the
//! node goes with the one who opened it. The announcement may change; who comes later gets the
//! latest.
//!
//! # What it does not
//!
//! The rendezvous ends with the session of the one who opened it, also if only its connection was
//! gone for too long. An empty announcement is none.
//!
//! # When things go wrong
//!
//! | what happens | opener | who waits |
//! | --- | --- | --- |
//! | connection breaks, request or reply lost | goes on | goes on |
//! | its own session expires | [`Error::RendezvousOver`] for all | goes on |
//! | the node is deleted by somebody | the same | [`Error::RendezvousOver`] |
//! | future or handle dropped | node removed in the background | nothing is left |
//! | client closed | node removed | `Error::Client(Closed)` |
//!
//! # Cost
//!
//! To open and to announce, a write each; to meet, one read with a watch, and one more when it is
//! announced. The announcement wakes all who wait, by nature.

use bytes::Bytes;
use zk_client::{Client, CreateMode, Error as ClientError, SessionId};

use crate::asking::{ask, make, parent};
use crate::cleaner::{self, Released};
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::{Parents, child};

/// A rendezvous that is open. Dropping it ends it in the background. See the [module](self).
#[derive(Debug)]
#[must_use = "dropping it ends the rendezvous"]
pub struct Rendezvous {
    client: Client,
    path: String,
    session: SessionId,
    /// The client's number of that session.
    epoch: u64,
    closed: bool,
}

impl Rendezvous {
    /// Opens a rendezvous in `directory`.
    pub async fn open(client: &Client, directory: &str) -> Result<Self> {
        Self::open_with(client, directory, &NodeOptions::new()).await
    }

    /// As [`open`](Self::open), with an ACL, and a word on missing parents. Who announces has to be
    /// allowed to write the node.
    pub async fn open_with(
        client: &Client,
        directory: &str,
        options: &NodeOptions,
    ) -> Result<Self> {
        let path = child(directory, "rendezvous");
        loop {
            let epoch = client.session_epoch();
            let create = options.create(client, &path, b"", CreateMode::Ephemeral);
            match create.protected().in_session(epoch).await {
                Ok(created) => {
                    let (client, session) = (client.clone(), created.stat.ephemeral_owner);
                    return Ok(Self { client, path: created.path, session, epoch, closed: false });
                }
                Err(ClientError::NoNode { .. }) if options.parents != Parents::MustExist => {
                    make(client, parent(&path), options).await?;
                }
                Err(ClientError::SessionExpired) if !client.is_closed() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The path to give to everybody.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The session the rendezvous hangs on.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session
    }

    /// Says where to meet. Any process may, and may do so again.
    pub async fn announce(client: &Client, path: &str, data: impl Into<Bytes>) -> Result<()> {
        let data = data.into();
        match ask(client, || client.set(path, &data).send()).await {
            Ok(_) => Ok(()),
            Err(ClientError::NoNode { .. }) => Err(over(path)),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it is announced where to meet. Without a limit: drop the future to give up.
    pub async fn meet(client: &Client, path: &str) -> Result<Bytes> {
        loop {
            match ask(client, || client.get(path).watch().send()).await {
                Ok((data, _, _)) if !data.is_empty() => return Ok(data),
                // Whatever happens, the next read tells; also that the client was closed.
                Ok((_, _, watch)) => drop(watch.await),
                Err(ClientError::NoNode { .. }) => return Err(over(path)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the rendezvous, and waits until the server has confirmed it. Dropped half-way, it goes
    /// on in the background.
    pub async fn close(mut self) -> Result<Released> {
        self.closed = true;
        Ok(cleaner::delete(&self.client, &self.path, self.epoch).await?)
    }
}

fn over(path: &str) -> Error {
    Error::RendezvousOver { path: path.to_owned() }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        if !self.closed {
            drop(cleaner::delete(&self.client, &self.path, self.epoch));
        }
    }
}
