//! The server as a program: `zk-server zoo.cfg`, `zk-server --dev`, and tools for its files.
//!
//! | file | what |
//! | --- | --- |
//! | `serve` | runs a server |
//! | `config_file` | reads and checks its settings |
//! | `log_files`, `snapshot_files` | show and check what is on a disk |
//! | `log_cut` | makes a shorter copy of a damaged log |
//! | `init` | makes data directories |
//! | `fields`, `output` | how the tools show things |
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program touches the world"
)]

mod config_file;
mod fields;
mod init;
mod log_cut;
mod log_files;
mod output;
mod serve;
mod snapshot_files;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A ZooKeeper server.
///
/// Clients of ZooKeeper 3.4 and later work against it unchanged, and so do the data directories of
/// Apache's server.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, after_long_help = HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: serve::ServeArguments,
}

/// What no single option says.
const HELP: &str = "\
Settings:
  zoo.cfg has Apache's keys and syntax. A key that has no effect here, or that nobody knows, is
  warned of when the server starts; --check-config tells beforehand. Options of a JVM
  (-Dzookeeper.…) become keys of zoo.cfg, without the `zookeeper.`.
  Without a zoo.cfg, $ZOO_CONF_DIR/zoo.cfg is read if it exists. Otherwise the variables of
  Apache's official image make the settings: ZOO_DATA_DIR (/data), ZOO_DATA_LOG_DIR (/datalog),
  ZOO_TICK_TIME (2000), ZOO_INIT_LIMIT, ZOO_SYNC_LIMIT, ZOO_MAX_CLIENT_CNXNS,
  ZOO_AUTOPURGE_PURGEINTERVAL, ZOO_AUTOPURGE_SNAPRETAINCOUNT, ZOO_STANDALONE_ENABLED,
  ZOO_ADMINSERVER_ENABLED, ZOO_4LW_COMMANDS_WHITELIST, ZOO_SERVERS (clientPort=2181), and
  ZOO_CFG_EXTRA with more lines of zoo.cfg, separated by blanks.
  RUST_LOG chooses what is logged (info).

Examples:
  zk-server --dev
  zk-server --check-config /etc/zookeeper/conf/zoo.cfg
  zk-server /etc/zookeeper/conf/zoo.cfg
  zk-server log verify /var/lib/zookeeper
  zk-server snapshot dump --json /var/lib/zookeeper/version-2/snapshot.0";

/// What else than a server it can be.
#[derive(Debug, Subcommand)]
enum Command {
    /// Show, check and cut transaction logs (log.*)
    #[command(subcommand)]
    Log(log_files::LogCommand),
    /// Show and compare snapshots (snapshot.*)
    #[command(subcommand)]
    Snapshot(snapshot_files::SnapshotCommand),
    /// Make the data directories for a server
    Init(init::InitArguments),
}

/// Why a tool ends with an error.
#[derive(Debug, thiserror::Error)]
enum ToolFailure {
    /// A file or directory is not as it should be.
    #[error("{}: {reason}", output::path(path))]
    Path { path: PathBuf, reason: String },
    /// A file is damaged.
    #[error("{}: damaged at offset {offset}: {reason}", output::path(path))]
    Damaged { path: PathBuf, offset: u64, reason: String },
    #[error(transparent)]
    Init(#[from] zk_server::runtime::InitError),
    #[error(transparent)]
    Serve(#[from] serve::Failure),
    #[error(transparent)]
    Config(#[from] config_file::ConfigFailure),
    /// Nobody reads what is printed any more, or there is no room for it.
    #[error("cannot print: {0}")]
    Output(#[from] std::io::Error),
}

impl ToolFailure {
    fn is_closed_pipe(&self) -> bool {
        let (Self::Output(error)
        | Self::Config(config_file::ConfigFailure::Output(error))
        | Self::Serve(serve::Failure::Config(config_file::ConfigFailure::Output(error)))) = self
        else {
            return false;
        };
        error.kind() == std::io::ErrorKind::BrokenPipe
    }

    /// Wraps what the system said of a path.
    fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Path { path: path.to_owned(), reason: error.to_string() }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (done, on_failure) = match &arguments.command {
        None => (serve::run(&arguments.serve).map_err(ToolFailure::from), 1),
        Some(Command::Log(command)) => (log_files::run(command), 1),
        // As of `diff` and `cmp`: 1 says that two files differ.
        Some(Command::Snapshot(command @ snapshot_files::SnapshotCommand::Compare(_))) => {
            (snapshot_files::run(command), 2)
        }
        Some(Command::Snapshot(command)) => (snapshot_files::run(command), 1),
        Some(Command::Init(arguments)) => (init::run(arguments), 1),
    };
    match done {
        Ok(code) => code,
        // Whoever has seen enough of a dump is not told that there is more.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "zk-server: {failure}");
            ExitCode::from(on_failure)
        }
    }
}
