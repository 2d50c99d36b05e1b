//! Why a server does not start or does not go on.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
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
    /// The data directory is missing, and is not to be made.
    #[error(
        "{} is missing, and `datadir.autocreate` is false: mount the volume that it is on, or make \
         it by `zk-server init` if the server never ran",
        shown(path)
    )]
    DataDirMissing {
        /// The directory.
        path: PathBuf,
    },
    /// The data directory belongs to a server that keeps its data on disk.
    #[error(
        "{} holds the data of a ZooKeeper server, which a server in memory does not read; serving \
         without them would look like a loss of everything. Set `dataDir` to an empty directory",
        shown(path)
    )]
    DataNotReadable {
        /// The directory.
        path: PathBuf,
    },
    /// Another server runs on the directory.
    #[error(
        "{} is in use by another server: two that write there would destroy each other's data. \
         Stop it, or set another `dataDir`",
        shown(path)
    )]
    DataInUse {
        /// The directory.
        path: PathBuf,
    },
    /// What is in the data directory is not all that there was.
    #[error("cannot start on the data in {}: {reason}", shown(path))]
    Data {
        /// The directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The login file cannot be read.
    #[error(
        "cannot read the login file {}: {error}. Check `java.security.auth.login.config` and who \
         may read the file",
        shown(path)
    )]
    LoginFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The login file makes no sense.
    #[error(transparent)]
    Login(#[from] ConfigError),
    /// The login needs Kerberos, which cannot be used.
    #[error("Kerberos cannot be used: {reason}")]
    Kerberos {
        /// Why, and what to do.
        reason: String,
    },
    /// TLS cannot be spoken as the configuration says.
    #[error("cannot serve TLS: {reason}")]
    Tls {
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The threads that write to the disk do not start.
    #[error("the system does not let the server have another thread: {error}")]
    Threads {
        /// What the system said.
        error: io::Error,
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
