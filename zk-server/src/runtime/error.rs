//! Why a server does not start or does not go on.

use std::io;
use std::path::{Path, PathBuf};

use crate::storage::log::LogError;

/// A server that could not be started. The operator has to change something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "cannot listen on {address}: the port is in use. Another server, perhaps a ZooKeeper, \
         runs there: stop it, or choose another port (`clientPort` in the configuration file, \
         `--port` with `--dev`)"
    )]
    PortInUse {
        /// The address and port.
        address: String,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}: {error}. Check `clientPortAddress` and `clientPort`")]
    Bind {
        /// The address and port.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The data directory cannot be made.
    #[error(
        "cannot use the data directory {}: {error}. Check `dataDir` and its permissions",
        shown(path)
    )]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The data directory belongs to a server that keeps its data on disk.
    #[error(
        "{} holds the data of a ZooKeeper server, which this version cannot read yet; serving \
         without them would look like a loss of everything. Set `dataDir` to an empty directory",
        shown(path)
    )]
    DataNotReadable {
        /// The directory.
        path: PathBuf,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl StartError {
    pub(super) fn bind(address: String, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { address },
            _ => Self::Bind { address, error },
        }
    }
}

/// A server that stopped by itself. What it had acknowledged stays true.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A fault in the server itself. Its state cannot be trusted any further.
    #[error("a fault in the server stopped it: {reason}. Please report it")]
    Fault {
        /// What happened.
        reason: String,
    },
}

/// A path from a configuration file, as it can be shown on a terminal or in a log.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
