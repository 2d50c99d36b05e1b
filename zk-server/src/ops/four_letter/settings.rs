//! `conf`, `dirs` and `envi`: what the server was told, and what it runs on.

use std::path::Path;

use super::{line, version};
use crate::ops::ServerView;
use crate::storage::format::VERSION_DIR;

pub(super) fn conf(view: &ServerView<'_>) -> String {
    let config = view.config;
    let sizes = (view.probe.directories)(config);
    let mut text = String::new();
    let port = |port: Option<u16>| port.map_or(-1, i32::from);
    let data_dir = config.data_dir.join(VERSION_DIR);
    let log_dir = config.log_dir().join(VERSION_DIR);
    for (key, value) in [
        ("clientPort", port(config.client_port).to_string()),
        ("secureClientPort", port(config.secure_client_port).to_string()),
        ("dataDir", shown(&data_dir)),
        ("dataDirSize", sizes.data.to_string()),
        ("dataLogDir", shown(&log_dir)),
        ("dataLogSize", sizes.logs.to_string()),
        ("tickTime", config.tick_time.as_millis().to_string()),
        ("maxClientCnxns", config.max_client_cnxns.to_string()),
        ("minSessionTimeout", config.negotiate_timeout_ms(0).to_string()),
        ("maxSessionTimeout", config.negotiate_timeout_ms(i32::MAX).to_string()),
        // The system's own, as far as the runtime has a say.
        ("clientPortListenBacklog", "-1".to_owned()),
        ("serverId", SERVER_ID.to_string()),
    ] {
        line(&mut text, format_args!("{key}={value}"));
    }
    text
}

/// A standalone server has no `myid`.
pub(crate) const SERVER_ID: i64 = 0;

pub(super) fn dirs(view: &ServerView<'_>) -> String {
    let sizes = (view.probe.directories)(view.config);
    format!("datadir_size: {}\nlogdir_size: {}\n", sizes.data, sizes.logs)
}

pub(super) fn envi(view: &ServerView<'_>) -> String {
    let mut text = "Environment:\n".to_owned();
    line(&mut text, format_args!("zookeeper.version={}", version()));
    for (key, value) in (view.probe.environment)() {
        line(&mut text, format_args!("{key}={}", value.escape_debug()));
    }
    text
}

/// Names of files may have anything in them, line ends too.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
