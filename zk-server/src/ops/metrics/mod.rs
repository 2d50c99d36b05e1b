//! Every figure this server has, with Apache's name and kind.
//!
//! One table serves `mntr`, AdminServer's `monitor` and Prometheus, so that all three tell the same.
//! Figures of the Java machine are not there. What Apache counts and this server [never
//! does](elsewhere) is there and 0; all else is counted.

mod elsewhere;
mod namespaces;
mod prometheus;

use std::borrow::Cow;

use super::{ServerView, four_letter};
use crate::server::summary::Distribution;
pub(crate) use prometheus::prometheus;

/// A figure.
#[derive(Clone, Debug)]
pub(crate) struct Metric<'a> {
    pub(crate) name: &'static str,
    /// Of which namespace, if there is one for each.
    pub(crate) namespace: Option<Cow<'a, str>>,
    pub(crate) value: Value<'a>,
}

/// What kind of figure it is, and how much. Values of which there are `None` never come
/// [here](elsewhere).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// A whole number that goes up and down; -1 stands for none yet.
    Gauge(i64),
    /// The same with decimals.
    Average(f64),
    /// What only grows.
    Counter(u64),
    /// How many values there were, and how large: Apache's BASIC.
    Summary(Option<&'a Distribution>),
    /// The same with more quantiles of the last minutes: Apache's ADVANCED.
    Distribution(Option<&'a Distribution>),
}

/// Quantiles in thousandths, and Apache's names for them in `mntr`.
const QUANTILES: [(u64, &str); 4] = [(500, "p50"), (950, "p95"), (990, "p99"), (999, "p999")];

/// All figures, in the order of Apache's `mntr`.
pub(crate) fn all<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let mut metrics = gauges(view);
    metrics.extend(counters(view));
    metrics.extend(summaries(view));
    metrics.extend(distributions(view));
    metrics.extend(namespaces::namespaces(view));
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
        metric("avg_latency", Value::Average(latency.average())),
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
        metric("connection_drop_probability", Value::Average(view.drop_probability)),
        gauge("outstanding_tls_handshake", view.entering_count),
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
        ("stale_replies", stats.stale_replies),
        ("sync_processor_request_queued", stats.proposals),
        // Apache counts the nodes that they touch.
        ("outstanding_changes_queued", stats.proposals),
        ("outstanding_changes_removed", stats.commits),
    ];
    let never = elsewhere::COUNTERS.map(|name| (name, 0));
    let all = counters.into_iter().chain(never);
    all.map(|(name, count)| metric(name, Value::Counter(count))).collect()
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
        ("startup_snap_load_time", &disk.snapshot_load_time),
        ("startup_txns_load_time", &disk.txns_load_time),
        // A batch is written and synced in one step.
        ("sync_process_time", &disk.fsync_time),
        ("sync_processor_queue_size", &stats.log_queue),
        ("connection_token_deficit", &stats.token_deficit),
    ];
    let never = elsewhere::SUMMARIES.map(|name| (name, None));
    let all = summaries.map(|(name, values)| (name, Some(values))).into_iter().chain(never);
    all.map(|(name, values)| metric(name, Value::Summary(values))).collect()
}

fn distributions<'a>(view: &ServerView<'a>) -> Vec<Metric<'a>> {
    let stats = view.stats;
    let distributions = [
        ("updatelatency", &stats.update_latency),
        ("readlatency", &stats.read_latency),
        ("propagation_latency", &stats.propagation_latency),
        // What is proposed goes to the log at once, and is applied as soon as it is there.
        ("sync_processor_queue_and_flush_time_ms", &stats.propagation_latency),
        ("sync_processor_queue_flush_time_ms", &stats.disk.fsync_time),
    ];
    let never = elsewhere::DISTRIBUTIONS.map(|name| (name, None));
    let all = distributions.map(|(name, values)| (name, Some(values))).into_iter().chain(never);
    all.map(|(name, values)| metric(name, Value::Distribution(values))).collect()
}

fn gauge(name: &'static str, value: usize) -> Metric<'static> {
    signed(name, i64::try_from(value).unwrap_or(i64::MAX))
}

fn signed(name: &'static str, value: i64) -> Metric<'static> {
    metric(name, Value::Gauge(value))
}

fn metric<'a>(name: &'static str, value: Value<'a>) -> Metric<'a> {
    Metric { name, namespace: None, value }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Metric<'_> {
    /// Calls `take` with each name that `mntr` has for it, without `zk_`, and the number in text.
    pub(crate) fn each(&self, mut take: impl FnMut(&str, String)) {
        let name = match &self.namespace {
            Some(namespace) => &format!("{namespace}_{}", self.name),
            None => self.name,
        };
        let values = match self.value {
            Value::Gauge(value) => return take(name, value.to_string()),
            Value::Average(value) => return take(name, four_letter::double(value)),
            Value::Counter(value) => return take(name, value.to_string()),
            Value::Summary(values) | Value::Distribution(values) => values,
        };
        let summary = values.map(|values| values.all).unwrap_or_default();
        take(&format!("avg_{name}"), four_letter::double(summary.average()));
        take(&format!("min_{name}"), summary.min().to_string());
        take(&format!("max_{name}"), summary.max().to_string());
        take(&format!("cnt_{name}"), summary.count().to_string());
        take(&format!("sum_{name}"), summary.sum().to_string());
        if let Value::Distribution(_) = self.value {
            for (per_mille, prefix) in QUANTILES {
                let value = values.and_then(|values| values.quantile(per_mille)).unwrap_or(0);
                take(&format!("{prefix}_{name}"), value.to_string());
            }
        }
    }
}
