//! Rendezvous: workers that are started before anybody knows where their master will be.
//!
//! ```text
//! cargo run --example rendezvous [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/jobs/_c_<uuid>-rendezvous` | ephemeral of who started the job; empty, then the master's address | the starter, then the master |
//!
//! A cluster's scheduler starts the processes of a job, in any order, on machines of its choice. So
//! no configuration can tell the workers the master's address: all of them get the path of the
//! rendezvous instead. Read [`worker`] and [`master`] first. [`play`] is the one who starts them; its
//! first master crashes before it has said where it is, and a second job is given up altogether.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::process::ExitCode;

use examples::{Process, Result, Stage, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use zk_client::Client;
use zk_recipes::{Error, Rendezvous};

const WORKERS: [&str; 3] = ["ann", "bob", "eve"];

/// How a worker ended.
#[derive(Debug, PartialEq)]
enum Ended {
    Worked,
    /// There will be no master: who started the job is gone.
    Dismissed,
}

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("rendezvous", play).await
}

/// Learns where the master is, however long that takes, and reports there.
async fn worker(client: Client, name: &str, path: String, news: mpsc::Sender<Ended>) -> Result {
    let address = match Rendezvous::meet(&client, &path).await {
        // A worker must not wait for ever for a job that nobody pursues any more.
        Err(Error::RendezvousOver { .. }) => return Ok(news.send(Ended::Dismissed).await?),
        address => address?,
    };
    let mut master = TcpStream::connect(std::str::from_utf8(&address)?).await?;
    master.write_all(format!("{name} reports for work\n").as_bytes()).await?;
    Ok(news.send(Ended::Worked).await?)
}

/// Takes a free port, says where it is, and waits for its workers.
async fn master(client: Client, path: String) -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Rendezvous::announce(&client, &path, listener.local_addr()?.to_string()).await?;
    for _ in WORKERS {
        let (worker, _) = listener.accept().await?;
        let mut line = String::new();
        BufReader::new(worker).read_line(&mut line).await?;
        println!("   The master hears: {}", line.trim_end());
    }
    Ok(())
}

async fn start_workers(
    stage: &Stage,
    path: &str,
    news: &mpsc::Sender<Ended>,
) -> Result<Vec<Process>> {
    let mut workers = Vec::new();
    for name in WORKERS {
        let (path, news) = (path.to_owned(), news.clone());
        workers.push(stage.start(name, move |client| worker(client, name, path, news)).await?);
    }
    Ok(workers)
}

/// Waits until all workers have ended in this way.
async fn expect(ended: &mut mpsc::Receiver<Ended>, workers: Vec<Process>, wanted: Ended) -> Result {
    for worker in workers {
        let ended = ended.recv().await.ok_or("a worker is missing")?;
        ensure(ended == wanted, format!("a worker ends with {wanted:?}, not {ended:?}"))?;
        worker.finish().await?;
    }
    Ok(())
}

async fn play(stage: &Stage) -> Result {
    let starter = stage.connect().await?;
    let (news, mut ended) = mpsc::channel(WORKERS.len());

    let rendezvous = Rendezvous::open(&starter, "/jobs").await?;
    let path = rendezvous.path().to_owned();
    println!("   {} workers are started; nobody knows the master yet.", WORKERS.len());
    let workers = start_workers(stage, &path, &news).await?;

    // A master that is killed before it has announced anything.
    let doomed = stage.start("master-1", |_client| std::future::pending()).await?;
    stage.kill(doomed).await?;
    ensure(ended.try_recv().is_err(), "the workers still wait")?;
    println!("   The first master crashed on its start; another one is started.");
    let announced = path.clone();
    let master = stage.start("master-2", move |client| master(client, announced)).await?;
    master.finish().await?;
    expect(&mut ended, workers, Ended::Worked).await?;
    rendezvous.close().await?;

    println!("   A second job; this time who started it is killed.");
    let (paths, mut path) = mpsc::channel(1);
    let doomed = stage.start("starter", move |client| async move {
        let rendezvous = Rendezvous::open(&client, "/jobs").await?;
        paths.send(rendezvous.path().to_owned()).await?;
        std::future::pending().await
    });
    let doomed = doomed.await?;
    let path = path.recv().await.ok_or("the second job did not start")?;
    let workers = start_workers(stage, &path, &news).await?;
    stage.kill(doomed).await?;
    expect(&mut ended, workers, Ended::Dismissed).await?;
    println!("   Its {} workers were told, and went home.", WORKERS.len());
    Ok(starter.close().await?)
}
