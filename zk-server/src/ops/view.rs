//! What there is to show.

use std::net::SocketAddr;
use std::time::Duration;

use zk_proto::Zxid;

use crate::server::stats::ServerStats;

/// What a process may know of itself; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessGauges {
    /// File descriptors in use, sockets among them.
    pub open_files: Option<u64>,
    /// File descriptors there may be.
    pub max_files: Option<u64>,
}

/// A server at one moment.
pub(crate) struct ServerView<'a> {
    pub(crate) stats: &'a ServerStats,
    pub(crate) last_zxid: Zxid,
    pub(crate) uptime: Duration,
    pub(crate) connection_count: usize,
    pub(crate) outstanding: usize,
    pub(crate) node_count: usize,
    pub(crate) approximate_data_size: usize,
    pub(crate) ephemeral_count: usize,
    pub(crate) watch_count: usize,
    pub(crate) session_count: usize,
    pub(crate) process: ProcessGauges,
    pub(crate) connections: Vec<ConnectionView>,
}

/// One of its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionView {
    pub(crate) peer: SocketAddr,
    /// Whether it serves a session.
    pub(crate) active: bool,
    pub(crate) queued: usize,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}
