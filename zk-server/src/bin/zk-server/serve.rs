//! Running a server: `zk-server zoo.cfg`, or `zk-server --dev`.
//!
//! It stays in the foreground, logs to standard error (`RUST_LOG` chooses what) and stops cleanly
//! on SIGTERM and SIGINT.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use zk_server::ServerConfig;
use zk_server::config;
use zk_server::runtime::{Instance, ServeError, StartError};
use zk_server::storage::log::DiscardTxnLog;

/// How to run a server.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The configuration file, written as Apache ZooKeeper's zoo.cfg
    #[arg(value_name = "zoo.cfg", required_unless_present = "dev", conflicts_with = "dev")]
    config: Option<PathBuf>,

    /// Serve 127.0.0.1 with settings that suit development, and a temporary data directory
    #[arg(long)]
    dev: bool,

    /// The port of --dev; 0 takes a free one
    #[arg(long, requires = "dev", default_value_t = 2181)]
    port: u16,
}

/// Longest configuration file, in bytes. Real ones have a few hundred.
const CONFIG_LEN_MAX: usize = 1 << 20;

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot read {}: {error}. Give the path of a zoo.cfg, or try --dev", path.display())]
    Read { path: PathBuf, error: std::io::Error },
    #[error(
        "{} is longer than {CONFIG_LEN_MAX} bytes, so it is hardly a zoo.cfg. Give the path of one",
        path.display()
    )]
    TooLong { path: PathBuf },
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the system refuses what every server needs: {0}")]
    System(#[from] std::io::Error),
}

/// Runs a server until it is told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match &arguments.config {
        Some(path) => {
            let config = read_config(path)?;
            #[cfg(all(unix, feature = "sasl-gssapi"))]
            name_keytab(&config)?;
            runtime.block_on(serve(Instance::open(config), |instance| {
                if let Some(address) = instance.address() {
                    tracing::info!("serving clients on {address}");
                }
                if let Some(address) = instance.secure_address() {
                    tracing::info!("serving clients by TLS on {address}");
                }
            }))
        }
        None => {
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

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

pub(crate) fn read_config(path: &Path) -> Result<ServerConfig, Failure> {
    let failed = |error| Failure::Read { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more shows that there is more. Devices and pipes can be without an end.
    let room = CONFIG_LEN_MAX as u64 + 1;
    file.take(room).read_to_string(&mut text).map_err(failed)?;
    if text.len() > CONFIG_LEN_MAX {
        return Err(Failure::TooLong { path: path.to_owned() });
    }
    let parsed = config::parse(&path.display().to_string(), &text)?;
    for warning in &parsed.warnings {
        tracing::warn!("{warning}");
    }
    Ok(parsed.config)
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
    instance.run(shutdown).await?;
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
