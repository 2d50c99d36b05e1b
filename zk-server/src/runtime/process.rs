//! What the operating system knows about this process.

use crate::ops::ProcessGauges;

const OPEN_FILES: &str = "/proc/self/fd";
const LIMITS: &str = "/proc/self/limits";

/// Looks at the process. What the system does not tell (it does on Linux) is left out.
pub(super) fn gauges() -> ProcessGauges {
    ProcessGauges { open_files: open_files(), max_files: max_files() }
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
