//! A disk that is full: what was acknowledged is there when it has room again.
//!
//! Each test mounts a small file system of its own, for which it must be root.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![cfg(target_os = "linux")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use support::four_letter;
use support::load::{Told, check, write_on};
use support::program::Program;

/// A directory for a server, with a file system in memory for its data.
struct Disk {
    directory: tempfile::TempDir,
}

impl Disk {
    fn of(kib: usize) -> Self {
        let disk = Self { directory: tempfile::tempdir().expect("a directory") };
        std::fs::create_dir(disk.data()).expect("a directory");
        disk.mount(&format!("size={kib}k"));
        disk
    }

    fn grow(&self, kib: usize) {
        self.mount(&format!("remount,size={kib}k"));
    }

    fn mount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.data());
        let mounted = mount.status().expect("mount exists");
        assert!(mounted.success(), "only root can mount a small disk: run this test as root");
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.data()).status();
    }
}

/// Writes until the disk of `kib` is full and the server ends by itself; then starts on the full
/// disk, and on one that has room again.
fn fill(kib: usize, lines: &str, complaint: &str) {
    let disk = Disk::of(kib);
    let told = Arc::new(Told::default());
    let mut server = Program::start(disk.path(), lines);
    let clients = (0..4).map(|number| write_on(server.addr, 0, number, Arc::clone(&told)));
    for client in clients.collect::<Vec<_>>() {
        client.join().expect("clients end with the server");
    }
    server.wait_for(complaint);
    assert_eq!(server.child.wait().expect("it ends").code(), Some(1));
    let written = told.state.lock().expect("no panic").nodes.len();
    assert!(written > 100, "only {written} nodes before the disk was full");
    // There is no room for a session, but all data can be read and operators are answered.
    let server = Program::start(disk.path(), lines);
    assert!(four_letter(server.addr, "srvr").contains("Mode: standalone"));
    server.kill();
    disk.grow(16 * kib);
    let server = Program::start(disk.path(), lines);
    check(server.addr, &told);
}

#[test]
#[ignore = "slow: fills a disk, which root has to mount"]
fn full_while_a_log_is_preallocated() {
    let lines = "preAllocSize=64\nsnapCount=1000000\nmaxClientCnxns=0";
    fill(2048, lines, "No space left on device");
}

#[test]
#[ignore = "slow: fills a disk, which root has to mount"]
fn full_in_the_middle_of_a_write() {
    let lines = "preAllocSize=0\nsnapCount=1000000\nmaxClientCnxns=0";
    fill(1024, lines, "cannot write to log.1: No space left on device");
}

/// A snapshot that does not fit is no reason to stop: the log has all that it would have.
#[test]
#[ignore = "slow: fills a disk, which root has to mount"]
fn full_of_snapshots() {
    let lines = "preAllocSize=16\nsnapCount=200\nmaxClientCnxns=0";
    fill(1024, lines, "No space left on device");
}
