//! The power fails at every step of what a server does to its disk, and every state is tried that
//! the disk may then be in.

use super::*;
use crate::storage::purge::{KnownSnapshots, RETAINED_MIN, purge};

/// Runs `work` with the power failing after 0, 1, 2, .. steps, and starts on every image of the disk.
/// `work` says which transaction it acknowledged last, which was `promised` before.
fn crash_everywhere(
    before: &SimDirectory,
    promised: i64,
    work: impl Fn(&SimDirectory, &mut i64),
) -> Images {
    let mut images = Images::default();
    for steps in 0.. {
        let directory = before.after_kill();
        directory.fail_after(steps);
        let done_before = directory.operations();
        let mut acknowledged = promised;
        work(&directory, &mut acknowledged);
        let survived = directory.operations() - done_before <= steps;
        images.first += directory.each_image(|image| {
            images.again += check(&image, acknowledged, steps);
        });
        images.again += check(&directory.after_kill(), acknowledged, steps);
        images.moments += 1;
        if survived {
            return images;
        }
    }
    images
}

/// How much was tried.
#[derive(Default)]
struct Images {
    /// Steps after which the power failed; the process was killed there, too.
    moments: u64,
    /// States of the disk.
    first: u64,
    /// States of the disk after another failure, right behind a recovery.
    again: u64,
}

impl std::ops::AddAssign for Images {
    fn add_assign(&mut self, other: Self) {
        self.moments += other.moments;
        self.first += other.first;
        self.again += other.again;
    }
}

impl Images {
    /// Prints how many there were, in one form for all, by which they can be added up.
    fn report(&self, name: &str) {
        let Self { moments, first, again } = self;
        assert!(*first > 100, "{name}: {first}");
        println!(
            "crash images: {first} of {moments} moments of {name}, then {again} of a second \
             failure, all recovered"
        );
    }
}

/// Starts on an image, which must have all that was acknowledged; what it then has must be durable,
/// and it must be able to go on. Gives how many states a second failure could have left.
fn check(image: &SimDirectory, acknowledged: i64, steps: usize) -> u64 {
    let recovered = start(image).unwrap_or_else(|error| panic!("after {steps} steps: {error}"));
    let last = assert_whole(&recovered);
    assert!(
        last >= acknowledged,
        "after {steps} steps: {acknowledged} was acknowledged, not {last}"
    );
    let names = image.names();
    let images = image.each_image(|again| {
        assert_eq!(assert_whole(&start(&again).unwrap()), last, "{names:?}");
    });
    if recovered.snapshot.is_some() {
        writer(image, last).append(&[txn(last + 1)]).unwrap();
        assert_eq!(assert_whole(&start(image).unwrap()), last + 1);
    }
    images
}

fn append(writer: &mut LogWriter, zxids: std::ops::RangeInclusive<i64>, acknowledged: &mut i64) {
    let batch: Vec<_> = zxids.map(txn).collect();
    if writer.append(&batch).is_ok() {
        *acknowledged = writer.last().0;
    }
}

#[test]
fn first_start() {
    let images = crash_everywhere(&SimDirectory::default(), 0, |directory, acknowledged| {
        let empty = DataTree::new(true);
        if write_snapshot(&on(directory).snapshots, &empty, &[]).is_ok() {
            append(&mut writer(directory, 0), 1..=2, acknowledged);
        }
    });
    images.report("first start");
}

#[test]
fn batches() {
    let before = directory_of(&[1..=2]);
    let images = crash_everywhere(&before, 2, |directory, acknowledged| {
        let mut writer = writer(directory, 2);
        append(&mut writer, 3..=3, acknowledged);
        append(&mut writer, 4..=6, acknowledged);
        append(&mut writer, 7..=8, acknowledged);
    });
    images.report("batches");
}

#[test]
fn a_roll() {
    let before = directory_of(&[1..=2]);
    let images = crash_everywhere(&before, 2, |directory, acknowledged| {
        let mut writer = writer(directory, 2);
        append(&mut writer, 3..=4, acknowledged);
        writer.roll();
        append(&mut writer, 5..=6, acknowledged);
        append(&mut writer, 7..=7, acknowledged);
    });
    images.report("a roll");
}

#[test]
fn a_file_that_is_extended() {
    let before = directory_of(&[1..=2]);
    let images = crash_everywhere(&before, 2, |directory, acknowledged| {
        let mut writer = writer(directory, 2);
        for zxid in (3..60).step_by(19) {
            append(&mut writer, zxid..=zxid + 18, acknowledged);
        }
    });
    images.report("a file that is extended");
}

#[test]
fn a_snapshot_and_a_purge() {
    let before = directory_of(&[1..=3, 4..=6, 7..=9, 10..=12]);
    for last in [3, 6] {
        write_state(&before, last).unwrap();
    }
    let images = crash_everywhere(&before, 12, |directory, _| {
        for last in [9, 12] {
            if write_state(directory, last).is_err() {
                return;
            }
            let _ = purge(&on(directory), RETAINED_MIN, &mut KnownSnapshots::default());
        }
    });
    images.report("a snapshot and a purge");
}

/// A torn end is cut off, whichever moment of a write it comes from; the power may fail again
/// meanwhile.
#[test]
fn a_recovery() {
    let mut images = Images::default();
    for steps in 0.. {
        let torn = directory_of(&[1..=4]);
        torn.fail_after(steps);
        let whole = writer(&torn, 4).append(&[txn(5), txn(6), txn(7)]).is_ok();
        images += crash_everywhere(&torn.after_kill(), 4, |directory, acknowledged| {
            if let Ok(recovered) = start(directory) {
                *acknowledged = recovered.tree.last_zxid().0;
            }
        });
        if whole {
            break;
        }
    }
    images.report("a recovery");
}

fn write_state(directory: &SimDirectory, last: i64) -> std::io::Result<()> {
    let state = state_at(last);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    write_snapshot(&on(directory).snapshots, &state.tree, &sessions)
}
