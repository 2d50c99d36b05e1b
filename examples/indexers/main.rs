//! Indexers that share an inbox, so that each mail is indexed once: also the one whose indexer died.
//!
//! ```text
//! cargo run --example indexers [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/inbox/queue-\|<mail id>\|<number>` | a mail that is not indexed yet | whoever gets mail |
//! | `/inbox-claims/<the same>` | ephemeral of the indexer that works on the mail | `Queue::claim` |
//! | `/index/<mail id>` | the entry of a mail: who made it, and the words | the indexers |
//!
//! Read [`indexer`] first. A claim keeps a mail from the others while its indexer lives, so a mail is
//! worked on *at least* once; it is the entry's name, that of the mail, which makes the effect
//! happen *exactly* once. [`play`] lets one indexer die over a mail it has not indexed yet, and one
//! over a mail that it has indexed but not removed.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::process::ExitCode;

use examples::{Process, Result, Stage, ensure};
use tokio::sync::mpsc;
use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::queue::Claim;
use zk_recipes::{Cache, Error, Queue};

const MAILS: usize = 24;

/// Where an indexer dies.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    BeforeIndexing,
    BeforeRemoving,
    Lives,
}

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("indexers", play).await
}

/// Indexes mails for as long as it lives. `doomed` hears of the claim that it will never finish.
async fn indexer(
    client: Client,
    name: &'static str,
    fate: Fate,
    doomed: mpsc::Sender<String>,
) -> Result {
    let inbox = Queue::new(&client, "/inbox");
    loop {
        let mail = inbox.claim().await?;
        if fate == Fate::BeforeIndexing {
            return die(&mail, doomed).await;
        }
        index(&client, name, &mail).await?;
        if fate == Fate::BeforeRemoving {
            return die(&mail, doomed).await;
        }
        match mail.complete().await {
            // The session ended meanwhile, so somebody else has the mail now, and will find it indexed.
            Err(Error::ClaimLost { path }) => println!("   {name} lost its claim to {path}"),
            completed => completed?,
        }
    }
}

async fn index(client: &Client, name: &str, mail: &Claim) -> Result {
    let path = format!("/index/{}", mail.id().ok_or("a mail without an id")?);
    let words = String::from_utf8_lossy(mail.data()).split_whitespace().count();
    let entry = format!("{name}: {words} words");
    // Repeated if its answer is lost, and then content with what it made the first time.
    match client.create(&path, &entry, CreateMode::Persistent).idempotent().await {
        Ok(_) => Ok(()),
        // By a predecessor that died before it could remove the mail.
        Err(ClientError::NodeExists { .. }) => {
            println!("   {name} finds {path} indexed already.");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Stops in the middle of the work, until it is killed.
async fn die(mail: &Claim, doomed: mpsc::Sender<String>) -> Result {
    doomed.send(mail.id().unwrap_or_default().to_owned()).await?;
    std::future::pending().await
}

async fn play(stage: &Stage) -> Result {
    let client = stage.connect().await?;
    client.create("/index", b"", CreateMode::Persistent).await?;
    let inbox = Queue::new(&client, "/inbox");
    for number in 0..MAILS {
        let text = "word ".repeat(number + 1);
        inbox.put_with_id(&format!("mail-{number:02}"), text).await?;
    }
    println!("   {MAILS} mails are in the inbox.");

    let (doomed, mut deaths) = mpsc::channel(1);
    let fates = [("dan", Fate::BeforeIndexing), ("eve", Fate::BeforeRemoving)];
    let (mut dying, mut orphans) = (Vec::new(), Vec::new());
    for (name, fate) in fates {
        let doomed = doomed.clone();
        dying.push(stage.start(name, move |client| indexer(client, name, fate, doomed)).await?);
        let mail = deaths.recv().await.ok_or("an indexer ended early")?;
        println!("   {name} works on {mail}, and will be killed.");
        orphans.push(mail);
    }
    for process in dying {
        stage.kill(process).await?;
    }

    let mut indexers: Vec<Process> = Vec::new();
    for name in ["ann", "bob"] {
        let doomed = doomed.clone();
        let program = move |client| indexer(client, name, Fate::Lives, doomed);
        indexers.push(stage.start(name, program).await?);
    }
    let index = Cache::children(&client, "/index").await?;
    // The root is in the cache, too.
    let entries = index.wait_for(|nodes| nodes.len() == MAILS + 1).await.ok_or("no index")?;
    let inbox = Cache::children(&client, "/inbox").await?;
    inbox.wait_for(|nodes| nodes.keys().all(|path| path == "/inbox")).await.ok_or("no inbox")?;

    for number in 0..MAILS {
        let mail = format!("mail-{number:02}");
        let entry = entries.get(&format!("/index/{mail}")).ok_or(format!("{mail} is lost"))?;
        let entry = String::from_utf8_lossy(&entry.data).into_owned();
        let words = format!("{} words", number + 1);
        ensure(entry.ends_with(&words), format!("{mail} has {words}: {entry}"))?;
        if orphans.contains(&mail) {
            println!("   {mail} was not lost: {entry}.");
        }
        // What eve has indexed is not indexed again, though somebody else had the mail after her.
        ensure(
            entry.starts_with("eve") == (mail == orphans[1]),
            format!("eve and {mail}: {entry}"),
        )?;
    }
    for indexer in indexers {
        stage.kill(indexer).await?;
    }
    println!("   All {MAILS} mails are indexed, each once; the inbox is empty.");
    Ok(client.close().await?)
}
