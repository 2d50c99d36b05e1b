//! Runs a workload for a while and says what it cost.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};
use zk_client::Client;

use crate::Error;
use crate::workload::Workload;

/// The time in which operations count, shared by all tasks.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    from: Instant,
    to: Instant,
}

/// How long each operation took that lay within the window.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Window {
    /// Whether the window is still open, or yet to be.
    pub(crate) fn is_open(&self) -> bool {
        Instant::now() < self.to
    }
}

impl Latencies {
    /// Notes an operation that began then and ends now.
    pub(crate) fn note(&mut self, window: &Window, began: Instant) {
        let now = Instant::now();
        if began >= window.from && now <= window.to {
            self.0.push(now - began);
        }
    }
}

/// Runs one task for each of the workload's, over the clients in turn.
pub(crate) async fn run(
    workload: Workload,
    warmup: Duration,
    length: Duration,
    clients: &[Client],
) -> Result<Report, Error> {
    let from = Instant::now() + warmup;
    let window = Window { from, to: from + length };
    let clients: Arc<[Client]> = clients.into();
    let tasks = (0..workload.tasks())
        .map(|task| tokio::spawn(workload.repeat(Arc::clone(&clients), task, window)))
        .collect::<Vec<_>>();

    tokio::time::sleep_until(window.from.into()).await;
    let (cpu_before, began) = (cpu_time(), Instant::now());
    tokio::time::sleep_until(window.to.into()).await;
    let (cpu, length) = (cpu_time().saturating_sub(cpu_before), began.elapsed());

    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??.0);
    }
    latencies.sort_unstable();
    Ok(Report { workload, length, cpu, latencies })
}

/// CPU time of the whole process, user and system.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// What was measured; shown as a line of JSON.
pub(crate) struct Report {
    workload: Workload,
    length: Duration,
    cpu: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Report {
    fn quantile_us(&self, share: f64) -> f64 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = (self.latencies.len().saturating_sub(1) as f64 * share) as usize;
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workload = self.workload.to_possible_value().expect("each workload has a name");
        let ops = self.latencies.len() as u64 * self.workload.ops_per_round();
        let secs = self.length.as_secs_f64();
        write!(
            f,
            "{{\"client\":\"zk-client\",\"workload\":\"{}\",\"tasks\":{},\"secs\":{secs:.3},\
             \"ops\":{ops},\"ops_s\":{:.1},\"p50_us\":{:.1},\"p99_us\":{:.1},\
             \"cpu_us_op\":{:.2},\"rss_kb\":{}}}",
            workload.get_name(),
            self.workload.tasks(),
            ops as f64 / secs,
            self.quantile_us(0.5),
            self.quantile_us(0.99),
            self.cpu.as_secs_f64() * 1e6 / ops.max(1) as f64,
            resident_kb(),
        )
    }
}

/// Memory that the process holds, in KiB; 0 where the system has no `/proc`.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
