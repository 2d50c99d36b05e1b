//! The settings as one value.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{FourLetterWhitelist, OperatorsConfig, StorageConfig, TlsConfig};
use crate::auth::{ACL_LEN_MAX, AuthConfig};
use crate::storage::format::RECORD_LEN_MAX;

/// Everything a server needs to know. [`Default`] is a server as Apache's defaults make it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where a server keeps its files (`dataDir`).
    pub data_dir: PathBuf,
    /// Where it keeps its logs (`dataLogDir`). `None`: with the other files. Best on a disk that
    /// nothing else writes to.
    pub data_log_dir: Option<PathBuf>,
    /// How it writes them.
    pub storage: StorageConfig,
    /// The address to listen on, a name or a literal (`clientPortAddress`). `None`: all addresses.
    pub client_port_address: Option<String>,
    /// The TCP port for clients (`clientPort`). 0 lets the system choose. `None`: there is only the
    /// secure one.
    pub client_port: Option<u16>,
    /// The address of the secure port (`secureClientPortAddress`). `None`: all addresses.
    pub secure_client_port_address: Option<String>,
    /// The TCP port for clients that speak TLS (`secureClientPort`, none). 0 lets the system choose.
    pub secure_client_port: Option<u16>,
    /// Whether clients of `client_port` may speak TLS or not, as they like
    /// (`client.portUnification`, false).
    pub port_unification: bool,
    /// How TLS is spoken (`ssl.*`): needed for a secure port, and for clients of either kind on one
    /// port.
    pub tls: Option<TlsConfig>,
    /// The unit of all session times (`tickTime`, 3 s): sessions end at multiples of it.
    pub tick_time: Duration,
    /// No session gets less (`minSessionTimeout`). `None`: two ticks.
    pub session_timeout_min: Option<Duration>,
    /// No session gets more (`maxSessionTimeout`). `None`: twenty ticks.
    pub session_timeout_max: Option<Duration>,
    /// Connections from one address (`maxClientCnxns`, 60); 0 is no limit.
    pub max_client_cnxns: usize,
    /// Connections in all (`maxCnxns`, 0); 0 is no limit.
    pub max_cnxns: usize,
    /// Requests in flight in the whole server (`globalOutstandingLimit`, 1000). Above it,
    /// connections that wait for an answer are not read until it has come.
    pub global_outstanding_limit: usize,
    /// The commands an operator may send (`4lw.commands.whitelist`, only `srvr`).
    pub four_letter_whitelist: FourLetterWhitelist,
    /// Whether `reconfig` is more than refused (`reconfigEnabled`, false). A standalone server cannot
    /// do it either way, and says so with another error.
    pub reconfig_enabled: bool,
    /// Whether nodes with a time to live can be created (`extendedTypesEnabled`, false).
    pub extended_types_enabled: bool,
    /// Whether a write that exceeds a hard quota is refused (`enforceQuota`, false). What quotas
    /// hold is counted either way.
    pub enforce_quota: bool,
    /// Whether transactions in the log say what the tree adds up to after them (`digest.enabled`,
    /// true), so that a server that comes to something else is found out.
    pub digest_enabled: bool,
    /// How often empty containers and nodes past their time to live are looked for
    /// (`znode.container.checkIntervalMs`, 1 min).
    pub container_check_interval: Duration,
    /// How many of them are removed in a minute at most (`znode.container.maxPerMinute`, 10 000).
    pub container_max_per_minute: usize,
    /// How long a container that never had a child is kept
    /// (`znode.container.maxNeverUsedIntervalMs`). `None`: for ever.
    pub container_never_used_max: Option<Duration>,
    /// What operators are offered beside the client port.
    pub operators: OperatorsConfig,
    /// Who may do what (`skipACL`, `DigestAuthenticationProvider.superDigest`).
    pub auth: AuthConfig,
    /// The number of this server in the session ids it gives out. 1 when standalone.
    pub server_id: u8,
    /// Bounds that have no key in Apache's `zoo.cfg`.
    pub limits: Limits,
}

/// What one connection may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in one frame from a client (`jute.maxbuffer`, 1 048 575); exactly as many are still
    /// accepted.
    pub frame_len: usize,
    /// Bytes by which a transaction may be longer than `frame_len`, for the log to be read
    /// (`jute.maxbuffer.extrasize`). `None`: as much again.
    pub record_extra_len: Option<usize>,
    /// Requests of one connection that may wait for an answer (1000). A connection with more is
    /// not read until there are fewer.
    pub pending_requests: usize,
    /// Answered bytes that wait for one client to read them, above which its requests are not
    /// read (4 MiB).
    pub output_high_water: usize,
    /// Bytes waiting for one client above which it is cut off (16 MiB). Only watch events get a
    /// connection there, since its requests are no longer read. A single reply may be larger.
    pub output_cap: usize,
    /// Bytes waiting for all clients together (512 MiB). Above it, nobody is read who has not read
    /// what waits for him, and whoever has more than `output_high_water` is cut off.
    pub output_total: usize,
    /// Requests of one connection that are worked on before others have their turn (64); some
    /// count for many. What is left is offered again with [`Action::Resume`].
    ///
    /// [`Action::Resume`]: crate::server::Action::Resume
    pub turn_requests: usize,
    /// How long a connection may take until its session is set up (10 s).
    pub sessionless_timeout: Duration,
    /// How long a TLS handshake may take (10 s).
    pub tls_handshake_timeout: Duration,
    /// TLS handshakes at the same time (1000, `netty.server.outstandingHandshake.limit`). More are
    /// turned away: each costs a millisecond of computing.
    pub tls_handshakes: usize,
    /// How fast sessions may be asked for (`connection_throttle_*`, off).
    pub connection_throttle: ConnectionThrottle,
    /// Bytes above which a request is a large one (`largeRequestThreshold`). `None`: none is.
    pub large_request_threshold: Option<usize>,
    /// Bytes of all large requests that wait for their answers (`largeRequestMaxBytes`, 100 MiB).
    /// Who sends one more is cut off.
    pub large_request_max_bytes: usize,
    /// How long a client may read nothing of what waits for it before it is cut off (60 s).
    pub write_stall_timeout: Duration,
}

impl Limits {
    /// Bytes of the longest transaction that is read from a log: a frame and its extra, as in
    /// Apache's server, and never less than what this server writes.
    ///
    /// A transaction is longer than its request by what each operation of a multi has in addition
    /// (less than a quarter), by the ACLs that stand for whoever asks ([`ACL_LEN_MAX`]), and by what
    /// goes once with each. One of the server's own, the end of a session, has up to half of Apache's
    /// default.
    #[must_use]
    pub fn record_len(&self) -> usize {
        let needed = self.frame_len / 4 + ACL_LEN_MAX + TXN_OVERHEAD_MAX;
        let extra = self.record_extra_len.unwrap_or(self.frame_len).max(needed);
        self.frame_len.saturating_add(extra).max(RECORD_LEN_MAX)
    }
}

/// Bytes that go with a transaction however short it is, with room to spare.
const TXN_OVERHEAD_MAX: usize = 64 << 10;

/// A bucket of tokens, of which each connect request takes one. Who finds none is closed without an
/// answer, and may come again.
///
/// With a `freeze_time` some are turned away by chance before they come to the bucket, so that not
/// always the same are late: as many as have shown to be too many. That share starts at nothing. It
/// is looked at again with the first request after each `freeze_time`: where the bucket is empty it
/// grows, where the bucket is full, or nearly so (`decrease_ratio`), it shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionThrottle {
    /// How many the bucket holds (`connection_throttle_tokens`). 0: no limit.
    pub tokens: u32,
    /// How often tokens are added (`connection_throttle_fill_time`, 1 ms).
    pub fill_time: Duration,
    /// How many are added at a time (`connection_throttle_fill_count`, 1).
    pub fill_count: u32,
    /// How long the share that is turned away by chance stays as it is
    /// (`connection_throttle_freeze_time`). `None`, or -1 in the file: nobody is.
    pub freeze_time: Option<Duration>,
    /// By how much it grows (`connection_throttle_drop_increase`, 0.02), in millionths.
    pub drop_increase: u32,
    /// By how much it shrinks (`connection_throttle_drop_decrease`, 0.002), in millionths.
    pub drop_decrease: u32,
    /// Which share of the tokens may be missing for it to shrink
    /// (`connection_throttle_decrease_ratio`, 0), in millionths.
    pub decrease_ratio: u32,
}

impl Default for ConnectionThrottle {
    fn default() -> Self {
        Self {
            tokens: 0,
            fill_time: Duration::from_millis(1),
            fill_count: 1,
            freeze_time: None,
            drop_increase: 20_000,
            drop_decrease: 2_000,
            decrease_ratio: 0,
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::new(),
            data_log_dir: None,
            storage: StorageConfig::default(),
            client_port_address: None,
            client_port: Some(0),
            secure_client_port_address: None,
            secure_client_port: None,
            port_unification: false,
            tls: None,
            tick_time: Duration::from_millis(3000),
            session_timeout_min: None,
            session_timeout_max: None,
            max_client_cnxns: 60,
            max_cnxns: 0,
            global_outstanding_limit: 1000,
            four_letter_whitelist: FourLetterWhitelist::default(),
            reconfig_enabled: false,
            extended_types_enabled: false,
            enforce_quota: false,
            digest_enabled: true,
            container_check_interval: Duration::from_secs(60),
            container_max_per_minute: 10_000,
            container_never_used_max: None,
            operators: OperatorsConfig::default(),
            auth: AuthConfig::default(),
            server_id: 1,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_len: zk_proto::codec::DEFAULT_FRAME_LIMIT,
            record_extra_len: None,
            pending_requests: 1000,
            output_high_water: 4 << 20,
            output_cap: 16 << 20,
            output_total: 512 << 20,
            turn_requests: 64,
            sessionless_timeout: Duration::from_secs(10),
            tls_handshake_timeout: Duration::from_secs(10),
            tls_handshakes: 1000,
            connection_throttle: ConnectionThrottle::default(),
            large_request_threshold: None,
            large_request_max_bytes: 100 << 20,
            write_stall_timeout: Duration::from_secs(60),
        }
    }
}

impl ServerConfig {
    /// Settings for a developer's machine: only programs on it can connect, sessions may be as
    /// short as a second, nodes may have a time to live, every four-letter word is answered.
    #[must_use]
    pub fn for_development(port: u16, data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            client_port_address: Some("127.0.0.1".to_owned()),
            client_port: Some(port),
            tick_time: Duration::from_millis(500),
            four_letter_whitelist: FourLetterWhitelist::all(),
            extended_types_enabled: true,
            session_timeout_max: Some(Duration::from_secs(60)),
            ..Self::default()
        }
    }

    /// The session timeout a client gets that asks for `wanted_ms`, in ms: within
    /// [`session_timeout_min`](Self::session_timeout_min) and
    /// [`session_timeout_max`](Self::session_timeout_max). Negative wishes get the least.
    #[must_use]
    pub fn negotiate_timeout_ms(&self, wanted_ms: i32) -> i32 {
        let least = ms(self.session_timeout_min.unwrap_or(self.tick_time.saturating_mul(2)));
        let most = ms(self.session_timeout_max.unwrap_or(self.tick_time.saturating_mul(20)));
        wanted_ms.min(most).max(least)
    }
}

fn ms(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_clamped_to_ticks_unless_told_otherwise() {
        let mut config = ServerConfig::default();
        let wishes = [i32::MIN, 0, 5999, 6001, 60_001, i32::MAX];
        let granted = wishes.map(|wish| config.negotiate_timeout_ms(wish));
        assert_eq!(granted, [6000, 6000, 6000, 6001, 60_000, 60_000]);
        config.session_timeout_min = Some(Duration::from_millis(100));
        config.session_timeout_max = Some(Duration::from_millis(200));
        assert_eq!(wishes.map(|wish| config.negotiate_timeout_ms(wish))[1..4], [100, 200, 200]);
    }
}
