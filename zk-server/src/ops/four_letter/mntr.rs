//! `mntr`: `zk_<key>`, a tab, a value, for each figure this server has.

use super::{double, line, version};
use crate::ops::ServerView;

pub(super) fn mntr(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    let (stats, latency) = (view.stats, &view.stats.latency);
    pair(&mut text, "version", version());
    pair(&mut text, "server_state", "standalone");
    pair(&mut text, "ephemerals_count", view.ephemeral_count);
    pair(&mut text, "num_alive_connections", view.connection_count);
    pair(&mut text, "avg_latency", double(latency.average_ms()));
    pair(&mut text, "outstanding_requests", view.outstanding);
    pair(&mut text, "znode_count", view.node_count);
    pair(&mut text, "global_sessions", view.session_count);
    pair(&mut text, "packets_sent", stats.packets_sent);
    pair(&mut text, "packets_received", stats.packets_received);
    pair(&mut text, "watch_count", view.watch_count);
    pair(&mut text, "auth_failed_count", stats.auth_failures);
    pair(&mut text, "min_latency", latency.min_ms());
    pair(&mut text, "approximate_data_size", view.approximate_data_size);
    let process = view.process;
    for (key, files) in [
        ("open_file_descriptor_count", process.open_files),
        ("max_file_descriptor_count", process.max_files),
    ] {
        if let Some(files) = files {
            pair(&mut text, key, files);
        }
    }
    pair(&mut text, "local_sessions", 0);
    pair(&mut text, "uptime", view.uptime.as_millis());
    pair(&mut text, "max_latency", latency.max_ms());
    pair(&mut text, "proposal_count", stats.proposals);
    pair(&mut text, "commit_count", stats.commits);
    pair(&mut text, "watch_bytes", stats.watch_bytes);
    pair(&mut text, "connection_rejected", stats.connections_rejected);
    pair(&mut text, "sessionless_connections_expired", stats.sessionless_expired);
    pair(&mut text, "connection_drop_count", stats.connections_dropped);
    pair(&mut text, "bytes_received_count", stats.bytes_received);
    pair(&mut text, "connection_request_count", stats.connection_requests);
    pair(&mut text, "response_bytes", stats.response_bytes);
    pair(&mut text, "connection_revalidate_count", stats.revalidations);
    pair(&mut text, "stale_sessions_expired", stats.sessions_expired);
    text
}

fn pair(text: &mut String, key: &str, value: impl std::fmt::Display) {
    line(text, format_args!("zk_{key}\t{value}"));
}
