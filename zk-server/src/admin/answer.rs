//! What a command answers, in Apache's JSON.

use serde_json::{Map, Value, json};
use zk_proto::Zxid;
use zk_proto::txn::TxnDigest;

use super::AdminCommand;
use crate::config::ServerConfig;
use crate::ops::four_letter::{SERVER_ID, version};
use crate::ops::{Format, Report, ServerView, metrics};
use crate::server::{Now, Server};
use crate::storage::format::VERSION_DIR;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(String),
    /// Something that may be long.
    Report(Report),
}

/// Carries out a command.
pub(crate) fn answer(
    server: &mut Server,
    now: Now,
    command: AdminCommand,
    trace_mask: Option<&str>,
) -> Body {
    let format = Format::Json(command.name());
    match command {
        AdminCommand::Connections => return Body::Report(Report::connections(format)),
        AdminCommand::Dump => return Body::Report(Report::dump(format)),
        AdminCommand::WatchSummary => return Body::Report(Report::watch_summary(format)),
        AdminCommand::Watches => return Body::Report(Report::watches_by_session(format)),
        AdminCommand::WatchesByPath => return Body::Report(Report::watches_by_path(format)),
        AdminCommand::Stats => return Body::Report(stats(&server.view(now), command.name())),
        AdminCommand::StatReset => server.reset_stats(),
        AdminCommand::ConnectionStatReset => server.reset_connection_stats(),
        AdminCommand::SetTraceMask => {
            let wanted = "setTraceMask requires long traceMask argument";
            let Some(text) = trace_mask else { return whole(command, failed_with(wanted)) };
            let Ok(mask) = text.parse() else {
                return whole(command, failed_with(&format!("{wanted}, got {text}")));
            };
            server.set_trace_mask(mask);
        }
        _ => {}
    }
    whole(command, fields(command, &server.view(now)))
}

/// The list of commands.
pub(crate) fn index(commands: &str) -> String {
    let prefix = commands.trim_end_matches('/');
    let link = |command: &AdminCommand| {
        let name = command.name();
        format!("<a href=\"{prefix}/{name}\">{name}</a>\n<br/>\n")
    };
    AdminCommand::ALL.iter().map(link).collect()
}

/// The answer to `ruok`, which needs no server.
pub(crate) fn imok() -> String {
    match whole(AdminCommand::Ruok, json!({})) {
        Body::Whole(text) => text,
        Body::Report(_) => String::new(),
    }
}

/// The answer to what is no command, or cannot be carried out.
pub(crate) fn failed(name: &str, error: &str) -> String {
    json!({ "command": name, "error": error }).to_string()
}

/// The answer to a command that was carried out and has nothing to say.
pub(crate) fn succeeded(command: AdminCommand) -> String {
    json!({ "command": command.name(), "error": null }).to_string()
}

/// The answer to `restore`: at which transaction the server is now, and at which the snapshot was
/// taken.
pub(crate) fn restored(last_zxid: Zxid, snapshot_zxid: Zxid) -> String {
    let command = AdminCommand::Restore.name();
    let (last_zxid, snapshot_zxid) = (last_zxid.0, snapshot_zxid.0);
    json!({
        "last_zxid": last_zxid,
        "snapshot_zxid": snapshot_zxid,
        "command": command,
        "error": null,
    })
    .to_string()
}

fn failed_with(error: &str) -> Value {
    json!({ "error": error })
}

/// With what every answer has.
fn whole(command: AdminCommand, fields: Value) -> Body {
    let mut all = Map::new();
    if let Value::Object(fields) = fields {
        all.extend(fields);
    }
    all.insert("command".to_owned(), command.name().into());
    all.entry("error").or_insert(Value::Null);
    // What cannot be written does not come up: every key is text.
    Body::Whole(serde_json::to_string_pretty(&all).unwrap_or_default())
}

fn fields(command: AdminCommand, view: &ServerView<'_>) -> Value {
    match command {
        AdminCommand::Configuration => configuration(view.config),
        AdminCommand::Dirs => {
            let sizes = (view.probe.directories)(view.config);
            json!({ "datadir_size": sizes.data, "logdir_size": sizes.logs })
        }
        AdminCommand::Environment => {
            let mut all = properties(view);
            all.insert("zookeeper.version".to_owned(), version().into());
            all.into()
        }
        AdminCommand::SystemProperties => properties(view).into(),
        AdminCommand::GetTraceMask | AdminCommand::SetTraceMask => {
            json!({ "tracemask": view.trace_mask })
        }
        AdminCommand::Hash => json!({ "digests": digests(view) }),
        AdminCommand::InitialConfiguration => {
            json!({ "initial_configuration": view.config.operators.initial_configuration })
        }
        AdminCommand::IsReadOnly => json!({ "read_only": false }),
        AdminCommand::LastSnapshot => {
            let snapshot = view.stats.disk.last_snapshot;
            json!({
                "zxid": snapshot.map_or("-1".to_owned(), |at| format!("{:x}", at.zxid.0)),
                "timestamp": snapshot.map_or(-1, |at| at.at_s),
            })
        }
        AdminCommand::Leader => failed_with("server is not initialized"),
        AdminCommand::Monitor => monitor(view),
        AdminCommand::Observers => json!({ "synced_observers": 0, "observers": [] }),
        AdminCommand::ServerStats => server_stats(view).into(),
        AdminCommand::VotingView => json!({ "current_config": {} }),
        AdminCommand::Zabstate => json!({ "voting": false, "zabstate": "" }),
        _ => json!({}),
    }
}

/// What the tree added up to after some transactions: whoever asks two servers compares them.
fn digests(view: &ServerView<'_>) -> Vec<Value> {
    let logged = view.tree.digest_log();
    let entry = |(zxid, digest): (Zxid, TxnDigest)| json!({ "zxid": zxid.0, "digest": digest.tree, "digestVersion": digest.version });
    logged.map(entry).collect()
}

fn configuration(config: &ServerConfig) -> Value {
    let ms =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({
        "client_port": config.client_port.map_or(-1, i32::from),
        "data_dir": config.data_dir.join(VERSION_DIR).display().to_string(),
        "data_log_dir": config.log_dir().join(VERSION_DIR).display().to_string(),
        "tick_time": ms(config.tick_time),
        "max_client_cnxns": config.max_client_cnxns,
        "min_session_timeout": config.negotiate_timeout_ms(0),
        "max_session_timeout": config.negotiate_timeout_ms(i32::MAX),
        "server_id": SERVER_ID,
        "client_port_listen_backlog": -1,
    })
}

fn properties(view: &ServerView<'_>) -> Map<String, Value> {
    let pairs = (view.probe.environment)();
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

fn monitor(view: &ServerView<'_>) -> Value {
    let mut all = Map::new();
    all.insert("version".to_owned(), version().into());
    all.insert("server_state".to_owned(), "standalone".into());
    for metric in metrics::all(view) {
        metric.each(|name, text| {
            // As a number it reads back; as text it is no number anywhere.
            let number = serde_json::from_str(&text).unwrap_or(Value::String(text));
            all.insert(name.to_owned(), number);
        });
    }
    all.into()
}

fn server_stats(view: &ServerView<'_>) -> Map<String, Value> {
    let stats = view.stats;
    let size = |size: u64| stats.last_response_size.map_or(-1, |_| whole_number(size));
    let buffers = json!({
        "last_buffer_size": stats.last_response_size.map_or(-1, whole_number),
        "min_buffer_size": size(stats.response_size.min()),
        "max_buffer_size": size(stats.response_size.max()),
    });
    let sizes = (view.probe.directories)(view.config);
    let mut all = Map::new();
    all.insert("version".to_owned(), version().into());
    all.insert("read_only".to_owned(), false.into());
    all.insert(
        "server_stats".to_owned(),
        json!({
            "packets_sent": stats.packets_sent,
            "packets_received": stats.packets_received,
            "fsync_threshold_exceed_count": stats.disk.slow_fsyncs,
            "client_response_stats": buffers,
            "data_dir_size": sizes.data,
            "log_dir_size": sizes.logs,
            "provider_null": false,
            "server_state": "standalone",
            "last_processed_zxid": view.last_zxid.0,
            "outstanding_requests": view.outstanding,
            "avg_latency": stats.latency.average(),
            "max_latency": stats.latency.max(),
            "min_latency": stats.latency.min(),
            "num_alive_client_connections": view.connection_count,
            "auth_failed_count": stats.auth_failures,
            "non_mtlsremote_conn_count": stats.plain_remote,
            "non_mtlslocal_conn_count": stats.plain_local,
            "uptime": u64::try_from(view.uptime.as_millis()).unwrap_or(u64::MAX),
        }),
    );
    all.insert("client_response".to_owned(), buffers);
    all.insert("node_count".to_owned(), view.node_count.into());
    all
}

fn whole_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The same, with the connections.
fn stats(view: &ServerView<'_>, command: &'static str) -> Report {
    let mut head = Value::from(server_stats(view)).to_string();
    // The list goes on where the object would end.
    head.pop();
    head.push(',');
    Report::stat_json(command, head)
}
