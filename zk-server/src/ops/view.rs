//! What there is to show.

use std::net::SocketAddr;
use std::time::Duration;

use zk_proto::{SessionId, Zxid};

use crate::by_namespace::ByNamespace;
use crate::config::ServerConfig;
use crate::server::stats::{ConnectionStats, ServerStats};
use crate::tree::DataTree;

/// How to ask about the process around the server, which pure code cannot look at. By default
/// nothing is known.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever asks must be able to answer everything")]
pub struct ProcessProbe {
    /// Figures of the process.
    pub gauges: fn() -> ProcessGauges,
    /// Sizes of the server's directories.
    pub directories: fn(&ServerConfig) -> DirectorySizes,
    /// The machine and the process, under the names that Java gives them.
    pub environment: fn() -> Vec<(&'static str, String)>,
}

impl Default for ProcessProbe {
    fn default() -> Self {
        Self {
            gauges: ProcessGauges::default,
            directories: |_| DirectorySizes::default(),
            environment: Vec::new,
        }
    }
}

/// What a process may know of itself; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "whoever asks must be able to answer everything")]
pub struct ProcessGauges {
    /// File descriptors in use, sockets among them.
    pub open_files: Option<u64>,
    /// File descriptors there may be.
    pub max_files: Option<u64>,
}

/// How much is in the server's directories, in bytes.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "whoever asks must be able to answer everything")]
pub struct DirectorySizes {
    /// Where the snapshots are.
    pub data: u64,
    /// Where the logs are.
    pub logs: u64,
}

/// A server at one moment, but for the lists that grow with it.
pub(crate) struct ServerView<'a> {
    pub(crate) config: &'a ServerConfig,
    pub(crate) stats: &'a ServerStats,
    pub(crate) tree: &'a DataTree,
    pub(crate) last_zxid: Zxid,
    pub(crate) uptime: Duration,
    pub(crate) connection_count: usize,
    pub(crate) outstanding: usize,
    pub(crate) node_count: usize,
    pub(crate) approximate_data_size: usize,
    pub(crate) ephemeral_count: usize,
    pub(crate) watch_count: usize,
    pub(crate) session_count: usize,
    pub(crate) trace_mask: i64,
    /// The share of connect requests that are turned away by chance.
    pub(crate) drop_probability: f64,
    /// Connections that are not through their TLS handshake.
    pub(crate) entering_count: usize,
    /// Writes that a hard quota has refused.
    pub(crate) quota_refusals: &'a ByNamespace<u64>,
    pub(crate) probe: ProcessProbe,
}

/// One of its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionView<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) secure: bool,
    /// The session it serves.
    pub(crate) session: Option<SessionId>,
    /// The timeout of the session, or of a connection without one.
    pub(crate) timeout_ms: i32,
    /// Whether anything that comes would still be read.
    pub(crate) is_heard: bool,
    pub(crate) queued: usize,
    /// In ms since the epoch.
    pub(crate) established_ms: i64,
    pub(crate) stats: &'a ConnectionStats,
}
