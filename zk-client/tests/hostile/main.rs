//! The client against a network and servers that mean no good, one file per kind of malice.
// Tests live in the world: clocks and tasks are what they are about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
// What fails here fails the test, in the functions that tests share as well.
#![allow(clippy::unwrap_used)]

mod addresses;
mod bounds;
mod careful_writes;
mod chaos;
mod cuts;
mod memory;
mod read_only;
mod runtimes;
mod scissors;
mod servers;
mod settings;
mod workload;

use std::time::Duration;

/// How long a condition may take: far above what it should, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(40);

/// The future's value; fails the test if it takes too long.
async fn within<F: IntoFuture>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}
