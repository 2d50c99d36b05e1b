//! Asking a holder to let go.
//!
//! Whoever wants what another one holds writes a word into that one's node; the holder watches its
//! node anyway. Curator's `Revoker` writes [`REVOKE`], ZooKeeper's page of recipes says `unlock`.

use zk_client::{Client, Error as ClientError, Stat};

use crate::asking::ask;
use crate::error::Result;

/// What is written to ask for it.
const REVOKE: &[u8] = b"__REVOKE__";

/// The other word for it.
const UNLOCK: &[u8] = b"unlock";

/// Whether somebody asks, going by the own node. What the owner made it with is no request.
pub(super) fn is_asked_for(data: &[u8], stat: &Stat) -> bool {
    stat.version > 0 && (data == REVOKE || data == UNLOCK)
}

/// Asks the owner of the node at `path` to let go; false when there is no such node any more.
pub(crate) async fn ask_for(client: &Client, path: &str) -> Result<bool> {
    // The names of such nodes are never used twice, so it may be written any number of times.
    match ask(client, || client.set(path, REVOKE).send()).await {
        Ok(_) => Ok(true),
        Err(ClientError::NoNode { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
