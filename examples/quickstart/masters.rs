//! Act 2: three masters elect a leader; it is killed, and a backup takes over.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use zk_client::Client;
use zk_recipes::{FencingToken, LeaderLatch};

use crate::Result;
use crate::process::Process;

/// How long the servers wait for a silent master before they give it up. Short, since this is the
/// time without a leader after a crash; servers have a minimum of their own.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

/// What a master says when it begins to lead.
struct Leads {
    name: &'static str,
    token: FencingToken,
}

pub(crate) async fn act(stage: &str) -> Result {
    let observer = Client::connect(stage).await?;
    let (news, mut events) = mpsc::channel(8);
    let (stop, stopped) = watch::channel(false);
    let mut masters = Vec::new();
    for name in ["anna", "bela", "carl"] {
        let program = master(stage.to_owned(), name, news.clone(), stopped.clone());
        masters.push((name, Process::start(program)?));
        // One after the other, so that they stand in line in this order.
        wait_for_participants(&observer, masters.len()).await?;
    }
    drop(news);

    let first = events.recv().await.ok_or("no master became the leader")?;
    let ids: Vec<_> = LeaderLatch::participants_of(&observer, "/masters").await?;
    let line: Vec<_> = ids.iter().map(|participant| participant.id.as_str()).collect();
    println!("   In line: {}. {} leads, in term {}.", line.join(", "), first.name, first.token);

    let position = masters.iter().position(|(name, _)| *name == first.name);
    let (name, leader) = masters.remove(position.ok_or("an unknown master leads")?);
    let killed = Instant::now();
    leader.kill();
    println!("   {name} is killed: no goodbye, its connection just breaks.");

    let next = events.recv().await.ok_or("no backup took over")?;
    let after = killed.elapsed();
    println!("   {} took over after {after:.1?}, in term {}.", next.name, next.token);

    stop.send(true)?;
    for (_, master) in masters {
        master.finish().await?;
    }
    Ok(observer.close().await?)
}

/// What each master does, in a process of its own: wait for the turn, lead, step down when told.
async fn master(
    stage: String,
    name: &'static str,
    news: mpsc::Sender<Leads>,
    mut stopped: watch::Receiver<bool>,
) -> Result {
    let client = Client::builder(&stage).session_timeout(SESSION_TIMEOUT).connect().await?;
    if let Some(granted) = client.session_timeout() {
        println!("   {name} joins; its session may be silent for {granted:.1?}.");
    }
    let latch = LeaderLatch::start(&client, "/masters", name).await?;
    tokio::select! {
        led = lead(&latch, name, &news) => led?,
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    latch.close().await?;
    Ok(client.close().await?)
}

/// Leads whenever it is this master's turn.
async fn lead(latch: &LeaderLatch, name: &'static str, news: &mpsc::Sender<Leads>) -> Result {
    loop {
        let term = latch.lead().await?;
        news.send(Leads { name, token: term.fencing_token() }).await?;
        // A real master works here, and stops as soon as the term may be over.
        let reason = term.lost().await;
        println!("   {name} leads no more: {reason}.");
    }
}

async fn wait_for_participants(observer: &Client, count: usize) -> Result {
    loop {
        // Until the first master has come, there is not even the directory: watch for that.
        let (directory, created) = observer.exists("/masters").watch().await?;
        if directory.is_none() {
            created.await?;
            continue;
        }
        let (names, _, changed) = observer.children("/masters").watch().await?;
        if names.len() >= count {
            return Ok(());
        }
        changed.await?;
    }
}
