//! The server that the clients come to.

use std::process::Stdio;

use tests::within;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A server in a process of its own; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    address: String,
    _child: Child,
}

impl ServerProcess {
    pub(crate) async fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_server_process"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = within("the server starts", lines.next_line()).await.unwrap().unwrap();
        Self { address, _child: child }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether nobody is connected but who asks, and nothing is watched or owned by a session.
    pub(crate) async fn is_at_rest(&self) -> bool {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(b"mntr").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let value = |name: &str| {
            let line = answer.lines().find(|line| line.split_whitespace().next() == Some(name));
            let value = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            value.unwrap_or(0_usize)
        };
        value("zk_num_alive_connections") <= 1
            && value("zk_watch_count") == 0
            && value("zk_ephemerals_count") == 0
    }
}
