//! Every figure this server has, with Apache's name and kind.
//!
//! One table serves `mntr`, AdminServer's `monitor` and Prometheus, so that all three tell the same.
//! Of Apache's figures those are not there that mean nothing here: of the Java machine, of an
//! ensemble, of caches and stages this server has not got. Each that is there is counted.

use std::fmt::Write as _;

use super::{ServerView, four_letter};
use crate::server::summary::{Distribution, Summary};

/// A figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric<'a> {
    pub(crate) name: &'static str,
    pub(crate) value: Value<'a>,
}

/// What kind of figure it is, and how much.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// A whole number that goes up and down; -1 stands for none yet.
    Gauge(i64),
    /// The same with decimals.
    Average(f64),
    /// What only grows.
    Counter(u64),
    /// How many values there were, and how large.
    Summary(&'a Summary),
    /// The same with the quantiles of the last minutes.
    Distribution(&'a Distribution),
}

/// Quantiles in thousandths, and Apache's names for them in `mntr` and Prometheus.
pub(crate) const QUANTILES: [(u64, &str, &str); 4] =
    [(500, "p50", "0.5"), (950, "p95", "0.95"), (990, "p99", "0.99"), (999, "p999", "0.999")];

/// All figures, in the order of Apache's `mntr`.
pub(crate) fn all<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let mut metrics = gauges(view);
    metrics.extend(counters(view));
    metrics.extend(summaries(view));
    metrics
}

fn gauges<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let stats = view.stats;
    let latency = &stats.latency;
    let last_size = stats.last_response_size;
    let size = |size: u64| last_size.map_or(-1, |_| whole(size));
    let process = (view.probe.gauges)();
    let mut gauges = vec![
        gauge("ephemerals_count", view.ephemeral_count),
        gauge("num_alive_connections", view.connection_count),
        Metric { name: "avg_latency", value: Value::Average(latency.average()) },
        gauge("outstanding_requests", view.outstanding),
        gauge("znode_count", view.node_count),
        gauge("global_sessions", view.session_count),
        signed("non_mtls_remote_conn_count", whole(stats.plain_remote)),
        signed("last_client_response_size", last_size.map_or(-1, whole)),
        signed("packets_sent", whole(stats.packets_sent)),
        signed("packets_received", whole(stats.packets_received)),
        signed("max_client_response_size", size(stats.response_size.max())),
        gauge("watch_count", view.watch_count),
        signed("auth_failed_count", whole(stats.auth_failures)),
        signed("min_latency", whole(latency.min())),
        gauge("approximate_data_size", view.approximate_data_size),
        signed("local_sessions", 0),
        signed("uptime", i64::try_from(view.uptime.as_millis()).unwrap_or(i64::MAX)),
        signed("max_latency", whole(latency.max())),
        signed("min_client_response_size", size(stats.response_size.min())),
        signed("non_mtls_local_conn_count", whole(stats.plain_local)),
    ];
    let files = [
        ("max_file_descriptor_count", process.max_files),
        ("open_file_descriptor_count", process.open_files),
    ];
    gauges.extend(files.into_iter().filter_map(|(name, count)| Some(signed(name, whole(count?)))));
    gauges
}

fn counters<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let stats = view.stats;
    let backup = &stats.backup;
    let counters = [
        ("snapshot_error_count", backup.snapshot_errors),
        ("snapshot_rate_limited_count", backup.snapshots_limited),
        ("restore_error_count", backup.restore_errors),
        ("restore_rate_limited_count", backup.restores_limited),
        ("proposal_count", stats.proposals),
        ("watch_bytes", stats.watch_bytes),
        ("connection_rejected", stats.connections_rejected),
        ("sessionless_connections_expired", stats.sessionless_expired),
        ("connection_drop_count", stats.connections_dropped),
        ("large_requests_rejected", stats.large_requests_rejected),
        ("unsuccessful_handshake", stats.handshakes_failed),
        ("tls_handshake_exceeded", stats.handshakes_exceeded),
        ("digest_mismatches_count", stats.digest_mismatches),
        ("bytes_received_count", stats.bytes_received),
        ("connection_request_count", stats.connection_requests),
        ("response_bytes", stats.response_bytes),
        ("connection_revalidate_count", stats.revalidations),
        ("commit_count", stats.commits),
        ("stale_sessions_expired", stats.sessions_expired),
    ];
    counters.map(|(name, count)| Metric { name, value: Value::Counter(count) }).into()
}

fn summaries<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let stats = view.stats;
    let (fired, disk) = (&stats.watches_fired, &stats.disk);
    let summaries = [
        ("node_created_watch_count", &fired.created),
        ("node_deleted_watch_count", &fired.deleted),
        ("fsynctime", &disk.fsync_time),
        ("snapshottime", &disk.snapshot_time),
        ("restore_time", &stats.backup.restore_time),
        ("startup_txns_loaded", &disk.startup_txns),
        ("dbinittime", &disk.init_time),
        ("sync_processor_batch_size", &disk.batch_size),
        ("node_children_watch_count", &fired.children),
        ("node_changed_watch_count", &fired.changed),
    ];
    let summaries =
        summaries.map(|(name, summary)| Metric { name, value: Value::Summary(summary) });
    let distributions = [
        ("updatelatency", &stats.update_latency),
        ("readlatency", &stats.read_latency),
        ("propagation_latency", &stats.propagation_latency),
    ];
    let distributions = distributions
        .map(|(name, distribution)| Metric { name, value: Value::Distribution(distribution) });
    summaries.into_iter().chain(distributions).collect()
}

fn gauge(name: &'static str, value: usize) -> Metric<'static> {
    signed(name, i64::try_from(value).unwrap_or(i64::MAX))
}

fn signed(name: &'static str, value: i64) -> Metric<'static> {
    Metric { name, value: Value::Gauge(value) }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Metric<'_> {
    /// Calls `take` with each name that `mntr` has for it, without `zk_`, and the number in text.
    pub(crate) fn each(&self, mut take: impl FnMut(&str, String)) {
        let name = self.name;
        let summary = match self.value {
            Value::Gauge(value) => return take(name, value.to_string()),
            Value::Average(value) => return take(name, four_letter::double(value)),
            Value::Counter(value) => return take(name, value.to_string()),
            Value::Summary(summary) => summary,
            Value::Distribution(distribution) => &distribution.all,
        };
        take(&format!("avg_{name}"), four_letter::double(summary.average()));
        take(&format!("min_{name}"), summary.min().to_string());
        take(&format!("max_{name}"), summary.max().to_string());
        take(&format!("cnt_{name}"), summary.count().to_string());
        take(&format!("sum_{name}"), summary.sum().to_string());
        if let Value::Distribution(distribution) = self.value {
            for (per_mille, prefix, _) in QUANTILES {
                let value = distribution.quantile(per_mille).unwrap_or(0);
                take(&format!("{prefix}_{name}"), value.to_string());
            }
        }
    }
}

/// Everything in the text format of Prometheus, version 0.0.4.
pub(crate) fn prometheus(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    for metric in all(view) {
        metric.expose(&mut text);
    }
    text
}

impl Metric<'_> {
    fn expose(&self, text: &mut String) {
        let name = self.name;
        let kind = match self.value {
            Value::Gauge(_) | Value::Average(_) => "gauge",
            Value::Counter(_) => "counter",
            Value::Summary(_) | Value::Distribution(_) => "summary",
        };
        let _ = writeln!(text, "# HELP {name} {name}\n# TYPE {name} {kind}");
        let summary = match self.value {
            Value::Gauge(value) => return number(text, name, value),
            Value::Average(value) => return number(text, name, value),
            Value::Counter(value) => return number(text, name, value),
            Value::Summary(summary) => summary,
            Value::Distribution(distribution) => {
                // Apache's has no 0.999.
                for (per_mille, _, label) in &QUANTILES[..3] {
                    let value = distribution.quantile(*per_mille);
                    let value = value.map_or("NaN".to_owned(), |value| value.to_string());
                    number(text, &format!("{name}{{quantile=\"{label}\",}}"), value);
                }
                &distribution.all
            }
        };
        number(text, &format!("{name}_count"), summary.count());
        number(text, &format!("{name}_sum"), summary.sum());
    }
}

fn number(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{name} {value}");
}
