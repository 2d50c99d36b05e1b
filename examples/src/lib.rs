//! What the examples share, so that each of them is about ZooKeeper and nothing else: a [`Stage`] to
//! play on, and a [`Process`] that can be killed.
//!
//! ```text
//! cargo run --example master                            # on a server inside the program
//! cargo run --example master -- host:2181[,host:2181...][/chroot]
//! ```
//!
//! Each example checks its own outcome and ends with an exit code other than 0 if it is not as it
//! should be.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

mod process;
mod stage;

use std::process::ExitCode;
use std::time::Duration;

pub use process::Process;
pub use stage::Stage;

/// What everything here results in: an example has no use for the kinds of errors.
pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// How long an example may take before something must be wrong.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long it may take to clean up.
const CLEAN_UP_DEADLINE: Duration = Duration::from_secs(20);

/// Plays an example on the ensemble that the command line names, or on an embedded server, and
/// deletes there what it has left.
pub async fn run(name: &str, play: impl AsyncFnOnce(&Stage) -> Result) -> ExitCode {
    // Silent but for errors; RUST_LOG=debug shows what client and recipes do.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run_on_stage(name, play).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_on_stage(name: &str, play: impl AsyncFnOnce(&Stage) -> Result) -> Result {
    let stage = Stage::open(name, std::env::args().nth(1)).await?;
    let played = tokio::select! {
        played = tokio::time::timeout(DEADLINE, play(&stage)) => {
            played.unwrap_or_else(|_| Err(format!("not at its end after {DEADLINE:?}").into()))
        }
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    let closed = tokio::time::timeout(CLEAN_UP_DEADLINE, stage.close()).await;
    played?;
    closed?
}

/// An error that says what does not hold, unless it does.
pub fn ensure(holds: bool, what: impl Into<String>) -> Result {
    if holds { Ok(()) } else { Err(format!("this should hold: {}", what.into()).into()) }
}

/// Compiles the programs that the README shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
