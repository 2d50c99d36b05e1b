//! The master with hot backups: one process leads, the others are ready to take over at once.
//!
//! ```text
//! cargo run --example master [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/masters/_c_<uuid>-latch-<number>` | ephemeral; the masters in line, the lowest number leads | `LeaderLatch` |
//! | `/state` | what the master decided last | the master, guarded by its node in `/masters` |
//!
//! Read [`master`] first: it is what each of the processes does. [`play`] starts three, kills the
//! one that leads, tries what a master would do that has not noticed its end, and stops the next one
//! in good order.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::collections::HashMap;
use std::process::ExitCode;

use examples::{Process, Result, Stage, ensure};
use tokio::sync::{mpsc, oneshot};
use zk_client::{Client, CreateMode, Error};
use zk_recipes::{FencingToken, LeaderLatch, Leadership};

/// What a master says when it has begun to lead.
struct Leads {
    name: &'static str,
    token: FencingToken,
    node: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("master", play).await
}

/// Waits for its turn and leads, again and again, until it is told to stop.
async fn master(
    client: Client,
    name: &'static str,
    news: mpsc::Sender<Leads>,
    mut stop: oneshot::Receiver<()>,
) -> Result {
    let latch = LeaderLatch::start(&client, "/masters", name).await?;
    loop {
        let term = tokio::select! {
            term = latch.lead() => term?,
            _ = &mut stop => break,
        };
        // Whatever the master does ends as soon as its term may be over.
        tokio::select! {
            led = lead(&term, name, &news) => match led {
                // A server was out of reach: let somebody lead who has one, and queue up again.
                Err(error) if error.is_retryable() => { term.resign().await?; }
                led => led?,
            },
            reason = term.lost() => println!("   {name} leads no more: {reason}"),
            _ = &mut stop => break,
        }
    }
    // Hands over at once: nobody has to wait until a session times out.
    Ok(latch.close().await?)
}

/// What a master is there for. It never ends by itself.
async fn lead(
    term: &Leadership,
    name: &'static str,
    news: &mpsc::Sender<Leads>,
) -> Result<(), Error> {
    let (token, node) = (term.fencing_token(), term.path().to_owned());
    // The server checks in the same transaction that this term still runs. A write without that
    // check could arrive late, from a master that was asleep while somebody else took over.
    term.writes().set("/state", &format!("{name} decides, in term {token}")).await?;
    // Nobody listens any more only when all is over.
    let _ = news.send(Leads { name, token, node }).await;
    std::future::pending().await
}

async fn play(stage: &Stage) -> Result {
    let observer = stage.connect().await?;
    observer.create("/state", b"nobody decides", CreateMode::Persistent).await?;
    let (news, mut events) = mpsc::channel(8);
    let mut masters: HashMap<&str, (Process, oneshot::Sender<()>)> = HashMap::new();
    for name in ["anna", "bela", "carl"] {
        let (stop, stopped) = oneshot::channel();
        let news = news.clone();
        let program = move |client| master(client, name, news, stopped);
        masters.insert(name, (stage.start(name, program).await?, stop));
    }

    let first = events.recv().await.ok_or("nobody leads")?;
    println!("   {} leads in term {}; it is killed.", first.name, first.token);
    let (process, _stop) = masters.remove(first.name).ok_or("an unknown master leads")?;
    stage.kill(process).await?;

    let second = events.recv().await.ok_or("nobody took over")?;
    println!("   {} took over in term {}.", second.name, second.token);
    ensure(second.name != first.name, "the dead master does not lead")?;
    ensure(second.token > first.token, "the next term has the larger token")?;

    // What the first master would do, had it only been asleep.
    let late = observer.guarded_by(&first.node).set("/state", b"I decide!").await;
    ensure(matches!(late, Err(Error::GuardFailed { .. })), "late writes are refused")?;
    println!("   A late write of {}'s is refused.", first.name);

    let (process, stop) = masters.remove(second.name).ok_or("an unknown master leads")?;
    let _ = stop.send(());
    process.finish().await?;
    let third = events.recv().await.ok_or("nobody took over")?;
    println!("   {} stopped in good order; {} leads now.", second.name, third.name);
    ensure(third.token > second.token, "the tokens grow")?;
    let (state, _) = observer.get("/state").await?;
    ensure(state.starts_with(third.name.as_bytes()), "the last word is the last master's")?;

    for (_, (process, stop)) in masters {
        let _ = stop.send(());
        process.finish().await?;
    }
    let left = LeaderLatch::participants_of(&observer, "/masters").await?;
    ensure(left.is_empty(), "no master leaves anything behind")?;
    Ok(observer.close().await?)
}
