//! What the operating system knows about this process.

use std::path::Path;
use std::time::UNIX_EPOCH;

use zk_proto::Zxid;

use crate::config::ServerConfig;
use crate::ops::{DirectorySizes, ProcessGauges, ProcessProbe};
use crate::storage::format::VERSION_DIR;

const OPEN_FILES: &str = "/proc/self/fd";
const LIMITS: &str = "/proc/self/limits";
const KERNEL: &str = "/proc/sys/kernel";

/// Files that are looked at for the size of a directory: clients wait meanwhile.
const FILES_MAX: usize = 1000;

/// How the server asks.
pub(super) const PROBE: ProcessProbe = ProcessProbe { gauges, directories, environment };

/// Looks at the process. What the system does not tell (it does on Linux) is left out.
fn gauges() -> ProcessGauges {
    ProcessGauges { open_files: open_files(), max_files: max_files() }
}

/// How much is in the directories of a server: the files beside each other, as Apache keeps them.
fn directories(config: &ServerConfig) -> DirectorySizes {
    DirectorySizes { data: size_of(&config.data_dir), logs: size_of(config.log_dir()) }
}

fn size_of(data_dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(data_dir.join(VERSION_DIR)) else { return 0 };
    let files = entries.take(FILES_MAX).filter_map(|entry| entry.ok()?.metadata().ok());
    files.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// When a snapshot was written, in seconds since the epoch; 0 if that cannot be told.
pub(super) fn snapshot_time(data_dir: &Path, zxid: Zxid) -> i64 {
    let name = format!("snapshot.{:x}", zxid.0);
    let names = ["", ".gz", ".snappy"].map(|packing| format!("{name}{packing}"));
    let dir = data_dir.join(VERSION_DIR);
    let written = names.iter().find_map(|name| dir.join(name).metadata().ok()?.modified().ok());
    let since_epoch = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since_epoch.map_or(0, |at| i64::try_from(at.as_secs()).unwrap_or(i64::MAX))
}

/// What Java's properties say of the machine and the user.
fn environment() -> Vec<(&'static str, String)> {
    let kernel = |name: &str| {
        let text = std::fs::read_to_string(Path::new(KERNEL).join(name)).unwrap_or_default();
        text.trim().to_owned()
    };
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let dir = std::env::current_dir().map(|dir| dir.display().to_string());
    vec![
        ("host.name", kernel("hostname")),
        ("os.name", kernel("ostype")),
        ("os.arch", std::env::consts::ARCH.to_owned()),
        ("os.version", kernel("osrelease")),
        ("user.name", variable("USER")),
        ("user.home", variable("HOME")),
        ("user.dir", dir.unwrap_or_default()),
    ]
}

fn open_files() -> Option<u64> {
    // Linux counts them itself since 6.2; before, the size is 0.
    let counted = std::fs::metadata(OPEN_FILES).ok()?.len();
    if counted > 0 { Some(counted) } else { u64::try_from(entries(OPEN_FILES)?).ok() }
}

fn entries(path: &str) -> Option<usize> {
    Some(std::fs::read_dir(path).ok()?.count())
}

/// The limit in force now, which is the first of two numbers.
fn max_files() -> Option<u64> {
    let limits = std::fs::read_to_string(LIMITS).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_how_many_files_are_open_and_may_be() {
        let gauges = gauges();
        assert!(gauges.open_files >= Some(3) && gauges.open_files <= gauges.max_files);
    }
}
