//! What this process has.

use std::fmt;

use tests::eventually;
use tokio::runtime::Handle;

use super::server::ServerProcess;

/// Memory, descriptors and tasks at one moment. Memory and descriptors are 0 where there is no
/// `/proc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) memory_kib: usize,
    pub(crate) files: usize,
    pub(crate) tasks: usize,
}

impl Figures {
    pub(crate) fn now() -> Self {
        Self {
            memory_kib: memory_kib().unwrap_or(0),
            files: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            tasks: Handle::current().metrics().num_alive_tasks(),
        }
    }

    /// Once all tasks have ended and the server has no connection and no watch left.
    pub(crate) async fn at_rest(server: &ServerProcess) -> Self {
        eventually("the end of all tasks", async || Self::now().tasks == 0).await;
        eventually("the end of all that the server knows", async || server.is_at_rest().await)
            .await;
        Self::now()
    }
}

fn memory_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_kib, files, tasks } = self;
        write!(f, "{memory_kib} KiB resident, {files} descriptors, {tasks} tasks")
    }
}
