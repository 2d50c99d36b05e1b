//! Act 4: a config node that every watcher sees change.

use futures_util::StreamExt;
use tokio::sync::mpsc;
use zk_client::{Client, CreateMode};

use crate::Result;

const WATCHERS: usize = 3;

/// What a watcher saw.
struct Seen {
    watcher: usize,
    value: String,
    version: i32,
}

pub(crate) async fn act(stage: &str) -> Result {
    let client = Client::connect(stage).await?;
    client.create("/config", b"colour=red", CreateMode::Persistent).await?;

    let (seen, mut sightings) = mpsc::channel(WATCHERS);
    let mut watchers = Vec::new();
    for number in 1..=WATCHERS {
        let client = Client::connect(stage).await?;
        watchers.push(tokio::spawn(watch(client, number, seen.clone())));
    }
    drop(seen);
    show(&mut sightings).await?;

    for value in ["colour=green", "colour=blue"] {
        let stat = client.set("/config", value.as_bytes()).await?;
        println!("   The config is set to {value} (version {}).", stat.version);
        show(&mut sightings).await?;
    }

    client.delete("/config").await?;
    println!("   The config is deleted.");
    for watcher in watchers {
        watcher.await??;
    }
    println!("   All {WATCHERS} watchers saw that, and went home.");
    Ok(client.close().await?)
}

/// Follows the config until it is deleted. `observe` gives the value now, and then every time it
/// has changed; it gets over lost connections and expired sessions by itself.
async fn watch(client: Client, watcher: usize, seen: mpsc::Sender<Seen>) -> Result {
    let mut values = client.observe("/config");
    while let Some(Some((data, stat))) = values.next().await.transpose()? {
        let value = String::from_utf8_lossy(&data).into_owned();
        seen.send(Seen { watcher, value, version: stat.version }).await?;
    }
    Ok(client.close().await?)
}

/// Prints what the watchers see next, each once.
async fn show(sightings: &mut mpsc::Receiver<Seen>) -> Result {
    for _ in 0..WATCHERS {
        let Seen { watcher, value, version } =
            sightings.recv().await.ok_or("a watcher went home early")?;
        println!("   watcher {watcher} sees {value} (version {version}).");
    }
    Ok(())
}
