//! The data directory, before the server starts.

use std::path::Path;

use super::StartError;
use crate::storage::format::VERSION_DIR;

/// Makes the directory if need be, and refuses one that holds data: a server that cannot read
/// them yet would serve an empty tree, and clients would take their nodes for deleted.
pub(super) fn prepare(path: &Path) -> Result<(), StartError> {
    let failed = |error| StartError::DataDir { path: path.to_owned(), error };
    std::fs::create_dir_all(path).map_err(failed)?;
    let entries = match std::fs::read_dir(path.join(VERSION_DIR)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snapshot.") || name.starts_with("log.") {
            return Err(StartError::DataNotReadable { path: path.to_owned() });
        }
    }
    Ok(())
}
