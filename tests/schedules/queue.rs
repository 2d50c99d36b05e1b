//! `Queue`: what is taken is taken once, what is claimed is never lost.

use std::sync::Arc;

use zk_client::{Client, SessionId};
use zk_recipes::{Error, Queue};

use crate::invariant::{Claim as Held, Holders};
use crate::run::{Scenario, explore};
use crate::scenario::mutex::Boxed;
use crate::scenario::passing_on::{Book, PATH, Pipe, pass_on};
use crate::world::{Allowed, Process, World};

/// What is taken is gone.
struct Taking(Queue);

impl Pipe for Taking {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        let queue = self.0.clone();
        Box::pin(async move { queue.put(item).await })
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let queue = self.0.clone();
        Box::pin(async move {
            let item = queue.take().await?;
            process.complain_about(book.done(&String::from_utf8_lossy(&item)));
            Ok(())
        })
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        let queue = self.0.clone();
        Box::pin(async move { queue.count().await })
    }
}

/// What is claimed is gone once the work is done.
struct Claiming(Queue, Client);

impl Pipe for Claiming {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        Taking(self.0.clone()).put(item)
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let (queue, client) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let claim = Arc::new(queue.claim().await?);
            let item = String::from_utf8_lossy(claim.data()).into_owned();
            if book.is_done(&item) {
                process.complain_about(Err(format!("{item} was done, and is there again")));
            }
            let asked = Arc::clone(&claim);
            let holders = process.holders();
            let entry = holders.enter(Held {
                what: item.clone(),
                limit: 1,
                process: process.id(),
                session: client.session_id().unwrap_or(SessionId::NONE),
                node: None,
                token: None,
                is_held: Box::new(move || asked.is_held()),
            });
            let left = Leaving { holders, entry };
            let mut rng = process.rng();
            process.idle(rng.u64(1..1000)).await;
            drop(left);
            let Some(claim) = Arc::into_inner(claim) else { return Ok(()) };
            match rng.u8(..6) {
                0 => claim.release().await,
                1 => claim.requeue().await,
                2 => Ok(()),
                _ => {
                    // From here on it may be done, whatever is heard of it.
                    book.may_be_done(&item);
                    claim.complete().await?;
                    process.complain_about(book.done(&item));
                    Ok(())
                }
            }
        })
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        Taking(self.0.clone()).count()
    }
}

/// Leaves the list of holders when the work ends, however it does.
struct Leaving {
    holders: Holders,
    entry: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.holders.leave(self.entry);
    }
}

fn take(world: &Arc<World>) {
    pass_on(world, |client| Arc::new(Taking(Queue::new(client, PATH))));
}

fn claim(world: &Arc<World>) {
    pass_on(world, |client| Arc::new(Claiming(Queue::new(client, PATH), client.clone())));
}

#[test]
fn an_item_is_taken_once_whatever_happens() {
    // What a process has taken goes with it: nobody could tell it from a loss.
    let allowed = Allowed { crashes: false, kills: true };
    explore(&Scenario { name: "queue::an_item_is_taken", processes: 3, allowed, begin: take });
}

#[test]
fn a_claimed_item_is_worked_on_by_one_until_it_is_done() {
    let allowed = Allowed { crashes: true, kills: false };
    explore(&Scenario { name: "queue::a_claimed_item", processes: 3, allowed, begin: claim });
}
