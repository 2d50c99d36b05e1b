//! What operators are offered beside the client port.

use std::path::Path;
use std::time::Duration;

use super::ServerConfig;

/// Ports for operators, and what is noted of what clients do. [`Default`] offers nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OperatorsConfig {
    /// Commands over HTTP (`admin.enableServer`). `None`: no such port.
    pub admin: Option<AdminConfig>,
    /// Figures for Prometheus (`metricsProvider.className`). `None`: no such port.
    pub metrics: Option<MetricsConfig>,
    /// Whether each change that a client asks for is noted in the log (`audit.enable`, false).
    pub audit: bool,
    /// The lines of the configuration file, without passwords, for operators who ask.
    pub initial_configuration: String,
}

/// AdminServer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminConfig {
    /// The address to listen on, a name or a literal (`admin.serverAddress`). Unlike Apache's
    /// 0.0.0.0 it is 127.0.0.1: whoever reaches the port reads what clients do.
    pub address: String,
    /// The TCP port (`admin.serverPort`, 8080). 0 lets the system choose.
    pub port: u16,
    /// Below which path the commands are (`admin.commandURL`, `/commands`).
    pub command_url: String,
    /// How long a connection may have nothing to ask or not read its answer (`admin.idleTimeout`,
    /// 30 s).
    pub idle_timeout: Duration,
    /// Whether operators get all data as a snapshot (`admin.snapshot.enabled`, true).
    pub snapshot_enabled: bool,
    /// Whether operators may replace all data by those of a snapshot (`admin.restore.enabled`,
    /// true).
    pub restore_enabled: bool,
    /// How long after a restore there is no other one (`admin.rateLimiterIntervalInMS`, 5 min). As
    /// with Apache's server a thousandth of it counts for snapshots.
    pub rate_limit_interval: Duration,
}

/// The port that Prometheus asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// The address to listen on (`metricsProvider.httpHost`, 0.0.0.0).
    pub host: String,
    /// The TCP port (`metricsProvider.httpPort`, 7000). 0 lets the system choose.
    pub port: u16,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            address: "127.0.0.1".to_owned(),
            port: 8080,
            command_url: "/commands".to_owned(),
            idle_timeout: Duration::from_secs(30),
            snapshot_enabled: true,
            restore_enabled: true,
            rate_limit_interval: Duration::from_secs(300),
        }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { host: "0.0.0.0".to_owned(), port: 7000 }
    }
}

impl ServerConfig {
    /// Where the logs are: `dataLogDir`, or `dataDir` without one.
    #[must_use]
    pub fn log_dir(&self) -> &Path {
        self.data_log_dir.as_deref().unwrap_or(&self.data_dir)
    }
}
