//! `srvr` and `stat`.

use super::{double, line, version};
use crate::ops::{Report, ServerView};

/// The server in nine lines.
pub(super) fn srvr(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("Zookeeper version: {}", version()));
    figures(&mut text, view);
    text
}

/// The same with a line for each connection.
pub(super) fn stat(view: &ServerView<'_>) -> Report {
    let head = format!("Zookeeper version: {}\nClients:\n", version());
    let mut tail = "\n".to_owned();
    figures(&mut tail, view);
    Report::stat(head, tail)
}

fn figures(text: &mut String, view: &ServerView<'_>) {
    let latency = &view.stats.latency;
    let average = double(latency.average());
    line(text, format_args!("Latency min/avg/max: {}/{average}/{}", latency.min(), latency.max()));
    line(text, format_args!("Received: {}", view.stats.packets_received));
    line(text, format_args!("Sent: {}", view.stats.packets_sent));
    line(text, format_args!("Connections: {}", view.connection_count));
    line(text, format_args!("Outstanding: {}", view.outstanding));
    line(text, format_args!("Zxid: {}", view.last_zxid));
    line(text, format_args!("Mode: standalone"));
    line(text, format_args!("Node count: {}", view.node_count));
}
