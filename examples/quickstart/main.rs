//! What coordination is for, in four acts, on a server that runs inside this program:
//!
//! ```text
//! cargo run --example quickstart
//! cargo run --example quickstart -- --connect host:2181[,host:2181...][/chroot]
//! ```
//!
//! The second form does the same on your own ensemble. Everything happens below one node with a
//! random name, which is deleted in the end. Every line printed is something that really happened.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

mod balance;
mod config;
mod masters;
mod process;
mod services;

use std::process::ExitCode;

use clap::Parser;
use zk_client::{Client, CreateMode};
use zk_server::testing::TestServer;

/// The result of every act.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Locks, elections, service discovery and configuration in four acts")]
struct Args {
    /// An ensemble to use instead of an embedded server: host:port[,host:port...][/chroot]
    #[arg(long)]
    connect: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Silent but for errors; RUST_LOG=debug shows what client and recipes do.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();

    let played = match Args::parse().connect {
        Some(ensemble) => run_on(ensemble.trim_end_matches('/')).await,
        None => run_embedded().await,
    };
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run_embedded() -> Result {
    let server = TestServer::start().await?;
    println!("An embedded server listens on {}.", server.connect_string());
    run_on(&server.connect_string()).await
}

/// Plays the four acts below a node of their own, and deletes it whatever happens.
async fn run_on(ensemble: &str) -> Result {
    let client = Client::connect(ensemble).await?;
    let root = format!("/quickstart-{:08x}", fastrand::u32(..));
    client.create(&root, b"", CreateMode::Persistent).await?;
    println!("Everything below happens under {root}.");

    // A path at the end of the connect string becomes the root of all the client's paths.
    let stage = format!("{ensemble}{root}");
    let played = tokio::select! {
        played = play(&stage) => played,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };

    delete_all(&client, &root).await?;
    println!("\nCleaned up: {root} is gone.");
    client.close().await?;
    played
}

async fn play(stage: &str) -> Result {
    println!("\n1. One balance, many depositors: the race, and the lock that ends it");
    balance::act(stage).await?;
    println!("\n2. Three masters: the leader is killed, a backup takes over");
    masters::act(stage).await?;
    println!("\n3. Services come and go, and whoever watches sees it");
    services::act(stage).await?;
    println!("\n4. One config node that every watcher sees change");
    config::act(stage).await
}

/// Deletes `root` and everything below it, children before their parents.
async fn delete_all(client: &Client, root: &str) -> Result {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        let (names, _) = client.children(&path).await?;
        found.extend(names.iter().map(|name| format!("{path}/{name}")));
        next += 1;
    }
    for path in found.iter().rev() {
        match client.delete(path).await {
            // Ephemeral nodes and empty containers also go by themselves.
            Ok(()) | Err(zk_client::Error::NoNode { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
