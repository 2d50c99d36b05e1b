//! `srvr` and `stat`.

use super::{double, line, version};
use crate::ops::ServerView;

/// The server in nine lines.
pub(super) fn srvr(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("Zookeeper version: {}", version()));
    figures(&mut text, view);
    text
}

/// The same with a line for each connection.
pub(super) fn stat(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("Zookeeper version: {}", version()));
    line(&mut text, format_args!("Clients:"));
    for connection in &view.connections {
        let (peer, interest) = (connection.peer, u8::from(connection.active));
        let (queued, received, sent) = (connection.queued, connection.received, connection.sent);
        line(
            &mut text,
            format_args!(" /{peer}[{interest}](queued={queued},recved={received},sent={sent})"),
        );
    }
    line(&mut text, format_args!(""));
    figures(&mut text, view);
    text
}

fn figures(text: &mut String, view: &ServerView<'_>) {
    let latency = &view.stats.latency;
    let average = double(latency.average_ms());
    line(
        text,
        format_args!("Latency min/avg/max: {}/{average}/{}", latency.min_ms(), latency.max_ms()),
    );
    line(text, format_args!("Received: {}", view.stats.packets_received));
    line(text, format_args!("Sent: {}", view.stats.packets_sent));
    line(text, format_args!("Connections: {}", view.connection_count));
    line(text, format_args!("Outstanding: {}", view.outstanding));
    line(text, format_args!("Zxid: {}", view.last_zxid));
    line(text, format_args!("Mode: standalone"));
    line(text, format_args!("Node count: {}", view.node_count));
}
