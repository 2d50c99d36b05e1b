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

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpSocket;

/// How long a condition may take: far above what it should, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(40);

/// The future's value; fails the test if it takes too long.
async fn within<F: IntoFuture>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// An address where nobody listens, and nobody else will while the socket is there.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Runs a test, of this whole name, in a process where no other test opens files or takes memory.
fn alone(test: &str, run: impl FnOnce()) {
    const IS_ALONE: &str = "ZK_TEST_IS_ALONE";
    if std::env::var_os(IS_ALONE).is_some() {
        return run();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--include-ignored", "--nocapture"]).env(IS_ALONE, "yes");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
