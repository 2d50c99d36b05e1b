//! A pool of worker threads that shares jobs by ZooKeeper, in a program without a runtime:
//!
//! ```text
//! cargo run --example blocking
//! cargo run --example blocking -- --connect host:2181[,host:2181...][/chroot]
//! ```
//!
//! Every thread takes the lock, does the next job and writes it down, until there are none left.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::time::Duration;

use clap::Parser;
use zk_client::CreateMode;
use zk_client::blocking::{Client, Wait, WaitNext};
use zk_recipes::Lock;
use zk_server::testing::TestServer;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const JOBS: usize = 12;

/// How long a job may take before something must be wrong.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Parser)]
#[command(about = "Worker threads that share jobs, without a runtime")]
struct Args {
    /// An ensemble to use instead of an embedded server: host:port[,host:port...][/chroot]
    #[arg(long)]
    connect: Option<String>,
}

fn main() -> Result {
    if let Some(ensemble) = Args::parse().connect {
        return run_on(&ensemble);
    }
    // The server is the one thing here that needs a runtime.
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(TestServer::start())?;
    run_on(&server.connect_string())
}

fn run_on(ensemble: &str) -> Result {
    let client = Client::connect(ensemble)?;
    let root = format!("/blocking-{:08x}", fastrand::u32(..));
    client.create(&root, b"", CreateMode::Persistent).wait()?;
    let worked = work(&client.in_chroot(&root)?);
    client.delete_recursive(&root).wait()?;
    client.close()?;
    worked
}

fn work(client: &Client) -> Result {
    client.create("/done", b"0", CreateMode::Persistent).wait()?;
    let mut progress = client.observe("/done");
    std::thread::scope(|scope| {
        let workers = ["ann", "bob", "eve"].map(|name| scope.spawn(move || worker(client, name)));
        // `for state in progress.iter()` would wait without limit.
        while let Some(state) = progress.wait_next_timeout(PATIENCE)? {
            let (done, _) = state?.ok_or("somebody deleted the count of jobs")?;
            println!("{} of {JOBS} jobs are done", String::from_utf8_lossy(&done));
            if *done == *JOBS.to_string().as_bytes() {
                break;
            }
        }
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a worker panicked")?)
    })
}

/// Does jobs, one at a time, until none is left.
fn worker(client: &Client, name: &str) -> Result {
    loop {
        let guard = Lock::acquire(client, "/lock").wait()?;
        let (done, stat) = client.get("/done").wait()?;
        let job: usize = std::str::from_utf8(&done)?.parse()?;
        if job < JOBS {
            println!("{name} does job {job}");
            client.set("/done", &(job + 1).to_string()).version(stat.version).wait()?;
        }
        guard.release().wait()?;
        if job >= JOBS {
            return Ok(());
        }
    }
}
