//! Queues: what is taken is taken once and not before its time; what is claimed is never lost.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use zk_client::{Client, SessionId};
use zk_recipes::queue::Claim;
use zk_recipes::{DelayQueue, Error, PriorityQueue, Queue, ShardedQueue};

use crate::invariant::{Claim as Held, Holders};
use crate::run::{ALIKE, LONG, Scenario, explore_one_in};
use crate::scenario::mutex::Boxed;
use crate::scenario::passing_on::{Book, PATH, Pipe, is_due, pass_on, pass_on_leaving, with_due};
use crate::world::{Allowed, Process, World};

/// What the kinds of queues have in common.
pub(crate) trait Kind: Clone + Send + Sync + 'static {
    fn put(&self, item: String) -> Boxed<Result<(), Error>>;
    fn take(&self) -> Boxed<Result<Bytes, Error>>;
    fn claim(&self) -> Boxed<Result<Claim, Error>>;
    fn count(&self) -> Boxed<Result<usize, Error>>;
}

macro_rules! kind {
    ($queue:ty, |$self:ident, $item:ident| $put:expr) => {
        impl Kind for $queue {
            fn put(&self, $item: String) -> Boxed<Result<(), Error>> {
                let $self = self.clone();
                Box::pin(async move { $put })
            }

            fn take(&self) -> Boxed<Result<Bytes, Error>> {
                let queue = self.clone();
                Box::pin(async move { queue.take().await })
            }

            fn claim(&self) -> Boxed<Result<Claim, Error>> {
                let queue = self.clone();
                Box::pin(async move { queue.claim().await })
            }

            fn count(&self) -> Boxed<Result<usize, Error>> {
                let queue = self.clone();
                Box::pin(async move { queue.count().await })
            }
        }
    };
}

kind!(Queue, |queue, item| queue.put(item).await);
kind!(PriorityQueue, |queue, item| {
    let priority = priority(&item);
    queue.put(item, priority).await
});
kind!(DelayQueue, |queue, item| {
    let (item, due_ms) = with_due(&item);
    queue.put(item, UNIX_EPOCH + Duration::from_millis(due_ms)).await
});

kind!(ShardedQueue, |queue, item| queue.put(item).await);

/// With shards that are full so soon that some are added.
fn sharded(client: &Client) -> ShardedQueue {
    ShardedQueue::new(client, PATH).threshold(2).max_shards(3)
}

/// The directories of shards, and of their claims, which are made to stay.
const SHARDS: [&str; 5] =
    ["/queues", PATH, "/queues/mail/", "/queues/mail-claims", "/queues/mail-claims/"];

/// From -1 to 1, as the item is called.
fn priority(item: &str) -> i32 {
    item.bytes().map(i32::from).sum::<i32>() % 3 - 1
}

/// What is taken is gone.
pub(crate) struct Taking<Q>(pub(crate) Q);

impl<Q: Kind> Pipe for Taking<Q> {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        self.0.put(item)
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let queue = self.0.clone();
        Box::pin(async move {
            let item = queue.take().await?;
            let item = String::from_utf8_lossy(&item);
            process.complain_about(is_due(&item));
            process.complain_about(book.done(&item));
            Ok(())
        })
    }

    fn count(&self) -> Boxed<Result<usize, Error>> {
        self.0.count()
    }

    fn takes_for_good(&self) -> bool {
        true
    }
}

/// What is claimed is gone once the work is done.
struct Claiming<Q>(Q, Client);

impl<Q: Kind> Pipe for Claiming<Q> {
    fn put(&self, item: String) -> Boxed<Result<(), Error>> {
        self.0.put(item)
    }

    fn work_on_one(&self, process: Process, book: Book) -> Boxed<Result<(), Error>> {
        let (queue, client) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let claim = Arc::new(queue.claim().await?);
            let item = String::from_utf8_lossy(claim.data()).into_owned();
            process.complain_about(is_due(&item));
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
        self.0.count()
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

/// Plays with what is taken. What a process has taken goes with it, and nobody could tell that from a
/// loss: so nothing crashes.
fn explore_taking(share: u64, name: &'static str, begin: fn(&Arc<World>)) {
    let allowed = Allowed { crashes: false, kills: true };
    explore_one_in(share, &Scenario { name, processes: 3, allowed, begin });
}

fn explore_claiming(share: u64, name: &'static str, begin: fn(&Arc<World>)) {
    let allowed = Allowed { crashes: true, kills: false };
    explore_one_in(share, &Scenario { name, processes: 3, allowed, begin });
}

#[test]
fn an_item_is_taken_once_whatever_happens() {
    explore_taking(LONG, "queue::an_item_is_taken_once_whatever", |world| {
        pass_on(world, |client| Arc::new(Taking(Queue::new(client, PATH))));
    });
}

#[test]
fn an_item_is_taken_once_from_a_queue_of_kazoo() {
    explore_taking(ALIKE, "queue::an_item_is_taken_once_from", |world| {
        let open = |client: &Client| Arc::new(Taking(Queue::kazoo(client, PATH))) as Arc<dyn Pipe>;
        pass_on_leaving(world, open, &["/queues", PATH]);
    });
}

#[test]
fn items_of_any_priority_are_taken_once() {
    explore_taking(ALIKE, "queue::items_of_any", |world| {
        pass_on(world, |client| Arc::new(Taking(PriorityQueue::new(client, PATH))));
    });
}

#[test]
fn items_are_taken_in_time() {
    explore_taking(ALIKE, "queue::items_are_taken_in", |world| {
        pass_on(world, |client| Arc::new(Taking(DelayQueue::new(client, PATH))));
    });
}

#[test]
fn a_claimed_item_is_worked_on_by_one_until_it_is_done() {
    explore_claiming(LONG, "queue::a_claimed_item_is_worked", |world| {
        pass_on(world, |client| Arc::new(Claiming(Queue::new(client, PATH), client.clone())));
    });
}

#[test]
fn a_claimed_item_of_kazoo_is_worked_on_by_one() {
    explore_claiming(ALIKE, "queue::a_claimed_item_of", |world| {
        let open = |client: &Client| {
            let queue = Queue::kazoo_locking(client, PATH);
            Arc::new(Claiming(queue, client.clone())) as Arc<dyn Pipe>
        };
        let directories = ["/queues", PATH, "/queues/mail/entries", "/queues/mail/taken"];
        pass_on_leaving(world, open, &directories);
    });
}

#[test]
fn an_item_claimed_by_priority_is_worked_on_by_one() {
    explore_claiming(ALIKE, "queue::an_item_claimed_by", |world| {
        pass_on(world, |client| {
            Arc::new(Claiming(PriorityQueue::new(client, PATH), client.clone()))
        });
    });
}

#[test]
fn an_item_claimed_in_time_is_worked_on_by_one() {
    explore_claiming(ALIKE, "queue::an_item_claimed_in", |world| {
        pass_on(world, |client| Arc::new(Claiming(DelayQueue::new(client, PATH), client.clone())));
    });
}

#[test]
fn an_item_of_any_shard_is_taken_once() {
    explore_taking(ALIKE, "queue::an_item_of_any", |world| {
        pass_on_leaving(world, |client| Arc::new(Taking(sharded(client))), &SHARDS);
    });
}

#[test]
fn a_claimed_item_of_any_shard_is_worked_on_by_one() {
    explore_claiming(ALIKE, "queue::a_claimed_item_of_any", |world| {
        let open =
            |client: &Client| Arc::new(Claiming(sharded(client), client.clone())) as Arc<dyn Pipe>;
        pass_on_leaving(world, open, &SHARDS);
    });
}
