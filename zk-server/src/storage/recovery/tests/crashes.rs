//! The power fails at every step of what a server does to its disk, and every state is tried that
//! the disk may then be in.

use super::*;
use crate::storage::purge::{KnownSnapshots, RETAINED_MIN, purge};

/// Runs `work` with the power failing after 0, 1, 2, .. steps, and starts on every image of the disk.
/// `work` says which transaction it acknowledged last, which was `promised` before. Gives how many
/// images there were.
fn crash_everywhere(
    before: &SimDirectory,
    promised: i64,
    work: impl Fn(&SimDirectory, &mut i64),
) -> u64 {
    let mut images = 0;
    for steps in 0.. {
        let directory = before.after_kill();
        directory.fail_after(steps);
        let done_before = directory.operations();
        let mut acknowledged = promised;
        work(&directory, &mut acknowledged);
        let survived = directory.operations() - done_before <= steps;
        images += directory.each_image(|image| {
            check(&image, acknowledged, steps);
        });
        check(&directory.after_kill(), acknowledged, steps);
        if survived {
            return images;
        }
    }
    images
}

/// Starts on an image, which must have all that was acknowledged; what it then has must be durable,
/// and it must be able to go on.
fn check(image: &SimDirectory, acknowledged: i64, steps: usize) {
    let recovered = start(image).unwrap_or_else(|error| panic!("after {steps} steps: {error}"));
    let last = assert_whole(&recovered);
    assert!(
        last >= acknowledged,
        "after {steps} steps: {acknowledged} was acknowledged, not {last}"
    );
    let names = image.names();
    image.each_image(|again| {
        assert_eq!(assert_whole(&start(&again).unwrap()), last, "{names:?}");
    });
    if recovered.snapshot.is_some() {
        writer(image, last).append(&[txn(last + 1)]).unwrap();
        assert_eq!(assert_whole(&start(image).unwrap()), last + 1);
    }
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
    assert!(images > 100, "{images}");
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
    assert!(images > 100, "{images}");
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
    assert!(images > 100, "{images}");
}

#[test]
fn a_file_that_is_extended() {
    let before = directory_of(&[1..=2]);
    crash_everywhere(&before, 2, |directory, acknowledged| {
        let mut writer = writer(directory, 2);
        for zxid in (3..60).step_by(19) {
            append(&mut writer, zxid..=zxid + 18, acknowledged);
        }
    });
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
    assert!(images > 100, "{images}");
}

/// A torn end is cut off; the power may fail again meanwhile.
#[test]
fn a_recovery() {
    let torn = directory_of(&[1..=4]);
    torn.fail_after(2);
    let failed = writer(&torn, 4).append(&[txn(5), txn(6)]).is_err();
    assert!(failed);
    crash_everywhere(&torn.after_kill(), 4, |directory, acknowledged| {
        if let Ok(recovered) = start(directory) {
            *acknowledged = recovered.tree.last_zxid().0;
        }
    });
}

fn write_state(directory: &SimDirectory, last: i64) -> std::io::Result<()> {
    let state = state_at(last);
    let sessions: Vec<_> = state.sessions.iter().map(|(id, timeout)| (*id, *timeout)).collect();
    write_snapshot(&on(directory).snapshots, &state.tree, &sessions)
}
