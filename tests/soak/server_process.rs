//! A server in a process of its own, so that what it keeps is not taken for the client's: says where
//! it listens, and ends with its standard input.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::io::{Read, stdin};

use zk_server::testing::TestServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = TestServer::start().await?;
    println!("{}", server.addr());
    tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
