//! Transactions of two participants, who all have to come to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zk_client::Client;
use zk_recipes::Error;
use zk_recipes::transaction::{Decision, Vote};
use zk_server::tree::DataTree;

use super::may_pass;
use super::mutex::Boxed;
use crate::invariant::{AtEachStep, NothingLeft, walk};
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/transactions";

pub(crate) const PARTICIPANTS: [&str; 2] = ["orders", "billing"];

/// Transactions, one after the other.
const ROUNDS: usize = 4;

/// Something to write down as soon as it is known, before anything else is done.
pub(crate) type Tell<T> = Box<dyn Fn(T) + Send + Sync>;

/// A way to agree.
pub(crate) trait Agreeing: Send + Sync {
    /// Begins a transaction, decides within `limit`, and cleans up.
    fn coordinate(
        &self,
        client: &Client,
        limit: Duration,
        path: Tell<String>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>>;

    /// Takes part in one, from the vote to the end. `known` is what was written down before a crash.
    fn take_part(
        &self,
        client: &Client,
        path: String,
        name: &'static str,
        vote: Vote,
        known: Option<Decision>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>>;
}

/// What everybody has on disk about one transaction.
#[derive(Default)]
struct Round {
    path: Option<String>,
    /// Final from the moment it is written down, before anybody hears of it.
    votes: BTreeMap<&'static str, Vote>,
    /// By whom.
    decisions: BTreeMap<&'static str, Decision>,
    done: BTreeSet<&'static str>,
}

impl Round {
    fn decided(&mut self, by: &'static str, decision: Decision) -> Result<(), String> {
        self.decisions.insert(by, decision);
        if self.decisions.values().any(|other| *other != decision) {
            return Err(format!("they do not agree: {:?}", self.decisions));
        }
        let all_for_it =
            PARTICIPANTS.iter().all(|name| self.votes.get(name) == Some(&Vote::Commit));
        if decision == Decision::Committed && !all_for_it {
            return Err(format!("{by} has committed, with the votes {:?}", self.votes));
        }
        Ok(())
    }
}

type Book = Arc<Mutex<Vec<Round>>>;

/// Lets a coordinator and two participants go through some transactions.
pub(crate) fn agree(world: &Arc<World>, agreeing: impl Agreeing + 'static) {
    let (agreeing, book) = (Arc::new(agreeing), Book::default());
    book.lock().unwrap().resize_with(ROUNDS, Round::default);
    world.watch_over(NothingLeft::but([]));
    world.watch_over(AtEachStep(decided_once));
    for number in 0..=PARTICIPANTS.len() {
        let (agreeing, book) = (Arc::clone(&agreeing), Arc::clone(&book));
        world.start(move |process| {
            let (agreeing, book, client) =
                (Arc::clone(&agreeing), Arc::clone(&book), process.client());
            process.keep(client.clone());
            match number.checked_sub(1) {
                None => process.work(coordinate(process.clone(), client, agreeing, book)),
                Some(at) => {
                    let name = PARTICIPANTS[at];
                    process.work(take_part(process.clone(), client, agreeing, book, name));
                }
            }
        });
    }
}

/// A decision is written once.
fn decided_once(tree: &DataTree) -> Result<(), String> {
    let mut found = Ok(());
    walk(tree, PATH, &mut |path| {
        if let Some(node) = tree.node(path)
            && node.stat().version > 1
        {
            found = Err(format!("{path} was decided {} times", node.stat().version));
        }
    });
    found
}

/// Has somebody's decision written down in a round.
fn tell(process: &Process, book: &Book, round: usize, by: &'static str) -> Tell<Decision> {
    let (process, book) = (process.clone(), Arc::clone(book));
    Box::new(move |decision| {
        process.note(format_args!("{by} learns of transaction {round}: {decision:?}"));
        let found = book.lock().unwrap()[round].decided(by, decision);
        process.complain_about(found);
    })
}

fn are_all_done(book: &Book, round: usize) -> bool {
    book.lock().unwrap()[round].done.len() == PARTICIPANTS.len()
}

async fn coordinate(
    process: Process,
    client: Client,
    agreeing: Arc<dyn Agreeing>,
    book: Book,
) -> Result<(), String> {
    let mut rng = process.rng();
    for round in 0..ROUNDS {
        // Whoever comes back after a crash, or gives up, leaves the rest to the participants.
        while book.lock().unwrap()[round].path.is_none() {
            process.idle(rng.u64(1..1000)).await;
            let polls = if rng.u8(..3) == 0 { rng.usize(1..20) } else { usize::MAX };
            let limit = Duration::from_millis(rng.u64(100..8000));
            let (writing, told) = (Arc::clone(&book), tell(&process, &book, round, "coordinator"));
            let path = Box::new(move |path| writing.lock().unwrap()[round].path = Some(path));
            let coordinating = agreeing.coordinate(&client, limit, path, told);
            match process.abandon(polls, coordinating).await {
                Err(_) | Ok(Ok(())) => {}
                Ok(Err(error)) if may_pass(&error) => {}
                // It cannot know what was decided, and all who had to know did.
                Ok(Err(Error::TransactionGone { .. })) if are_all_done(&book, round) => {}
                Ok(Err(error)) => return Err(format!("coordinating failed: {error}")),
            }
        }
        while !are_all_done(&book, round) {
            process.idle(100).await;
        }
    }
    Ok(())
}

async fn take_part(
    process: Process,
    client: Client,
    agreeing: Arc<dyn Agreeing>,
    book: Book,
    name: &'static str,
) -> Result<(), String> {
    let mut rng = process.rng();
    for round in 0..ROUNDS {
        while !book.lock().unwrap()[round].done.contains(name) {
            process.idle(rng.u64(1..800)).await;
            let (path, vote, known) = {
                let round = &mut book.lock().unwrap()[round];
                let Some(path) = round.path.clone() else { continue };
                let vote = if rng.u8(..6) == 0 { Vote::Abort } else { Vote::Commit };
                let vote = *round.votes.entry(name).or_insert(vote);
                (path, vote, round.decisions.get(name).copied())
            };
            let polls = if rng.u8(..4) == 0 { rng.usize(1..20) } else { usize::MAX };
            let told = tell(&process, &book, round, name);
            let part = agreeing.take_part(&client, path, name, vote, known, told);
            match process.abandon(polls, part).await {
                Err(_) => {}
                Ok(Ok(())) => drop(book.lock().unwrap()[round].done.insert(name)),
                Ok(Err(error)) if may_pass(&error) => {}
                Ok(Err(error)) => return Err(format!("{name} failed: {error}")),
            }
        }
    }
    Ok(())
}
