//! Making the directories of a server that has not run yet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::fs_directory::FsDirectory;
use crate::storage::directory::Directory as _;
use crate::storage::format::{FileName, VERSION_DIR};

/// The number of the server, for an ensemble.
const MYID: &str = "myid";

/// What else than logs and snapshots belongs to the data of a server.
const EPOCHS: [&str; 2] = ["acceptedEpoch", "currentEpoch"];

/// Why directories were not made. Nothing was removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// There are some already.
    #[error(
        "{} is there already and may hold the data of a server: nothing was changed. To throw all \
         of it away and begin anew, say --force",
        path.display().to_string().escape_debug()
    )]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// A server runs on them.
    #[error("{} is in use by a server: stop it first", path.display().to_string().escape_debug())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("cannot make {}: {error}", path.display().to_string().escape_debug())]
    Disk {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Makes `dataDir` and `dataLogDir` with an empty `version-2` in each, and `myid` if it is given.
///
/// `force` removes the logs, snapshots and epochs that are there; other files stay.
///
/// # Errors
///
/// When there are directories already and `force` is not set, when a server uses them, or when the
/// disk fails.
pub fn initialize(
    data_dir: &Path,
    log_dir: Option<&Path>,
    myid: Option<u8>,
    force: bool,
) -> Result<(), InitError> {
    let versions: Vec<PathBuf> =
        [Some(data_dir), log_dir].into_iter().flatten().map(|dir| dir.join(VERSION_DIR)).collect();
    if let Some(path) = versions.iter().find(|path| !force && path.symlink_metadata().is_ok()) {
        return Err(InitError::Exists { path: path.clone() });
    }
    // All are held before anything goes.
    let mut held = Vec::new();
    for path in &versions {
        let directory = FsDirectory::open(path).map_err(disk(path))?;
        let lock = match log_dir.is_some_and(|dir| same(dir, data_dir)) && !held.is_empty() {
            true => None,
            false => Some(directory.lock().map_err(disk(path))?),
        };
        if matches!(lock, Some(None)) {
            return Err(InitError::InUse { path: path.clone() });
        }
        held.push((path, directory, lock));
    }
    for (path, directory, _) in &held {
        for name in directory.list().map_err(disk(path))? {
            if FileName::parse(&name).is_some() || EPOCHS.contains(&name.as_str()) {
                directory.remove(&name).map_err(disk(&path.join(&name)))?;
            }
        }
        directory.sync().map_err(disk(path))?;
    }
    if let Some(myid) = myid {
        let path = data_dir.join(MYID);
        fs::write(&path, format!("{myid}\n")).map_err(disk(&path))?;
    }
    Ok(())
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> InitError {
    let path = path.to_owned();
    move |error| InitError::Disk { path, error }
}

/// Two paths of one directory, which has been made.
fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
