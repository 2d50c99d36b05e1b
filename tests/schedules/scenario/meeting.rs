//! Processes that begin together and end together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::Error;

use super::mutex::Boxed;
use crate::invariant::NothingLeft;
use crate::world::{Process, World};

pub(crate) const PATH: &str = "/barriers/job";

/// How many meet.
pub(crate) const MEMBERS: usize = 3;

/// Where they meet.
pub(crate) trait Meeting: Send + Sync {
    fn enter(&self, client: &Client) -> Boxed<Result<Box<dyn Member>, Error>>;
}

/// Somebody who has met the others.
pub(crate) trait Member: Send + Sync {
    fn leave(self: Box<Self>) -> Boxed<Result<(), Error>>;
}

/// What happened so far.
#[derive(Default)]
struct Book {
    /// Those who have begun to enter and not left yet: how many there were at most since they began.
    present: BTreeMap<usize, usize>,
    /// How often somebody gave up waiting: the node may be there for a moment longer, and the others
    /// may have met without.
    ghosts: usize,
    /// Whether strangers have come to the help of those who were left alone.
    helped: bool,
    /// How often each has begun to leave.
    leaving: BTreeMap<usize, usize>,
    finished: usize,
}

impl Book {
    fn comes(&mut self, who: usize) {
        self.present.insert(who, 0);
        let now = self.present.len() + self.ghosts;
        self.present.values_mut().for_each(|most| *most = now.max(*most));
    }

    fn gives_up(&mut self) {
        self.ghosts += 1;
        let now = self.present.len() + self.ghosts;
        self.present.values_mut().for_each(|most| *most = now.max(*most));
    }

    fn check_entry(&self, who: usize) -> Result<(), String> {
        let most = self.present.get(&who).copied().unwrap_or(0);
        if most >= MEMBERS || self.helped {
            return Ok(());
        }
        Err(format!("opened for {most} of {MEMBERS}"))
    }

    /// Who dies inside is not waited for.
    fn check_exit(&self, process: &Process, round: usize) -> Result<(), String> {
        let left = self.leaving.values().filter(|rounds| **rounds > round).count();
        let has_excuse = self.helped || self.ghosts > 0 || process.some_session_ended();
        if left >= MEMBERS || has_excuse {
            return Ok(());
        }
        Err(format!("{left} of {MEMBERS} had left when one was out"))
    }
}

type Shared = Arc<Mutex<Book>>;

/// Who was out when the others met may wait for ever for the next round. From this time on they get
/// help.
const HELP_MS: u64 = 60_000;

/// Lets them meet so many times.
pub(crate) fn meet(world: &Arc<World>, meeting: impl Meeting + 'static, rounds: usize) {
    let (meeting, book) = (Arc::new(meeting), Shared::default());
    world.watch_over(NothingLeft::but([]));
    for number in 0..=MEMBERS {
        let (meeting, book) = (Arc::clone(&meeting), Arc::clone(&book));
        world.start(move |process| {
            let (meeting, book) = (Arc::clone(&meeting), Arc::clone(&book));
            if number == MEMBERS {
                return process.spawn(help(process.clone(), meeting, book));
            }
            let client = process.client();
            process.work(take_part(process.clone(), client.clone(), meeting, book, rounds));
            process.keep(client);
        });
    }
}

async fn take_part(
    process: Process,
    client: Client,
    meeting: Arc<impl Meeting>,
    book: Shared,
    rounds: usize,
) -> Result<(), String> {
    let (mut rng, own) = (process.rng(), process.id().number);
    for round in 0..rounds {
        process.idle(rng.u64(1..1500)).await;
        book.lock().unwrap().comes(own);
        let inside = loop {
            let polls = if rng.u8(..20) == 0 { rng.usize(1..12) } else { usize::MAX };
            if let Ok(entered) = process.abandon(polls, meeting.enter(&client)).await {
                break entered.map_err(|error| format!("entering failed: {error}"))?;
            }
            book.lock().unwrap().gives_up();
        };
        process.note(format_args!("is inside, round {round}"));
        book.lock().unwrap().check_entry(own)?;
        process.idle(rng.u64(1..1500)).await;
        *book.lock().unwrap().leaving.entry(own).or_default() += 1;
        let left = inside.leave().await;
        left.map_err(|error| format!("leaving failed: {error}"))?;
        process.note(format_args!("is outside, round {round}"));
        let mut book = book.lock().unwrap();
        book.present.remove(&own);
        book.check_exit(&process, round)?;
    }
    book.lock().unwrap().finished += 1;
    Ok(())
}

/// Meets whoever is left alone because it was out when the others met.
async fn help(process: Process, meeting: Arc<impl Meeting + 'static>, book: Shared) {
    process.idle(HELP_MS).await;
    {
        let mut book = book.lock().unwrap();
        if book.ghosts == 0 && !process.some_session_ended() {
            return;
        }
        book.helped = true;
    }
    for _ in 0..MEMBERS {
        let (helper, meeting, book) = (process.clone(), Arc::clone(&meeting), Arc::clone(&book));
        process.spawn(async move {
            let client = helper.client();
            while book.lock().unwrap().finished < MEMBERS {
                let meeting = async {
                    if let Ok(inside) = meeting.enter(&client).await {
                        let _ = inside.leave().await;
                    }
                };
                tokio::select! {
                    biased;
                    () = meeting => {}
                    () = helper.idle(3000) => {}
                }
            }
        });
    }
}
