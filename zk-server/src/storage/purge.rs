//! PURE: which files nobody needs any more.

use std::collections::BTreeSet;

use zk_proto::Zxid;

use super::directory::Directory;
use super::format::{FileName, Packing, SnapshotError};
use super::recovery::{Directories, RecoveryError};
use super::snapshot_file::verify_snapshot;

/// The fewest snapshots that are kept, as in Apache's server.
pub const RETAINED_MIN: usize = 3;

/// The snapshots that were found to be whole, or were written by whoever holds this. They are not
/// read again: their number is at most that of the files.
#[derive(Debug, Default)]
pub struct KnownSnapshots(BTreeSet<(Zxid, Packing)>);

impl KnownSnapshots {
    /// This one was just written.
    pub fn add(&mut self, zxid: Zxid, packing: Packing) {
        self.0.insert((zxid, packing));
    }

    fn is_whole(
        &mut self,
        directory: &dyn Directory,
        snapshot: (Zxid, Packing),
    ) -> Result<(), SnapshotError> {
        if !self.0.contains(&snapshot) {
            verify_snapshot(directory, snapshot.0, snapshot.1)?;
            self.0.insert(snapshot);
        }
        Ok(())
    }
}

/// What became of the files.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Purged {
    /// The names of what was removed.
    pub removed: Vec<String>,
    /// Snapshots newer than the oldest that counts, which cannot be used. They stay, as evidence,
    /// until enough others are newer.
    pub unusable: Vec<(String, SnapshotError)>,
}

/// Removes all snapshots that are older than the newest `retain` (at least [`RETAINED_MIN`]) whole
/// ones, and the logs that only those need. A snapshot that cannot be read does not count: with it,
/// one fewer could be started from.
///
/// # Errors
///
/// When the disk fails. What was removed until then was not needed.
pub fn purge(
    directories: &Directories,
    retain: usize,
    known: &mut KnownSnapshots,
) -> Result<Purged, RecoveryError> {
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
    snapshots.sort_unstable();
    let mut purged = Purged::default();
    let kept = oldest_kept(&snapshots, retain.max(RETAINED_MIN), |snapshot| {
        let whole = known.is_whole(&*directories.snapshots, snapshot);
        let name = || FileName::Snapshot(snapshot.0, snapshot.1).to_string();
        whole.map_err(|error| purged.unusable.push((name(), error))).is_ok()
    });
    let Some(oldest) = kept else { return Ok(purged) };
    let (snapshots, logs) = superfluous(snapshots, logs, oldest);
    // Snapshots first: one must never be there without the logs behind it.
    let snapshots = snapshots.into_iter().map(|(zxid, packing)| FileName::Snapshot(zxid, packing));
    known.0.retain(|(zxid, _)| *zxid >= oldest);
    purged.removed = remove_all(&*directories.snapshots, snapshots)?;
    let logs = logs.into_iter().map(FileName::Log);
    purged.removed.extend(remove_all(&*directories.logs, logs)?);
    Ok(purged)
}

/// The oldest of the newest `retain` snapshots that are whole, if there are as many. Two of one
/// zxid, packed and not, are one.
fn oldest_kept(
    snapshots: &[(Zxid, Packing)],
    retain: usize,
    mut is_whole: impl FnMut((Zxid, Packing)) -> bool,
) -> Option<Zxid> {
    let mut whole = BTreeSet::new();
    for snapshot in snapshots.iter().rev() {
        if is_whole(*snapshot) {
            whole.insert(snapshot.0);
            if whole.len() == retain {
                return Some(snapshot.0);
            }
        }
    }
    None
}

/// The snapshots, and the logs, that are not needed to start from the snapshot of `oldest` or any
/// later one.
fn superfluous(
    mut snapshots: Vec<(Zxid, Packing)>,
    mut logs: Vec<Zxid>,
    oldest: Zxid,
) -> (Vec<(Zxid, Packing)>, Vec<Zxid>) {
    logs.sort_unstable();
    snapshots.retain(|(zxid, _)| *zxid < oldest);
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
        plan_with_damage(snapshots, logs, &[])
    }

    fn plan_with_damage(
        snapshots: &[i64],
        logs: &[i64],
        damaged: &[i64],
    ) -> (Vec<Zxid>, Vec<Zxid>) {
        let all = zxids(snapshots).into_iter().map(|zxid| (zxid, Packing::Plain));
        let all: Vec<_> = all.collect();
        let is_whole = |snapshot: (Zxid, Packing)| !damaged.contains(&snapshot.0.0);
        let Some(oldest) = oldest_kept(&all, RETAINED_MIN, is_whole) else {
            return (Vec::new(), Vec::new());
        };
        let (snapshots, logs) = superfluous(all, zxids(logs), oldest);
        (snapshots.into_iter().map(|(zxid, _)| zxid).collect(), logs)
    }

    #[test]
    fn a_snapshot_that_cannot_be_used_does_not_count() {
        let (all, logs) = ([0, 10, 20, 30, 40], [1, 11, 21, 31]);
        let (snapshots, old) = plan_with_damage(&all, &logs, &[40]);
        assert_eq!((snapshots, old), (zxids(&[0]), zxids(&[])));
        let (snapshots, old) = plan_with_damage(&all, &logs, &[40, 30]);
        assert_eq!((snapshots, old), (zxids(&[]), zxids(&[])));
        assert_eq!(plan_with_damage(&all, &logs, &[40, 30, 20]), (zxids(&[]), zxids(&[])));
        // One that is older than what is kept goes, whatever it is.
        let (snapshots, old) = plan_with_damage(&all, &logs, &[10]);
        assert_eq!((snapshots, old), (zxids(&[0, 10]), zxids(&[1])));
    }

    #[test]
    fn one_that_is_there_packed_and_not_counts_once() {
        let of = |zxid, packing| (Zxid(zxid), packing);
        let (plain, gzip) = (Packing::Plain, Packing::Gzip);
        let all = [of(1, plain), of(2, plain), of(3, plain), of(3, gzip), of(4, plain)];
        assert_eq!(oldest_kept(&all, 3, |_| true), Some(Zxid(2)));
        assert_eq!(oldest_kept(&all, 4, |_| true), Some(Zxid(1)));
        assert_eq!(oldest_kept(&all, 5, |_| true), None);
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
