//! Running a server: `zk-server zoo.cfg`, or `zk-server --dev`.
//!
//! It stays in the foreground, logs to standard error (`RUST_LOG` chooses what) and stops cleanly
//! on SIGTERM and SIGINT.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use zk_server::ServerConfig;
use zk_server::runtime::{Instance, ServeError, StartError};
use zk_server::storage::log::DiscardTxnLog;

use crate::config_file::{self, ConfigFailure};

/// How to run a server.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The configuration file, written as Apache ZooKeeper's zoo.cfg. Without one the variables
    /// ZOO_… count, as in Apache's official image
    #[arg(value_name = "zoo.cfg", conflicts_with = "dev")]
    config: Option<PathBuf>,

    /// Read a configuration file, print what a server would make of it, and end: with 1 if
    /// something in it or in the key stores that it names is wrong. Directories and ports are not
    /// looked at
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "dev"])]
    check_config: Option<PathBuf>,

    /// Serve 127.0.0.1 with settings that suit development, and a temporary data directory
    #[arg(long)]
    dev: bool,

    /// The port of --dev; 0 takes a free one
    #[arg(long, requires = "dev", default_value_t = 2181)]
    port: u16,

    /// How lines of the log look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigFailure),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the system refuses what every server needs: {0}")]
    System(#[from] std::io::Error),
}

/// What to say to somebody who gives no settings at all.
const WHAT_TO_SERVE: &str = "zk-server: what is it to serve? Give the path of a zoo.cfg, try --dev, \
                             or set variables such as ZOO_DATA_DIR; --help says more";

/// Runs a server until it is told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    if let Some(path) = &arguments.check_config {
        return Ok(config_file::check(path)?);
    }
    if !arguments.dev && arguments.config.is_none() && !config_file::is_in_environment() {
        // Not a word of what could be meant: the same as any other wrong use.
        let _ = writeln!(std::io::stderr(), "{WHAT_TO_SERVE}");
        return Ok(ExitCode::from(2));
    }
    log_to_stderr(arguments.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.dev {
        false => {
            let config = config_file::read(arguments.config.as_deref())?;
            #[cfg(all(unix, feature = "sasl-gssapi"))]
            name_keytab(&config)?;
            runtime.block_on(serve(Instance::open(config), say_where))
        }
        true => {
            let data_dir = tempfile::Builder::new().prefix("zk-server-dev-").tempdir()?;
            let config = ServerConfig::for_development(arguments.port, data_dir.path());
            let log = Box::new(DiscardTxnLog::default());
            runtime.block_on(serve(Instance::bind(config, log), |instance| {
                let address = instance.address().map(|address| address.to_string());
                let line = format!(
                    "zk-server is ready: connect to {} \
                     (data in memory only, gone when it stops; Ctrl-C stops it)",
                    address.unwrap_or_default()
                );
                // Nobody may be reading.
                let _ = writeln!(std::io::stdout(), "{line}");
            }))
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Operators first: whoever waits for the line about clients finds the rest above it.
fn say_where(instance: &Instance) {
    if let Some(address) = instance.admin_address() {
        tracing::info!("answering operators by HTTP on {address}");
    }
    if let Some(address) = instance.metrics_address() {
        tracing::info!("answering Prometheus by HTTP on {address}");
    }
    if let Some(address) = instance.address() {
        tracing::info!("serving clients on {address}");
    }
    if let Some(address) = instance.secure_address() {
        tracing::info!("serving clients by TLS on {address}");
    }
}

/// The library for Kerberos looks for the server's keys where `KRB5_KTNAME` says. Where the login
/// names a keytab and the environment does not, the program begins again with that said.
#[cfg(all(unix, feature = "sasl-gssapi"))]
fn name_keytab(config: &ServerConfig) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;

    const KEYTAB_VARIABLE: &str = "KRB5_KTNAME";
    let Some(keytab) = zk_server::runtime::keytab_of(&config.auth.sasl)? else { return Ok(()) };
    if std::env::var_os(KEYTAB_VARIABLE).is_some() {
        return Ok(());
    }
    let mut program = std::process::Command::new(std::env::current_exe()?);
    program.args(std::env::args_os().skip(1)).env(KEYTAB_VARIABLE, keytab);
    // It comes back only if that did not work.
    Err(Failure::System(program.exec()))
}

async fn serve(
    start: impl Future<Output = Result<Instance, StartError>>,
    announce: impl FnOnce(&Instance),
) -> Result<(), Failure> {
    // Signals are caught before clients are told that the server is there.
    let shutdown = stop_on_signal()?;
    let instance = start.await?;
    announce(&instance);
    // As a task: what `block_on` runs is on a thread of its own, and each client that comes would
    // have to go from there to another.
    match tokio::spawn(instance.run(shutdown)).await {
        Ok(served) => served?,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
    tracing::info!("stopped");
    Ok(())
}

#[cfg(unix)]
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};

    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(shutdown)
}

#[cfg(not(unix))]
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    Ok(shutdown)
}
