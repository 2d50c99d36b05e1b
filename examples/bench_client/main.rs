//! What an operation costs the client: CPU time of this process, throughput, latency.
//!
//! ```text
//! cargo run --release --example bench_client -- HOST:PORT WORKLOAD SECS WARMUP
//! cargo run --release --example bench_client -- --current-thread localhost:2181 pipeget 4 1
//! ```
//!
//! It prints one line of JSON, so that a script can set it beside what other clients do. CPU time
//! is the figure to compare: throughput and latency are the server's as much as the client's.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

mod meter;
mod workload;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Builder;

use workload::Workload;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "CPU time, throughput and latency of this client, as one line of JSON")]
struct Args {
    /// The server: host:port[,host:port...][/chroot]. Below it, /bench is made and left behind.
    servers: String,
    /// What to do all the time.
    workload: Workload,
    /// How long to measure, in seconds.
    #[arg(default_value = "4", value_parser = seconds)]
    secs: Duration,
    /// How long to work before that, in seconds.
    #[arg(default_value = "1", value_parser = seconds)]
    warmup: Duration,
    /// Run everything on one thread instead of tokio's default, a worker for each core.
    #[arg(long)]
    current_thread: bool,
}

fn seconds(text: &str) -> Result<Duration, Error> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut runtime = if args.current_thread {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    let measured = runtime
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(measure(&args)));
    match measured {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench_client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> Result<meter::Report, Error> {
    let clients = workload::clients(&args.servers, args.workload).await?;
    let report = meter::run(args.workload, args.warmup, args.secs, &clients).await?;
    for client in &clients {
        client.close().await?;
    }
    Ok(report)
}
