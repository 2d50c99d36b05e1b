//! Whose znodes.

use zk_client::ops::Create;
use zk_client::{Client, CreateMode, Created, Error as ClientError, Pending};

use crate::asking::{ask, parent};
use crate::cleaner;
use crate::contest::{Options, OwnNode};
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::{Parents, child};
use crate::runtime::fresh_hex;
use crate::sequence::Mark;

/// The znodes of a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Curator,
    Kazoo,
}

impl Layout {
    /// The directory whose children are counted.
    pub(super) fn leases(self, path: &str) -> String {
        match self {
            Self::Curator => child(path, "leases"),
            Self::Kazoo => path.to_owned(),
        }
    }

    /// The directory of those who wait for their turn to acquire.
    pub(super) fn line(self, path: &str) -> (String, Mark) {
        match self {
            Self::Curator => (child(path, "locks"), Mark::LOCK),
            Self::Kazoo => (format!("{path}-__lock__"), Mark::KAZOO_LOCK),
        }
    }

    /// The options for both directories.
    pub(super) fn options(self, options: &Options) -> Options {
        match self {
            Self::Curator => options.clone(),
            Self::Kazoo => options.lasting(),
        }
    }
}

/// A lease that was asked for.
pub(super) struct Asked {
    created: Pending<Created>,
    /// A name that is known beforehand, which the client does not look after.
    unsettled: Option<Unsettled>,
    client: Client,
    epoch: u64,
}

impl Asked {
    /// Sends the create of a lease in `directory`.
    pub(super) fn send(
        layout: Layout,
        client: &Client,
        directory: &str,
        data: &[u8],
        options: &Options,
        epoch: u64,
    ) -> Self {
        let (created, unsettled) = match layout {
            Layout::Curator => {
                let path = child(directory, "lease-");
                let mode = CreateMode::EphemeralSequential;
                let create = options.create(client, &path, data, mode);
                (create.protected().in_session(epoch).send(), None)
            }
            Layout::Kazoo => {
                let path = child(directory, &fresh_hex());
                let create = client.create(&path, data, CreateMode::Ephemeral);
                let create = with_acl(create, options).idempotent().in_session(epoch);
                let created = create.send();
                (created, Some(Unsettled { client: client.clone(), path: Some(path), epoch }))
            }
        };
        Self { created, unsettled, client: client.clone(), epoch }
    }

    /// The node, once it is there.
    pub(super) async fn node(self) -> Result<OwnNode, ClientError> {
        let Self { created, unsettled, client, epoch } = self;
        let created = created.await?;
        if let Some(mut unsettled) = unsettled {
            unsettled.path = None;
        }
        Ok(OwnNode::new(&client, created.path, &created.stat, epoch))
    }
}

/// A create whose outcome is not known yet. Dropped before that, its node is deleted.
struct Unsettled {
    client: Client,
    path: Option<String>,
    epoch: u64,
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // Behind the create in the same session, so it cannot come too early.
            drop(cleaner::delete(&self.client, &path, self.epoch));
        }
    }
}

fn with_acl<'a>(create: Create<'a>, options: &Options) -> Create<'a> {
    match &options.nodes.acl {
        Some(acl) => create.acl(acl.iter().cloned()),
        None => create,
    }
}

/// Compares `limit` with what kazoo's semaphore keeps in the node at `path`, which is made if it
/// is missing.
pub(super) async fn agree(
    client: &Client,
    path: &str,
    limit: usize,
    options: &Options,
) -> Result<()> {
    loop {
        match ask(client, || client.get(path).send()).await {
            Ok((data, _)) => return compare(path, &data, limit),
            Err(ClientError::NoNode { .. }) if options.nodes.parents != Parents::MustExist => {}
            Err(error) => return Err(error.into()),
        }
        let NodeOptions { parents, parents_acl, .. } = &options.nodes;
        let acl = parents_acl.as_deref();
        crate::parents::ensure(client, parent(path), *parents, acl).await?;
        let data = limit.to_string();
        let made = ask(client, || {
            let create = client.create(path, data.as_bytes(), CreateMode::Persistent);
            match acl {
                Some(acl) => create.acl(acl.iter().cloned()).send(),
                None => create.send(),
            }
        });
        match made.await {
            // Somebody else was faster, or the directory went at once: the next look tells.
            Ok(_) | Err(ClientError::NodeExists { .. } | ClientError::NoNode { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As kazoo does it: what is no number may be there for another purpose.
fn compare(path: &str, data: &[u8], limit: usize) -> Result<()> {
    let stored = std::str::from_utf8(data).ok().and_then(|text| text.trim().parse().ok());
    match stored {
        Some(stored) if stored != limit => {
            Err(Error::LimitMismatch { path: path.to_owned(), stored, wanted: limit })
        }
        _ => Ok(()),
    }
}
