//! Data that are not where the configuration says, which would be served as if they had been lost.

use std::io;
use std::path::Path;

use crate::runtime::StartError;
use crate::storage::directory::Directory;
use crate::storage::format::{FileName, VERSION_DIR};
use crate::storage::recovery::{Recovered, RecoveryError};

/// Refuses a directory that has logs or snapshots itself, in the place of a `version-2` with them:
/// `dataDir` names the directory above.
pub(super) fn refuse_files_of_version(data_dir: &Path) -> Result<(), StartError> {
    if data_dir.join(VERSION_DIR).exists() {
        return Ok(());
    }
    // What cannot be listed is found out when it is used.
    let entries = std::fs::read_dir(data_dir).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| entry.file_name().into_string().ok()).find(|name| {
        matches!(FileName::parse(name), Some(FileName::Log(_) | FileName::Snapshot(..)))
    });
    match found {
        None => Ok(()),
        Some(name) => Err(StartError::Data {
            path: data_dir.to_owned(),
            reason: format!(
                "{name} is in it, and belongs into a directory {VERSION_DIR} inside. Name the \
                 directory above as `dataDir` or `dataLogDir`, or move the files"
            ),
        }),
    }
}

/// What an operator should know who has forgotten that logs are kept apart.
pub(super) fn missing_logs(recovered: &Recovered, logs: &dyn Directory) -> Option<String> {
    let snapshot = recovered.snapshot.filter(|snapshot| snapshot.0 > 0)?;
    let names = logs.list().ok()?;
    let is_log = |name: &String| matches!(FileName::parse(name), Some(FileName::Log(_)));
    (!names.iter().any(is_log)).then(|| {
        format!(
            "there is a snapshot of transaction {snapshot} and no log at all: if the logs are in \
             another directory, stop the server at once and set `dataLogDir`"
        )
    })
}

/// Why data cannot be used, with what to do where the system only says no.
pub(super) fn reason(error: &RecoveryError) -> String {
    match error {
        RecoveryError::Disk { error: refused, .. }
            if refused.kind() == io::ErrorKind::PermissionDenied =>
        {
            format!("{error}. The server must be able to write its files: check who owns them")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_not_write_is_told_to_look_at_the_owner() {
        let refused = |kind: io::ErrorKind| {
            let (what, name) = ("sync", "snapshot.1".to_owned());
            reason(&RecoveryError::Disk { what, name, error: kind.into() })
        };
        let told = refused(io::ErrorKind::PermissionDenied);
        assert!(
            told.starts_with("cannot sync snapshot.1: ") && told.contains("who owns"),
            "{told}"
        );
        assert!(!refused(io::ErrorKind::NotFound).contains("who owns"));
    }
}
