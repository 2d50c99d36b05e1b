//! PURE: which files nobody needs any more.

use zk_proto::Zxid;

use super::directory::Directory;
use super::format::{FileName, Packing};
use super::recovery::{Directories, RecoveryError};

/// The fewest snapshots that are kept, as in Apache's server.
pub const RETAINED_MIN: usize = 3;

/// Removes all snapshots but the newest `retain` (at least [`RETAINED_MIN`]), and the logs that only
/// older snapshots need. Gives the names of what it removed.
///
/// # Errors
///
/// When the disk fails. What was removed until then was not needed.
pub fn purge(directories: &Directories, retain: usize) -> Result<Vec<String>, RecoveryError> {
    let (mut snapshots, mut logs) = (Vec::new(), Vec::new());
    for name in names(&*directories.snapshots)? {
        if let FileName::Snapshot(zxid, packing) = name {
            snapshots.push((zxid, packing));
        }
    }
    for name in names(&*directories.logs)? {
        if let FileName::Log(zxid) = name {
            logs.push(zxid);
        }
    }
    let (snapshots, logs) = superfluous(snapshots, logs, retain.max(RETAINED_MIN));
    // Snapshots first: one must never be there without the logs behind it.
    let snapshots = snapshots.into_iter().map(|(zxid, packing)| FileName::Snapshot(zxid, packing));
    let mut removed = remove_all(&*directories.snapshots, snapshots)?;
    removed.extend(remove_all(&*directories.logs, logs.into_iter().map(FileName::Log))?);
    Ok(removed)
}

/// The snapshots, and the logs, that are not needed to start from any of the newest `retain`
/// snapshots.
fn superfluous(
    mut snapshots: Vec<(Zxid, Packing)>,
    mut logs: Vec<Zxid>,
    retain: usize,
) -> (Vec<(Zxid, Packing)>, Vec<Zxid>) {
    snapshots.sort_unstable();
    logs.sort_unstable();
    let Some(first_kept) = snapshots.len().checked_sub(retain) else {
        return (Vec::new(), Vec::new());
    };
    let oldest = snapshots[first_kept].0;
    snapshots.truncate(first_kept);
    // The newest log that begins at or before it may go on behind it.
    let needed_from = logs.partition_point(|log| *log <= oldest).saturating_sub(1);
    logs.truncate(needed_from);
    (snapshots, logs)
}

fn names(directory: &dyn Directory) -> Result<Vec<FileName>, RecoveryError> {
    let all = directory.list().map_err(RecoveryError::disk("list", "the files"))?;
    Ok(all.iter().filter_map(|name| FileName::parse(name)).collect())
}

fn remove_all(
    directory: &dyn Directory,
    files: impl Iterator<Item = FileName>,
) -> Result<Vec<String>, RecoveryError> {
    let mut removed = Vec::new();
    for file in files {
        let name = file.to_string();
        directory.remove(&name).map_err(RecoveryError::disk("remove", &name))?;
        removed.push(name);
    }
    if !removed.is_empty() {
        directory.sync().map_err(RecoveryError::disk("sync", "the directory"))?;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zxids(of: &[i64]) -> Vec<Zxid> {
        of.iter().copied().map(Zxid).collect()
    }

    fn plan(snapshots: &[i64], logs: &[i64]) -> (Vec<Zxid>, Vec<Zxid>) {
        let snapshots = zxids(snapshots).into_iter().map(|zxid| (zxid, Packing::Plain)).collect();
        let (snapshots, logs) = superfluous(snapshots, zxids(logs), RETAINED_MIN);
        (snapshots.into_iter().map(|(zxid, _)| zxid).collect(), logs)
    }

    #[test]
    fn the_log_that_reaches_over_the_oldest_kept_snapshot_is_kept() {
        let (snapshots, logs) = plan(&[0, 10, 20, 30], &[1, 9, 15, 25]);
        assert_eq!((snapshots, logs), (zxids(&[0]), zxids(&[1])));
        let (snapshots, logs) = plan(&[0, 10, 20, 30], &[1, 10, 11, 25]);
        assert_eq!((snapshots, logs), (zxids(&[0]), zxids(&[1])), "one that begins with it, too");
    }

    #[test]
    fn too_few_snapshots_lose_nothing() {
        assert_eq!(plan(&[], &[1, 2]), (zxids(&[]), zxids(&[])));
        assert_eq!(plan(&[5, 9], &[1, 6]), (zxids(&[]), zxids(&[])));
        assert_eq!(plan(&[5, 9, 12], &[7, 10]), (zxids(&[]), zxids(&[])));
    }
}
